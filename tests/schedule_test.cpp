// Learning rates that depend on the step: the schedules of Keras, and functions of one's own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "golden.hpp"
#include "xlayers/models/optimizers/optimizers.hpp"
#include "xlayers/models/optimizers/schedules.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::AllOf;
using testing::HasSubstr;

LearningRate read(const Value& value) {
  LearningRate rate = 0.0;
  from_value(value, rate);
  return rate;
}

/// The rates that an optimizer uses in its first steps: SGD moves a weight by the rate where the gradient is -1.
std::vector<float> used_rates(Optimizer optimizer, int steps) {
  optimizer.build(std::vector<std::int64_t>{1});
  std::vector<float> rates;
  for (int i = 0; i < steps; ++i) {
    const float announced = optimizer.learning_rate();
    float weight = 0, gradient = -1;
    optimizer.apply(std::vector<Optimizer::Update>{{.weight = &weight, .gradient = &gradient, .size = 1}});
    EXPECT_EQ(weight, announced);
    rates.push_back(weight);
  }
  return rates;
}

/// Learning rates 1, 1/2, 1/4, ...
double halving(std::int64_t step) { return std::exp2(-static_cast<double>(step)); }

TEST(Schedule, GivesTheRatesThatKerasGives) {
  const Json& schedules = golden("optimizers").at("schedules");
  ASSERT_GE(schedules.at("cases").size(), 16u);
  for (const auto& [name, expected] : schedules.at("cases").items()) {
    SCOPED_TRACE(name);
    const LearningRate rate = read(Config::from_json(expected.at("serialized").dump()));
    EXPECT_FALSE(rate.constant());
    for (std::size_t i = 0; i < schedules.at("steps").size(); ++i) {
      const auto step = schedules.at("steps")[i].get<std::int64_t>();
      const auto truth = expected.at("rates")[i].get<double>();
      EXPECT_NEAR(rate(step), truth, 1e-12 * truth + 1e-16) << "at step " << step;
    }
  }
}

TEST(Schedule, IsStoredAsKerasStoresIt) {
  for (const auto& [name, expected] : golden("optimizers").at("schedules").at("cases").items()) {
    SCOPED_TRACE(name);
    const Json& serialized = expected.at("serialized");
    const LearningRate rate = read(Config::from_json(serialized.dump()));
    EXPECT_EQ(Json::parse(to_value(rate).to_text()), serialized);
    for (const Format format : every_format)
      EXPECT_EQ(to_value(read(round_trip(to_value(rate).as_config(), format))), to_value(rate));
  }
  EXPECT_EQ(to_value(LearningRate(CosineDecay({.initial_learning_rate = 0.5, .decay_steps = 10}))).to_text(),
            R"({"module": "keras.optimizers.schedules", "class_name": "CosineDecay", "config": )"
            R"({"initial_learning_rate": 0.5, "decay_steps": 10, "alpha": 0.0, "name": "CosineDecay", )"
            R"("warmup_target": null, "warmup_steps": 0}, "registered_name": null})");
}

TEST(Schedule, ComesBackFromItsConfig) {
  const ExponentialDecay exponential(
      {.initial_learning_rate = 0.1, .decay_steps = 7, .decay_rate = 0.3, .staircase = true, .name = "e"});
  EXPECT_EQ(ExponentialDecay::from_config(exponential.get_config()).get_config(), exponential.get_config());
  const CosineDecay cosine(
      {.initial_learning_rate = 0.1, .decay_steps = 7, .alpha = 0.3, .warmup_target = 1.0, .warmup_steps = 3});
  EXPECT_EQ(CosineDecay::from_config(cosine.get_config()).get_config(), cosine.get_config());
  const PiecewiseConstantDecay piecewise({.boundaries = {1, 5}, .values = {0.1, 1, 0.3}, .name = "p"});
  EXPECT_EQ(PiecewiseConstantDecay::from_config(piecewise.get_config()).get_config(), piecewise.get_config());
  EXPECT_EQ(piecewise.name(), "p");
  EXPECT_STREQ(piecewise.class_name(), "PiecewiseConstantDecay");
}

TEST(Schedule, HasARateForTheLargestStep) {
  const std::int64_t last = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(CosineDecay({.initial_learning_rate = 1, .decay_steps = last, .warmup_target = 2, .warmup_steps = last})(
                last - 1),
            2);
  EXPECT_EQ(CosineDecay({.initial_learning_rate = 1, .decay_steps = 1, .alpha = 0.5})(last), 0.5);
  EXPECT_EQ(ExponentialDecay({.initial_learning_rate = 1, .decay_steps = last, .decay_rate = 0.5})(last), 0.5);
  EXPECT_EQ(PiecewiseConstantDecay({.boundaries = {last}, .values = {1, 2}})(last), 1);
  EXPECT_EQ(PiecewiseConstantDecay({.values = {3}})(0), 3);
}

TEST(Schedule, RefusesBadOptions) {
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  const ExponentialDecay::Options exponential{.initial_learning_rate = 0.1, .decay_steps = 10, .decay_rate = 0.5};
  const CosineDecay::Options cosine{.initial_learning_rate = 0.1, .decay_steps = 10};
  const auto error = [](auto options, auto change) {
    change(options);
    using Schedule =
        std::conditional_t<std::is_same_v<decltype(options), CosineDecay::Options>, CosineDecay, ExponentialDecay>;
    return error_of<ValueError>([&] { Schedule{options}; });
  };
  for (const std::int64_t steps : {std::int64_t{0}, std::int64_t{-1}, std::numeric_limits<std::int64_t>::min()}) {
    EXPECT_EQ(error(exponential, [&](auto& o) { o.decay_steps = steps; }),
              "[ExponentialDecay 'ExponentialDecay'] decay_steps is " + std::to_string(steps) +
                  ", expected an integer from 1 on");
    EXPECT_EQ(
        error(cosine, [&](auto& o) { o.decay_steps = steps; }),
        "[CosineDecay 'CosineDecay'] decay_steps is " + std::to_string(steps) + ", expected an integer from 1 on");
  }
  for (const double bad : {-0.1, nan, infinity}) {
    const char* rule = ", expected a number from 0 on";
    EXPECT_THAT(error(exponential, [&](auto& o) { o.initial_learning_rate = bad; }),
                AllOf(HasSubstr("initial_learning_rate is "), HasSubstr(rule)));
    EXPECT_THAT(error(exponential, [&](auto& o) { o.decay_rate = bad; }),
                AllOf(HasSubstr("decay_rate is "), HasSubstr(rule)));
    EXPECT_THAT(error(cosine, [&](auto& o) { o.initial_learning_rate = bad; }),
                AllOf(HasSubstr("initial_learning_rate is "), HasSubstr(rule)));
    EXPECT_THAT(error(cosine, [&](auto& o) { o.alpha = bad; }), AllOf(HasSubstr("alpha is "), HasSubstr(rule)));
    EXPECT_THAT(error(cosine, [&](auto& o) { o.warmup_target = bad; }),
                AllOf(HasSubstr("warmup_target is "), HasSubstr(rule)));
    EXPECT_THAT(error_of<ValueError>([&] {
                  PiecewiseConstantDecay({.boundaries = {1}, .values = {1, bad}});
                }),
                AllOf(HasSubstr("values[1] is "), HasSubstr(rule)));
  }
  EXPECT_THAT(error(cosine, [](auto& o) { o.warmup_steps = -1; }), HasSubstr("expected an integer from 0 on"));
  EXPECT_EQ(error_of<ValueError>([] {
              PiecewiseConstantDecay({.boundaries = {1, 2}, .values = {1, 2}});
            }),
            "[PiecewiseConstantDecay 'PiecewiseConstant'] expected one value more than boundaries, got 2 values and 2 "
            "boundaries");
  EXPECT_THROW(PiecewiseConstantDecay({}), ValueError);
  for (const std::vector<std::int64_t>& boundaries : {std::vector<std::int64_t>{2, 1}, {1, 1}})
    EXPECT_THAT(error_of<ValueError>([&] {
                  PiecewiseConstantDecay({.boundaries = boundaries, .values = {1, 2, 3}});
                }),
                HasSubstr("expected boundaries each of which is larger than the one before, got ["));
}

TEST(Schedule, HasOptionsThatNeedToBeGiven) {
  EXPECT_THAT(error_of<ValueError>([] { ExponentialDecay({.decay_steps = 1, .decay_rate = 1}); }),
              HasSubstr("initial_learning_rate is NaN"));
  EXPECT_THAT(error_of<ValueError>([] { ExponentialDecay({.initial_learning_rate = 1, .decay_steps = 1}); }),
              HasSubstr("decay_rate is NaN"));
  EXPECT_THAT(error_of<ValueError>([] {
                CosineDecay::from_config({{"decay_steps", 4}});
              }),
              HasSubstr("initial_learning_rate is NaN"));
  EXPECT_THAT(error_of<ValueError>([] {
                CosineDecay::from_config({{"initial_learning_rate", 1}});
              }),
              HasSubstr("decay_steps is 0"));
}

TEST(Schedule, RefusesWhatItCannotRead) {
  LearningRate kept = 0.25;
  const auto error = [&](Value value) {
    const std::string text = error_of<ValueError>([&] { from_value(value, kept); });
    EXPECT_TRUE(kept.constant() && kept(0) == 0.25);
    return text;
  };
  const auto object = [](const char* class_name, Config config) {
    return Config{{"class_name", class_name}, {"config", config}};
  };
  EXPECT_THAT(error(object("PolynomialDecay", {})),
              AllOf(HasSubstr("unknown learning rate schedule 'PolynomialDecay'; known are CosineDecay, "
                              "ExponentialDecay, PiecewiseConstantDecay"),
                    HasSubstr("register_learning_rate")));
  EXPECT_THAT(error(object("ExponentialDecay", {{"initial_learning_rate", 1}, {"steps", 1}})), HasSubstr("'steps'"));
  EXPECT_THAT(error(object("ExponentialDecay", {{"initial_learning_rate", "1"}})), HasSubstr("initial_learning_rate"));
  EXPECT_THAT(error(object("CosineDecay", {{"initial_learning_rate", 1}, {"decay_steps", 1.5}})),
              HasSubstr("decay_steps"));
  EXPECT_THAT(error(object("PiecewiseConstantDecay", {{"boundaries", 3}})), HasSubstr("boundaries"));
  EXPECT_THAT(error(Config{{"config", Config()}}), HasSubstr("expected a learning rate schedule"));
  EXPECT_THAT(error("0.1"), HasSubstr("unknown learning rate schedule '0.1'"));
  EXPECT_THAT(error(Value()), HasSubstr("expected a number"));
  EXPECT_THAT(error(true), HasSubstr("expected a number"));

  const Config config = [&] {
    Config config = SGD().get_config();
    config.set("learning_rate", object("CosineDecay", {{"initial_learning_rate", 1}, {"decay_steps", 0}}));
    return config;
  }();
  EXPECT_THAT(error_of<ValueError>([&] { SGD::from_config(config); }),
              AllOf(HasSubstr("learning_rate"), HasSubstr("decay_steps is 0, expected an integer from 1 on")));
}

TEST(LearningRate, IsANumberAScheduleOrAFunction) {
  EXPECT_EQ(SGD({.learning_rate = 0.5}).learning_rate(), 0.5f);
  EXPECT_EQ(SGD({.learning_rate = 0.5f}).learning_rate(), 0.5f);
  EXPECT_EQ(SGD({.learning_rate = 2}).learning_rate(), 2.0f);
  EXPECT_EQ(Adam({.learning_rate = CosineDecay({.initial_learning_rate = 0.5, .decay_steps = 3})}).learning_rate(),
            0.5f);
  EXPECT_EQ(AdamW({.learning_rate = halving}).learning_rate(), 1.0f);
  EXPECT_EQ(RMSprop({.learning_rate = [](std::int64_t step) { return 3.0f + step; }}).learning_rate(), 3.0f);
  EXPECT_EQ(SGD({.learning_rate = [](auto) { return 4; }}).learning_rate(), 4.0f);
  const LearningRate::Function function = halving;
  EXPECT_EQ(SGD({.learning_rate = function}).learning_rate(), 1.0f);
  LearningRate rate = 0.5;
  EXPECT_TRUE(rate.constant());
  LearningRate copy = rate;
  EXPECT_EQ(copy(7), 0.5);
  rate = halving;
  EXPECT_FALSE(rate.constant());
  EXPECT_EQ(rate(2), 0.25);
  copy = rate;
  EXPECT_EQ(copy(3), 0.125);
}

TEST(LearningRate, IsAskedForStepsFromZeroOn) {
  EXPECT_THAT(used_rates(SGD({.learning_rate = halving}), 4), testing::ElementsAre(1, 0.5f, 0.25f, 0.125f));
  EXPECT_THAT(used_rates(SGD({.learning_rate = PiecewiseConstantDecay({.boundaries = {1}, .values = {1, 2}})}), 4),
              testing::ElementsAre(1, 1, 2, 2));
  SGD resumed({.learning_rate = halving});
  resumed.set_iterations(3);
  EXPECT_THAT(used_rates(resumed, 2), testing::ElementsAre(0.125f, 0.0625f));
}

TEST(LearningRate, IsAskedOnceAStepForAllWeights) {
  int calls = 0;
  SGD optimizer({.learning_rate = [&calls](std::int64_t) { return ++calls; }, .weight_decay = 0.5});
  optimizer.build(std::vector<std::int64_t>{1, 1});
  float weights[2] = {1, 1}, gradients[2] = {1, 1};
  optimizer.apply(
      std::vector<Optimizer::Update>{{.weight = &weights[0], .gradient = &gradients[0], .size = 1, .decays = false},
                                     {.weight = &weights[1], .gradient = &gradients[1], .size = 1}});
  EXPECT_EQ(calls, 1);
  EXPECT_THAT(weights, testing::ElementsAre(0, -0.5f));
}

TEST(LearningRate, CannotBeSetIfItDependsOnTheStep) {
  for (const LearningRate& rate :
       {LearningRate(halving), LearningRate(CosineDecay({.initial_learning_rate = 1, .decay_steps = 9}))}) {
    Adam adam({.learning_rate = rate});
    EXPECT_THAT(error_of<ValueError>([&] { adam.set_learning_rate(0.5f); }),
                HasSubstr("[Adam 'adam'] has a learning rate that depends on the step, which cannot be set"));
    EXPECT_EQ(adam.learning_rate(), 1);
    EXPECT_EQ(adam.count_params(), 1);
    adam.build(std::vector<std::int64_t>{5});
    EXPECT_EQ(adam.count_params(), 1 + 2 * 5);
  }
}

TEST(LearningRate, ThatIsNoNumberFromZeroOnChangesNothing) {
  for (const double bad : {-1.0, std::nan(""), std::numeric_limits<double>::infinity(), 1e300}) {
    SGD optimizer({.learning_rate = [bad](std::int64_t step) { return step < 1 ? 1 : bad; }, .momentum = 0.5});
    optimizer.build(std::vector<std::int64_t>{1});
    float weight = 0, gradient = -1;
    const std::vector<Optimizer::Update> updates{{.weight = &weight, .gradient = &gradient, .size = 1}};
    optimizer.apply(updates);
    const std::string text = "[SGD 'sgd'] learning_rate is " + Value(bad).to_text() + ", expected a number from 0 on";
    EXPECT_EQ(error_of<ValueError>([&] { optimizer.apply(updates); }), text);
    EXPECT_EQ(error_of<ValueError>([&] { optimizer.learning_rate(); }), text);
    EXPECT_EQ(weight, 1);
    EXPECT_EQ(optimizer.slots()[0].values[0], 1);
    EXPECT_EQ(optimizer.iterations(), 1);
  }
  SGD throws({.learning_rate = [](std::int64_t) -> double { throw std::logic_error("mine"); }});
  EXPECT_THROW(throws.learning_rate(), std::logic_error);
}

TEST(LearningRate, NeedsAFunction) {
  EXPECT_THAT(error_of<ValueError>([] { LearningRate rate = LearningRate::Function(); }),
              HasSubstr("got an empty function"));
  EXPECT_THROW(LearningRate(static_cast<double (*)(std::int64_t)>(nullptr)), ValueError);
  EXPECT_EQ(error_of<ValueError>([] { LearningRate::own("x", {}); }), "the learning rate schedule 'x' has no function");
}

TEST(OwnLearningRate, WithoutANameCannotBeStored) {
  const SGD optimizer({.learning_rate = [](std::int64_t) { return 1.0; }});
  const std::string text = error_of<SerializationError>([&] { to_value(optimizer); });
  EXPECT_THAT(text, AllOf(HasSubstr("cannot be stored"), HasSubstr("xl::LearningRate::own(name, function)"),
                          HasSubstr("xl::register_learning_rate")));
  EXPECT_EQ(error_of<SerializationError>([&] { optimizer.get_config(); }), text);
}

TEST(OwnLearningRate, IsReadByItsNameOnceRegistered) {
  const LearningRate own = LearningRate::own("halving", halving);
  const Json& stored = golden("optimizers").at("own");  // by Keras, for a class of that name
  const SGD optimizer({.learning_rate = own, .name = "own"});
  EXPECT_EQ(Json::parse(to_value(optimizer).to_text()), stored);
  Optimizer again = "adam";
  EXPECT_THAT(error_of<ValueError>([&] { from_value(to_value(optimizer), again); }),
              HasSubstr("unknown learning rate schedule 'halving'"));
  EXPECT_STREQ(again.class_name(), "Adam");

  register_learning_rate(own);
  for (const Format format : every_format) {
    from_value(round_trip(to_value(optimizer).as_config(), format), again);
    EXPECT_THAT(used_rates(again, 3), testing::ElementsAre(1, 0.5f, 0.25f));
    EXPECT_EQ(to_value(again), to_value(optimizer));
  }
  from_value(Config::from_json(stored.dump()), again);
  EXPECT_EQ(to_value(again), to_value(optimizer));

  // By name alone, and as Keras stores a function.
  EXPECT_EQ(read("halving")(1), 0.5);
  EXPECT_EQ(read(Config::from_json(R"({"module": "builtins", "class_name": "function", "config": "halving"})"))(1),
            0.5);

  register_learning_rate(LearningRate::own("halving", [](std::int64_t) { return 7.0; }));
  EXPECT_EQ(read("halving")(1), 7);
  EXPECT_EQ(own(1), 0.5);
}

TEST(OwnLearningRate, NeedsANameThatIsNotTaken) {
  EXPECT_THROW(LearningRate::own("", halving), ValueError);
  EXPECT_EQ(error_of<ValueError>([] { LearningRate::own("CosineDecay", halving); }),
            "the name 'CosineDecay' is that of a learning rate schedule of Keras");
  const auto error = [](const LearningRate& rate) {
    return error_of<ValueError>([&] { register_learning_rate(rate); });
  };
  EXPECT_THAT(error(0.1), HasSubstr("got a number"));
  EXPECT_THAT(error(halving), HasSubstr("got a function without a name"));
  EXPECT_THAT(error(CosineDecay({.initial_learning_rate = 1, .decay_steps = 1, .name = ""})),
              HasSubstr("'CosineDecay' is one of Keras"));
}

}  // namespace
}  // namespace xl
