// Regularisers and constraints against Keras (tests/golden/initializers.json), and their errors.

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <vector>

#include "golden.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/options/constraint.hpp"
#include "xlayers/framework/options/regularizer.hpp"

namespace {

using xl::testing_golden::error_of;

using xl::Config;
using xl::Constraint;
using xl::Regularizer;
using xl::Shape;
using xl::Value;

const Config& golden(const char* section) {
  static const Config config = [] {
    std::ifstream in(XLAYERS_GOLDEN_DIR "/initializers.json");
    return xl::load_config(in, xl::Format::json);
  }();
  return config.at(section).as_config();
}

std::vector<float> numbers(const Value& value) {
  std::vector<float> result;
  for (const Value& number : value.as_config().at("data").as_list())
    result.push_back(static_cast<float>(number.as_number()));
  return result;
}

Shape shape_of(const Value& value) {
  Shape shape;
  for (const Value& extent : value.as_config().at("shape").as_list()) shape.push_back(extent.as_int());
  return shape;
}

template <class T>
T read(const Value& value) {
  T result;
  xl::from_value(value, result);
  return result;
}

/// Equal, where an integer of Keras may be a number here (`"max_value": 2`).
void expect_same_config(const Value& ours, const Value& theirs) {
  ASSERT_EQ(ours.as_config().size(), theirs.as_config().size());
  for (std::size_t i = 0; i < ours.as_config().size(); ++i) {
    const auto& [key, value] = ours.as_config().entries()[i];
    const auto& [their_key, their_value] = theirs.as_config().entries()[i];
    EXPECT_EQ(key, their_key);
    if (value.is_config()) {
      expect_same_config(value, their_value);
    } else if (value.kind() == xl::Value::Kind::number) {
      EXPECT_EQ(value.as_number(), their_value.as_number()) << key;
    } else {
      EXPECT_EQ(value, their_value) << key;
    }
  }
}

// ---- regularisers
// -----------------------------------------------------------------------------------

TEST(Regularizer, PenaltiesAndConfigsAreThoseOfKeras) {
  for (const auto& [name, entry] : golden("regularizers").entries()) {
    SCOPED_TRACE(name);
    const Config& expected = entry.as_config();
    const auto regularizer = read<Regularizer>(expected.at("config"));
    expect_same_config(xl::to_value(regularizer), expected.at("config"));
    const double penalty = expected.at("penalty").as_number();
    EXPECT_NEAR(regularizer.penalty(numbers(expected.at("input"))), penalty, 1e-6 * penalty);
  }
}

TEST(Regularizer, TheGradientIsTheSlopeOfThePenalty) {
  const std::vector<float> w{1.5f, -0.25f, 0.0f, 3.0f};
  for (const Regularizer& regularizer :
       {Regularizer(xl::L1({.l1 = 0.5f})), Regularizer("l2"), Regularizer(xl::L1L2({.l1 = 0.5f, .l2 = 0.125f}))}) {
    std::vector<float> dw{10, 20, 30, 40};
    regularizer.add_gradient(w, dw);
    for (std::size_t i = 0; i < w.size(); ++i) {
      std::vector<float> up = w, down = w;
      constexpr float step = 0x1p-6f;
      up[i] += step;
      down[i] -= step;
      const double slope = (regularizer.penalty(up) - regularizer.penalty(down)) / (2 * step);
      EXPECT_NEAR(dw[i] - 10.0 * static_cast<double>(i + 1), slope, 1e-5);
    }
  }
}

TEST(Regularizer, NoneIsNull) {
  EXPECT_FALSE(Regularizer());
  EXPECT_TRUE(Regularizer("l2"));
  EXPECT_TRUE(xl::to_value(Regularizer()).is_null());
  Regularizer regularizer = "l1";
  xl::from_value(nullptr, regularizer);
  EXPECT_FALSE(regularizer);
  std::vector<float> dw{1, 2};
  regularizer.add_gradient(std::vector<float>{3, 4}, dw);
  EXPECT_EQ(dw, (std::vector<float>{1, 2}));
  EXPECT_EQ(regularizer.penalty(dw), 0);
}

TEST(Regularizer, NamesAndErrors) {
  for (const char* name : {"l1", "L1"}) EXPECT_EQ(Regularizer(name).class_name(), "L1");
  for (const char* name : {"l2", "L2"}) EXPECT_EQ(Regularizer(name).class_name(), "L2");
  for (const char* name : {"l1_l2", "l1l2", "L1L2"}) EXPECT_EQ(Regularizer(name).class_name(), "L1L2");
  EXPECT_EQ(error_of([] { Regularizer("l3"); }),
            "unknown regularizer 'l3'; known are L1, l1, L2, l2, L1L2, l1_l2, l1l2");
  EXPECT_EQ(error_of([] { Regularizer(xl::L2({.l2 = -1})); }),
            "[L2] l2 is -1.0, expected a finite number of 0 or more");
  EXPECT_THROW(Regularizer(xl::L1({.l1 = std::nanf("")})), xl::ValueError);
  Regularizer regularizer = "l2";
  EXPECT_EQ(error_of([&] {
              xl::from_value(Config{{"class_name", "L1"}, {"config", Config{{"l2", 1.0}}}}, regularizer);
            }),
            "[L1] unknown option 'l2'; the options are l1");
  EXPECT_EQ(regularizer.class_name(), "L2");
  std::vector<float> three(3);
  EXPECT_EQ(error_of([&] { regularizer.add_gradient(std::vector<float>(2), three); }),
            "a regularizer expected a gradient of as many elements as the weight has, 2, got 3");
}

// ---- constraints
// ------------------------------------------------------------------------------------

TEST(Constraint, ValuesAndConfigsAreThoseOfKeras) {
  for (const auto& [name, entry] : golden("constraints").entries()) {
    SCOPED_TRACE(name);
    const Config& expected = entry.as_config();
    const auto constraint = read<Constraint>(expected.at("config"));
    expect_same_config(xl::to_value(constraint), expected.at("config"));
    std::vector<float> w = numbers(expected.at("input"));
    constraint.apply(w, shape_of(expected.at("input")));
    const std::vector<float> output = numbers(expected.at("output"));
    ASSERT_EQ(w.size(), output.size());
    for (std::size_t i = 0; i < w.size(); ++i) EXPECT_NEAR(w[i], output[i], 1e-6 * std::max(1.0f, std::abs(output[i])));
  }
}

TEST(Constraint, NegativeAxesCountFromTheEnd) {
  std::vector<float> a{3, 4, 6, 8}, b = a;
  Constraint(xl::UnitNorm({.axis = -1})).apply(a, {2, 2});
  Constraint(xl::UnitNorm({.axis = 1})).apply(b, {2, 2});
  EXPECT_EQ(a, b);
  EXPECT_NEAR(a[0], 0.6, 1e-6);
  EXPECT_NEAR(a[3], 0.8, 1e-6);
  std::vector<float> whole{3, 0, 0, 4};
  Constraint(xl::MaxNorm({.max_value = 1, .axis = {0, 1}})).apply(whole, {2, 2});
  EXPECT_NEAR(whole[3], 0.8, 1e-6);
}

TEST(Constraint, ZerosStayZeroAndNaNStaysNaN) {
  std::vector<float> w(6, 0.0f);
  for (const char* name : {"max_norm", "unit_norm", "min_max_norm", "non_neg"}) {
    Constraint(name).apply(w, {3, 2});
    EXPECT_EQ(w, std::vector<float>(6, 0.0f));
  }
  std::vector<float> nan{-1, std::nanf(""), 2};
  Constraint("non_neg").apply(nan, {3});
  EXPECT_EQ(nan[0], 0.0f);
  EXPECT_TRUE(std::isnan(nan[1]));
  Constraint("unit_norm").apply(std::span<float>{}, {0, 2});
}

TEST(Constraint, NoneIsNull) {
  EXPECT_FALSE(Constraint());
  EXPECT_TRUE(Constraint("non_neg"));
  EXPECT_TRUE(xl::to_value(Constraint()).is_null());
  Constraint constraint = "non_neg";
  xl::from_value(nullptr, constraint);
  EXPECT_FALSE(constraint);
  std::vector<float> w{-1, 2};
  constraint.apply(w, {2});
  EXPECT_EQ(w, (std::vector<float>{-1, 2}));
}

TEST(Constraint, NamesAndErrors) {
  const Config& names = golden("names").at("constraints").as_config();
  for (const auto& [name, class_name] : names.entries()) {
    if (class_name == "Constraint") continue;
    EXPECT_EQ(Constraint(name).class_name(), class_name.as_string());
  }
  EXPECT_EQ(
      error_of([] { Constraint("maxnorm"); }),
      "unknown constraint 'maxnorm'; known are MaxNorm, max_norm, MinMaxNorm, min_max_norm, NonNeg, non_neg, UnitNorm, "
      "unit_norm");
  EXPECT_EQ(error_of([] { Constraint(xl::MaxNorm({.max_value = -1})); }),
            "[MaxNorm] max_value is -1.0, expected a finite number of 0 or more");
  EXPECT_EQ(error_of([] { Constraint(xl::MinMaxNorm({.min_value = 2, .max_value = 1})); }),
            "[MinMaxNorm] max_value is 1.0, expected a finite number of min_value or more");
  EXPECT_EQ(error_of([] { Constraint(xl::MinMaxNorm({.rate = 1.5f})); }),
            "[MinMaxNorm] rate is 1.5, expected a number from 0 to 1");
  std::vector<float> w{3, 4};
  EXPECT_EQ(error_of([&] {
              Constraint(xl::UnitNorm({.axis = {0, 1}})).apply(w, {2});
            }),
            "a constraint over axis 1 expected a weight that has this axis, got (2,)");
  EXPECT_EQ(error_of([&] { Constraint("unit_norm").apply(w, {3}); }),
            "a constraint expected a weight of shape (3,), got 2 elements");
  EXPECT_EQ(w, (std::vector<float>{3, 4}));
  Constraint constraint = "non_neg";
  EXPECT_EQ(error_of([&] {
              xl::from_value(Config{{"class_name", "MaxNorm"}, {"config", Config{{"axis", "x"}}}}, constraint);
            }),
            "[MaxNorm] option 'axis': expected an integer, got \"x\"");
  EXPECT_EQ(constraint.class_name(), "NonNeg");
}

}  // namespace
