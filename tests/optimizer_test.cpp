#include "xlayers/models/optimizers/optimizers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "golden.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/options/constraint.hpp"

namespace xl {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;
using testing_golden::Json;

const Json& golden() { return testing_golden::golden("optimizers"); }

using Values = std::vector<std::vector<float>>;

/// Weights, their gradients, and one step over all of them.
struct Weights {
  explicit Weights(const Values& values) : values(values) {
    for (const auto& value : values) sizes.push_back(static_cast<std::int64_t>(value.size()));
    shapes.resize(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) shapes[i] = Shape{sizes[i]};
  }

  void step(Optimizer& optimizer, Values gradients) {
    std::vector<Optimizer::Update> updates;
    for (std::size_t i = 0; i < values.size(); ++i) {
      updates.push_back({.weight = values[i].data(),
                         .gradient = gradients[i].data(),
                         .size = sizes[i],
                         .shape = &shapes[i],
                         .constraint = &constraint,
                         .decays = decays});
    }
    optimizer.apply(updates);
  }

  Values values;
  std::vector<std::int64_t> sizes;
  std::vector<Shape> shapes;
  Constraint constraint;
  bool decays = true;
};

std::vector<float> data(const Json& tensor) { return tensor.at("data").get<std::vector<float>>(); }

void expect_near(std::span<const float> values, const std::vector<float>& expected, float tolerance) {
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(values[i], expected[i], tolerance * std::max(1.0f, std::abs(expected[i]))) << i;
  }
}

/// A weight of 1 after each of the gradients .5, -.2, .1.
std::vector<float> three_steps(Optimizer optimizer, Constraint constraint = {}) {
  Weights weights(Values{{1.0f}});
  weights.constraint = constraint;
  optimizer.build(weights.sizes);
  std::vector<float> seen;
  for (const float gradient : {0.5f, -0.2f, 0.1f}) {
    weights.step(optimizer, {{gradient}});
    seen.push_back(weights.values[0][0]);
  }
  return seen;
}

// Five steps of each case in float64 by Keras: the weights after each, and the state after the
// last.
TEST(Optimizer, StepsAsKeras) {
  ASSERT_GE(golden().at("cases").size(), 42u);
  for (const auto& [name, expected] : golden().at("cases").items()) {
    SCOPED_TRACE(name);
    Optimizer optimizer = "sgd";
    from_value(Config{{"class_name", expected.at("class").get<std::string>()},
                      {"config", Config::from_json(expected.at("options").dump())}},
               optimizer);
    Values initial;
    for (const Json& tensor : golden().at("initial")) initial.push_back(data(tensor));
    Weights weights(initial);
    optimizer.build(weights.sizes);
    for (std::size_t step = 0; step < golden().at("gradients").size(); ++step) {
      Values gradients;
      for (const Json& tensor : golden().at("gradients")[step]) gradients.push_back(data(tensor));
      weights.step(optimizer, gradients);
      for (std::size_t i = 0; i < initial.size(); ++i) {
        expect_near(weights.values[i], data(expected.at("values")[step][i]), 1e-6f);
      }
    }

    const Json& variables = expected.at("optimizer_variables");
    const std::size_t first = expected.at("options").value("learning_rate", Json()).is_object() ? 1 : 2;
    ASSERT_EQ(variables.size(), first + optimizer.slots().size());
    EXPECT_EQ(optimizer.iterations(), static_cast<std::int64_t>(variables[0].at("data")[0].get<double>()));
    if (first == 2) {
      EXPECT_FLOAT_EQ(optimizer.learning_rate(), variables[1].at("data")[0].get<float>());
    }
    std::size_t count = first;
    for (std::size_t i = 0; i < optimizer.slots().size(); ++i) {
      expect_near(optimizer.slots()[i].values, data(variables[first + i]), 1e-6f);
      count += data(variables[first + i]).size();
    }
    EXPECT_EQ(optimizer.count_params(), static_cast<std::int64_t>(count));
  }
}

// One weight of 1, learning rate .1, in float32 by Keras. There 1 - beta_2^t is off by 1e-5.
TEST(Optimizer, StepsAsKerasInFloat32) {
  expect_near(three_steps(SGD({.learning_rate = 0.1})), {.95f, .97f, .96f}, 1e-6f);
  expect_near(three_steps(SGD({.learning_rate = 0.1, .momentum = 0.9})), {.95f, .925f, .8925f}, 1e-6f);
  expect_near(three_steps(SGD({.learning_rate = 0.1, .momentum = 0.9, .nesterov = true})), {.905f, .9025f, .86325f},
              1e-6f);
  expect_near(three_steps(Adam({.learning_rate = 0.1})), {.9000013f, .86544126f, .8275024f}, 3e-6f);
  expect_near(three_steps(Adam({.learning_rate = 0.1, .weight_decay = 0.1})), {.8900013f, .8465413f, .80013704f},
              3e-6f);
  expect_near(three_steps(Adam({.learning_rate = 0.1, .clipvalue = 0.15})), {.9000028f, .9052658f, .8816899f}, 3e-6f);
}

TEST(Optimizer, AppliesTheConstraintAfterTheUpdate) {
  expect_near(three_steps(SGD({.learning_rate = 10}), NonNeg()), {0, 2, 1}, 1e-6f);
}

TEST(Optimizer, DecaysOnlyWhatShallDecay) {
  for (const bool decays : {false, true}) {
    Weights weights(Values{{2.0f}});
    weights.decays = decays;
    SGD optimizer({.learning_rate = 0.5, .weight_decay = 0.25});
    optimizer.build(weights.sizes);
    weights.step(optimizer, {{1.0f}});
    EXPECT_FLOAT_EQ(weights.values[0][0], decays ? 2 - 2 * 0.25 * 0.5 - 0.5 : 2 - 0.5);
    AdamW other({.learning_rate = 0.5, .weight_decay = 0.25});
    other.build(weights.sizes);
    weights.step(other, {{0.0f}});
    EXPECT_FLOAT_EQ(weights.values[0][0], decays ? 1.25 - 1.25 * 0.25 * 0.5 : 1.5);
  }
}

TEST(Optimizer, ClipsNothingAtABoundOfZeroOrLess) {
  for (const double bound : {0.0, -1.0}) {
    const std::vector<float> free = three_steps(SGD({.learning_rate = 0.1}));
    EXPECT_EQ(three_steps(SGD({.learning_rate = 0.1, .clipnorm = bound})), free);
    EXPECT_EQ(three_steps(SGD({.learning_rate = 0.1, .global_clipnorm = bound})), free);
    EXPECT_EQ(three_steps(SGD({.learning_rate = 0.1, .clipvalue = bound})), free);
  }
}

TEST(Optimizer, LetsNoInfinityHideInAClippedGradient) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {infinity, -infinity, std::nanf("")}) {
    Weights weights(Values{{1.0f, 1.0f}, {1.0f}});
    SGD optimizer({.global_clipnorm = 1.0});
    optimizer.build(weights.sizes);
    weights.step(optimizer, {{bad, 0.1f}, {0.1f}});
    for (const auto& values : weights.values) {
      for (const float value : values) EXPECT_TRUE(std::isnan(value));
    }
  }
}

TEST(Optimizer, ClipsGradientsOfAnySize) {
  Weights weights(Values{{1.0f, 1.0f}});
  SGD optimizer({.learning_rate = 1, .clipnorm = 0.5});
  optimizer.build(weights.sizes);
  weights.step(optimizer, {{3e30f, -4e30f}});  // whose square a float cannot hold
  expect_near(weights.values[0], {0.7f, 1.4f}, 1e-6f);
}

TEST(Optimizer, CopiesShareOneState) {
  Adam mine({.learning_rate = 0.5});
  Optimizer models = mine;
  Weights weights(Values{{1.0f, 2.0f}});
  models.build(weights.sizes);
  EXPECT_TRUE(mine.built());
  mine.set_learning_rate(0.25f);
  EXPECT_EQ(models.learning_rate(), 0.25f);
  weights.step(models, {{1.0f, 1.0f}});
  EXPECT_EQ(mine.iterations(), 1);
  EXPECT_NEAR(weights.values[0][0], 0.75, 1e-6);
}

TEST(Optimizer, KeepsItsStateWhenBuiltAgainForTheSameSizes) {
  Adam optimizer;
  Weights weights(Values{{1.0f}});
  optimizer.build(weights.sizes);
  weights.step(optimizer, {{1.0f}});
  const float momentum = optimizer.slots()[0].values[0];
  EXPECT_NE(momentum, 0);
  optimizer.build(weights.sizes);
  EXPECT_EQ(optimizer.slots()[0].values[0], momentum);
  EXPECT_EQ(optimizer.iterations(), 1);
}

TEST(Optimizer, ServesOneModel) {
  Adam optimizer;
  optimizer.build(std::vector<std::int64_t>{3, 4});
  for (const std::vector<std::int64_t>& other : std::vector<std::vector<std::int64_t>>{{3}, {3, 5}, {3, 4, 1}, {}}) {
    EXPECT_THAT([&] { optimizer.build(other); },
                ThrowsMessage<ValueError>(HasSubstr("[Adam 'adam'] was built for another model")));
  }
  EXPECT_EQ(optimizer.slots().size(), 4u);
}

TEST(Optimizer, RefusesUpdatesThatItWasNotBuiltFor) {
  Weights weights(Values{{1.0f}, {2.0f}});
  SGD optimizer({.momentum = 0.5});
  EXPECT_THAT(
      [&] {
        weights.step(optimizer, {{1.0f}, {1.0f}});
      },
      ThrowsMessage<ValueError>(HasSubstr("[SGD 'sgd'] has no state yet")));
  optimizer.build(std::vector<std::int64_t>{1, 1, 1});
  EXPECT_THAT(
      [&] {
        weights.step(optimizer, {{1.0f}, {1.0f}});
      },
      ThrowsMessage<ValueError>(HasSubstr("was built for 3 weights, got 2")));
  SGD other;
  other.build(std::vector<std::int64_t>{1, 2});
  EXPECT_THAT(
      [&] {
        weights.step(other, {{1.0f}, {1.0f}});
      },
      ThrowsMessage<ValueError>(HasSubstr("size 2 at position 1, got size 1")));
  EXPECT_EQ(weights.values, (Values{{1.0f}, {2.0f}}));
  EXPECT_EQ(other.iterations(), 0);
  SGD none;
  EXPECT_THROW(none.build(std::vector<std::int64_t>{-1}), ValueError);
  EXPECT_FALSE(none.built());
}

TEST(Optimizer, CountsItsStateAsASummaryDoes) {
  const std::vector<std::int64_t> sizes{10, 3};
  const auto count = [&](Optimizer optimizer) {
    EXPECT_EQ(optimizer.count_params(), 2);
    optimizer.build(sizes);
    return optimizer.count_params();
  };
  EXPECT_EQ(count("sgd"), 2);
  EXPECT_EQ(count(SGD({.momentum = 0.5})), 2 + 13);
  EXPECT_EQ(count("adam"), 2 + 2 * 13);
  EXPECT_EQ(count(Adam({.amsgrad = true})), 2 + 3 * 13);
  EXPECT_EQ(count("adamw"), 2 + 2 * 13);
  EXPECT_EQ(count("rmsprop"), 2 + 13);
  EXPECT_EQ(count(RMSprop({.momentum = 0.5, .centered = true})), 2 + 3 * 13);
}

TEST(Optimizer, ListsItsSlotsInKerasOrder) {
  Adam optimizer({.amsgrad = true});
  optimizer.build(std::vector<std::int64_t>{2, 3});
  std::vector<std::tuple<std::string, std::int64_t, std::size_t>> slots;
  for (const auto& slot : optimizer.slots()) {
    slots.emplace_back(slot.name, slot.weight, slot.values.size());
  }
  EXPECT_THAT(slots, testing::ElementsAre(std::tuple("momentum", 0, 2), std::tuple("velocity", 0, 2),
                                          std::tuple("momentum", 1, 3), std::tuple("velocity", 1, 3),
                                          std::tuple("velocity_hat", 0, 2), std::tuple("velocity_hat", 1, 3)));

  const auto names = [](RMSprop optimizer) {
    optimizer.build(std::vector<std::int64_t>{2, 3});
    std::string all;
    for (const auto& slot : optimizer.slots()) all += slot.name + std::to_string(slot.weight) + " ";
    return all;
  };
  EXPECT_EQ(names(RMSprop()), "velocity0 velocity1 ");
  EXPECT_EQ(names(RMSprop({.momentum = 0.5})), "velocity0 velocity1 momentum0 momentum1 ");
  EXPECT_EQ(names(RMSprop({.centered = true})), "velocity0 velocity1 average_gradient0 average_gradient1 ");
  EXPECT_EQ(names(RMSprop({.momentum = 0.5, .centered = true})),
            "velocity0 velocity1 momentum0 momentum1 average_gradient0 average_gradient1 ");
}

TEST(Optimizer, IsKnownByNameInAnyCase) {
  for (const char* name : {"adam", "Adam", "ADAM"}) {
    const Optimizer optimizer = name;
    EXPECT_STREQ(optimizer.class_name(), "Adam");
    EXPECT_EQ(optimizer.name(), "adam");
    EXPECT_EQ(optimizer.learning_rate(), 0.001f);
  }
  const Optimizer sgd = std::string("Sgd");
  EXPECT_STREQ(sgd.class_name(), "SGD");
  EXPECT_EQ(sgd.learning_rate(), 0.01f);
  for (const char* name : {"rmsprop", "RMSprop"}) EXPECT_EQ(to_value(Optimizer(name)), to_value(RMSprop()));
  for (const char* name : {"adamw", "AdamW"}) EXPECT_EQ(to_value(Optimizer(name)), to_value(AdamW()));
  EXPECT_THAT([] { Optimizer("adamm"); },
              ThrowsMessage<ValueError>("unknown optimizer 'adamm'; known are Adam, AdamW, RMSprop, SGD"));
  EXPECT_THROW(Optimizer(""), ValueError);
}

// What Keras writes, read and written again; then the text itself, key order included.
TEST(Optimizer, WritesTheConfigThatKerasWrites) {
  for (const auto& [name, expected] : golden().at("cases").items()) {
    SCOPED_TRACE(name);
    Optimizer optimizer = "sgd";
    from_value(Config::from_json(expected.at("serialized").dump()), optimizer);
    EXPECT_EQ(Json::parse(to_value(optimizer).to_text()), expected.at("serialized"));
    EXPECT_EQ(Json::parse(optimizer.get_config().to_json()), expected.at("get_config"));
    for (const Format format : testing_golden::every_format) {
      Optimizer again = "sgd";
      from_value(testing_golden::round_trip(to_value(optimizer).as_config(), format), again);
      EXPECT_EQ(to_value(again), to_value(optimizer));
    }
  }
  EXPECT_EQ(to_value(Adam()).as_config().to_json(),
            R"({"module": "keras.optimizers", "class_name": "Adam", "config": {"name": "adam", )"
            R"("learning_rate": 0.0010000000474974513, "weight_decay": null, "clipnorm": null, )"
            R"("global_clipnorm": null, "clipvalue": null, "use_ema": false, "ema_momentum": 0.99, )"
            R"("ema_overwrite_frequency": null, "loss_scale_factor": null, )"
            R"("gradient_accumulation_steps": null, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-07, )"
            R"("amsgrad": false}, "registered_name": null})");
  EXPECT_THAT(SGD({.momentum = 0.5}).get_config().to_json(),
              HasSubstr(R"("gradient_accumulation_steps": null, "momentum": 0.5, "nesterov": false})"));
}

TEST(Optimizer, ComesBackFromItsConfig) {
  const Adam adam({.learning_rate = 0.3, .beta_1 = 0.7, .epsilon = 1e-5, .clipnorm = 2.0, .name = "a"});
  EXPECT_EQ(Adam::from_config(adam.get_config()).get_config(), adam.get_config());
  const SGD sgd({.momentum = 0.3, .nesterov = true, .weight_decay = 1e-4});
  EXPECT_EQ(SGD::from_config(sgd.get_config()).get_config(), sgd.get_config());
  const AdamW decayed({.learning_rate = 0.3, .weight_decay = 0.1, .amsgrad = true});
  EXPECT_EQ(AdamW::from_config(decayed.get_config()).get_config(), decayed.get_config());
  const RMSprop rmsprop({.rho = 0.5, .momentum = 0.25, .epsilon = 1e-3, .centered = true, .clipvalue = 2.0});
  EXPECT_EQ(RMSprop::from_config(rmsprop.get_config()).get_config(), rmsprop.get_config());
  Optimizer other = "sgd";
  from_value(to_value(adam), other);
  EXPECT_EQ(to_value(other), to_value(adam));
  from_value("adam", other);
  EXPECT_EQ(to_value(other), to_value(Adam()));
}

TEST(Optimizer, WritesTheCurrentLearningRate) {
  Adam adam;
  adam.set_learning_rate(0.5f);
  EXPECT_EQ(adam.get_config().at("learning_rate"), Value(0.5));
}

TEST(Optimizer, RefusesWhatItCannotRead) {
  const auto with = [](const char* key, Value value) {
    Config config = Adam().get_config();
    config.set(key, std::move(value));
    return config;
  };
  EXPECT_THAT([&] { Adam::from_config(with("use_ema", true)); },
              ThrowsMessage<ValueError>(testing::AllOf(HasSubstr("use_ema"), HasSubstr("only false is supported"))));
  EXPECT_THROW(Adam::from_config(with("gradient_accumulation_steps", 4)), ValueError);
  EXPECT_THROW(Adam::from_config(with("loss_scale_factor", 2.0)), ValueError);
  EXPECT_THROW(AdamW::from_config(with("weight_decay", nullptr)), ValueError);
  EXPECT_THROW(RMSprop::from_config(with("name", "rm_sprop")), ValueError);
  EXPECT_THAT([&] { Adam::from_config(with("beta1", 0.5)); },
              ThrowsMessage<ValueError>(testing::AllOf(HasSubstr("beta1"), HasSubstr("beta_1"))));
  EXPECT_THROW(Adam::from_config(with("amsgrad", "yes")), ValueError);
  EXPECT_THROW(SGD::from_config(Adam().get_config()), ValueError);

  Optimizer kept = "sgd";
  const Value before = to_value(kept);
  for (const Value& bad : {Value("lion"), Value(3), Value(), Value(Config{{"class_name", "Nadam"}}),
                           Value(Config{{"class_name", "Adam"}, {"config", with("momentum", 0.5)}})}) {
    EXPECT_THROW(from_value(bad, kept), ValueError) << bad.to_text();
    EXPECT_EQ(to_value(kept), before);
  }
}

TEST(Optimizer, RefusesOptionsOutOfRange) {
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  EXPECT_THAT([] { SGD({.momentum = 1.5}); },
              ThrowsMessage<ValueError>("[SGD 'sgd'] momentum is 1.5, expected a number in [0, 1]"));
  EXPECT_THROW(SGD({.momentum = -0.1}), ValueError);
  EXPECT_THROW(SGD({.momentum = nan}), ValueError);
  for (const double rate : {-0.1, nan, infinity, 1e300}) {
    EXPECT_THROW(SGD({.learning_rate = rate}), ValueError) << rate;
    EXPECT_THROW(Adam({.learning_rate = rate}), ValueError) << rate;
  }
  for (const double beta : {-0.1, 1.0, nan}) {
    EXPECT_THROW(Adam({.beta_1 = beta}), ValueError) << beta;
    EXPECT_THROW(Adam({.beta_2 = beta}), ValueError) << beta;
  }
  EXPECT_THROW(Adam({.epsilon = -1}), ValueError);
  for (const double outside : {-0.1, 1.1, nan}) {
    EXPECT_THROW(RMSprop({.rho = outside}), ValueError) << outside;
    EXPECT_THROW(RMSprop({.momentum = outside}), ValueError) << outside;
  }
  EXPECT_THAT([] { RMSprop({.rho = 1.5}); },
              ThrowsMessage<ValueError>("[RMSprop 'rm_sprop'] rho is 1.5, expected a number in [0, 1]"));
  EXPECT_THROW(RMSprop({.epsilon = -1}), ValueError);
  EXPECT_THROW(AdamW({.beta_1 = 1.0}), ValueError);
  EXPECT_THAT([] { AdamW({.weight_decay = -1}); },
              ThrowsMessage<ValueError>("[AdamW 'adam_w'] weight_decay is -1.0, expected a number from 0 on"));
  EXPECT_THROW(Adam({.weight_decay = -1.0}), ValueError);
  EXPECT_THROW(Adam({.weight_decay = infinity}), ValueError);
  EXPECT_THROW(Adam({.clipnorm = nan}), ValueError);
  EXPECT_THROW(Adam({.global_clipnorm = infinity}), ValueError);
  EXPECT_THROW(Adam({.clipvalue = nan}), ValueError);
  EXPECT_THAT([] { Adam({.clipnorm = 1.0, .clipvalue = 0.5}); },
              ThrowsMessage<ValueError>(HasSubstr("only one of clipnorm, global_clipnorm and clipvalue can be set")));
  EXPECT_THROW(SGD({.clipnorm = 1.0, .global_clipnorm = 0.5}), ValueError);
}

TEST(Optimizer, RefusesABadLearningRateAndKeepsTheOldOne) {
  Adam adam;
  for (const float rate : {-1.0f, std::nanf(""), std::numeric_limits<float>::infinity()}) {
    EXPECT_THROW(adam.set_learning_rate(rate), ValueError);
  }
  EXPECT_THROW(adam.set_iterations(-1), ValueError);
  EXPECT_EQ(adam.learning_rate(), 0.001f);
  adam.set_learning_rate(0);
  EXPECT_EQ(adam.learning_rate(), 0);
  adam.set_iterations(7);
  EXPECT_EQ(adam.iterations(), 7);
}

}  // namespace
}  // namespace xl
