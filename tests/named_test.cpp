// What all that is known by name has in common: activations, initializers, regularizers, constraints, losses, metrics,
// optimizers and learning rate schedules.

#include <gmock/gmock.h>

#include <string>

#include "golden.hpp"
#include "xlayers/framework/options/activation.hpp"
#include "xlayers/framework/options/constraint.hpp"
#include "xlayers/framework/options/initializer.hpp"
#include "xlayers/framework/options/regularizer.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/models/model/sequential.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

/// What kind T is called, a class of it, another name of that class, and the first name in its errors.
template <class T>
struct Kind;
template <>
struct Kind<ActivationFunction> {
  static constexpr auto one = "an activation", what = "activation", class_name = "silu", alias = "swish",
                        first = "celu";
};
template <>
struct Kind<Initializer> {
  static constexpr auto one = "an initializer", what = "initializer", class_name = "RandomNormal", alias = "normal",
                        first = "GlorotUniform";
};
template <>
struct Kind<Regularizer> {
  static constexpr auto one = "a regularizer", what = "regularizer", class_name = "L1L2", alias = "l1_l2", first = "L1";
};
template <>
struct Kind<Constraint> {
  static constexpr auto one = "a constraint", what = "constraint", class_name = "NonNeg", alias = "non_neg",
                        first = "MaxNorm";
};
template <>
struct Kind<Loss> {
  static constexpr auto one = "a loss", what = "loss", class_name = "Poisson", alias = "poisson",
                        first = "MeanSquaredError";
};
template <>
struct Kind<Metric> {
  static constexpr auto one = "a metric", what = "metric", class_name = "MeanSquaredError", alias = "mse",
                        first = "accuracy";
};
template <>
struct Kind<Optimizer> {
  static constexpr auto one = "an optimizer", what = "optimizer", class_name = "RMSprop", alias = "rmsprop",
                        first = "Adam";
};

std::string class_of(const ActivationFunction& activation) { return activation.name(); }
template <class T>
std::string class_of(const T& thing) {
  return thing.class_name();
}

template <class T>
class NamedThing : public testing::Test {};
using Kinds = testing::Types<ActivationFunction, Initializer, Regularizer, Constraint, Loss, Metric, Optimizer>;
TYPED_TEST_SUITE(NamedThing, Kinds);

TYPED_TEST(NamedThing, IsReadByClassByAliasAsAFunctionAndAsAnObject) {
  using K = Kind<TypeParam>;
  for (const char* name : {K::class_name, K::alias}) {
    SCOPED_TRACE(name);
    const TypeParam made = name;
    EXPECT_EQ(class_of(made), K::class_name);
    for (const Value& stored :
         {Value(name), Value(Config{{"module", "builtins"}, {"class_name", "function"}, {"config", name}}),
          Value(Config{{"module", "keras"}, {"class_name", name}, {"config", Config()}, {"registered_name", nullptr}}),
          Value(Config{{"class_name", name}}), to_value(made)}) {
      TypeParam read = made;
      from_value(stored, read);
      EXPECT_EQ(class_of(read), K::class_name) << stored.to_text();
    }
  }
}

TYPED_TEST(NamedThing, ThatIsNotKnownIsAnErrorThatListsTheNames) {
  using K = Kind<TypeParam>;
  const std::string text = std::string("unknown ") + K::what + " 'nope'; known are " + K::first;
  TypeParam kept = K::class_name;
  EXPECT_THAT(error_of<ValueError>([] { TypeParam("nope"); }), AllOf(StartsWith(text), HasSubstr(K::class_name)));
  const bool empty_is_known = std::is_same_v<TypeParam, ActivationFunction>;  // "linear"
  EXPECT_THAT(error_of<ValueError>([] { TypeParam(""); }), StartsWith(empty_is_known ? "no error" : "unknown "));
  for (const Value& stored : {Value("nope"), Value(Config{{"class_name", "function"}, {"config", "nope"}}),
                              Value(Config{{"module", "keras"}, {"class_name", "nope"}, {"config", Config()}})}) {
    EXPECT_THAT(error_of<ValueError>([&] { from_value(stored, kept); }), StartsWith(text)) << stored.to_text();
    EXPECT_EQ(class_of(kept), K::class_name);
  }
  for (const Value& stored : {Value(3), Value(true), Value(Value::List{"nope"}), Value(Config{{"config", Config()}}),
                              Value(Config{{"class_name", K::class_name}, {"config", 1}}),
                              Value(Config{{"class_name", K::class_name}, {"config", "nope"}}),
                              Value(Config{{"class_name", "function"}, {"config", 1}})}) {
    EXPECT_THAT(error_of<ValueError>([&] { from_value(stored, kept); }),
                AllOf(StartsWith(std::string("expected ") + K::one + " as a name or as {\"class_name\": "),
                      EndsWith("got " + stored.to_text())));
    EXPECT_EQ(class_of(kept), K::class_name);
  }
}

TYPED_TEST(NamedThing, IsNoNullPointer) {
  const char* null = nullptr;
  const std::string text = std::string("expected the name of ") + Kind<TypeParam>::one + ", got a null pointer";
  EXPECT_THAT(error_of<ValueError>([&] { TypeParam{null}; }), StartsWith(text));
  EXPECT_THAT(error_of<ValueError>([] { TypeParam{nullptr}; }), StartsWith(text));
}

TEST(NamedOption, IsNoNullPointer) {
  const auto is = [](const std::string& one) { return StartsWith("expected the name of " + one + ", got a null"); };
  EXPECT_THAT(error_of<ValueError>([] { Dense({.units = 1, .activation = nullptr}); }), is("an activation"));
  EXPECT_THAT(error_of<ValueError>([] { Dense({.units = 1, .kernel_initializer = nullptr}); }), is("an initializer"));
  EXPECT_THAT(error_of<ValueError>([] { Dense({.units = 1, .bias_regularizer = nullptr}); }), is("a regularizer"));
  EXPECT_THAT(error_of<ValueError>([] { Dense({.units = 1, .kernel_constraint = nullptr}); }), is("a constraint"));
  Sequential model{Input({2}), Dense({.units = 1})};
  EXPECT_THAT(error_of<ValueError>([&] { model.compile({.optimizer = nullptr, .loss = "mse"}); }), is("an optimizer"));
  EXPECT_THAT(error_of<ValueError>([&] { model.compile({.loss = nullptr}); }), is("a loss"));
  EXPECT_THAT(error_of<ValueError>([&] {
                model.compile({.loss = "mse", .metrics = {"mae", nullptr}});
              }),
              is("a metric"));
  const char* null = nullptr;
  EXPECT_EQ(error_of<ValueError>([&] { Value{null}; }), "expected a text, got a null pointer");
}

TEST(NamedSchedule, IsReadAsAnObjectOrByTheNameOfAFunction) {
  LearningRate rate = 0.5;
  const Value cosine =
      Config{{"class_name", "CosineDecay"}, {"config", Config{{"initial_learning_rate", 0.25}, {"decay_steps", 2}}}};
  from_value(cosine, rate);
  EXPECT_EQ(rate(0), 0.25);
  from_value(to_value(rate), rate);
  EXPECT_EQ(rate(2), 0);
  // It has options that have to be given.
  EXPECT_THAT(error_of<ValueError>([&] { from_value("CosineDecay", rate); }),
              HasSubstr("initial_learning_rate is NaN, expected a number from 0 on"));
  EXPECT_EQ(rate(0), 0.25);
}

TEST(NamedOwn, IsReadAsAFunctionAndByItsClass) {
  register_activation(ActivationFunction::own(
      "tripled", [](float x) { return 3 * x; }, [](float, float) { return 3.0f; }));
  register_loss(Loss::own("gap", [](auto target, auto prediction, auto) { return double{prediction[0] - target[0]}; }));
  register_metric(Metric::own("gap", [](auto target, auto prediction) { return double{prediction[0] - target[0]}; }));
  const auto function = [](const char* name) { return Config{{"class_name", "function"}, {"config", name}}; };
  const auto object = [](const char* name) { return Config{{"class_name", name}, {"config", Config()}}; };
  for (const auto& stored : {function("tripled"), object("tripled")}) {
    ActivationFunction read;
    from_value(stored, read);
    EXPECT_STREQ(read.name(), "tripled");
  }
  for (const auto& stored : {function("gap"), object("gap")}) {
    Loss loss = "mse";
    from_value(stored, loss);
    EXPECT_EQ(loss.name(), "gap");
    Metric metric = "mse";
    from_value(stored, metric);
    EXPECT_EQ(metric.name(), "gap");
  }
}

}  // namespace
}  // namespace xl
