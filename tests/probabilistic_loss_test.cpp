// Losses and metrics of probabilities, logits and labels, at the bounds of clipping too.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "golden.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/models/losses/losses.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::HasSubstr;

/// Rows with their weights, as a golden case has them.
struct Rows {
  explicit Rows(const Json& json) : target(tensor(json.at("y_true"))), prediction(tensor(json.at("y_pred"))) {
    features = shape(prediction).back();
    target_features = shape(target).back();
    count = shape(prediction).elements() / features;
    if (json.contains("sample_weight")) weight = tensor(json.at("sample_weight"));
  }
  LossCall call() const {
    return {.rows = count,
            .features = features,
            .target_features = target_features,
            .target = target.data(),
            .prediction = prediction.data(),
            .weight = weight.dimension() == 0 ? nullptr : weight.data()};
  }
  Tensor target, prediction, weight;
  std::int64_t features, target_features, count;
};

Loss loss_of(const Json& json) {
  Loss loss = "mse";
  from_value(Config{{"class_name", json.at("class_name").get<std::string>()},
                    {"config", Config::from_json(json.at("config").dump())}},
             loss);
  return loss;
}

void compare(const Json& cases, double tolerance) {
  for (const Json& expected : cases) {
    SCOPED_TRACE(expected.at("class_name").dump() + expected.at("config").dump() + expected.at("y_true").dump() +
                 expected.at("y_pred").dump());
    const Loss loss = loss_of(expected);
    const Rows rows(expected);
    EXPECT_EQ(loss.target_features(rows.features), rows.target_features);

    // Rows that are ignored are not divided by either.
    std::int64_t valid = 0;
    for (std::int64_t r = 0; r < rows.count; ++r) valid += !loss.ignores(rows.target.data() + r * rows.target_features);
    std::vector<float> gradient(rows.prediction.size(), 99);
    LossCall call = rows.call();
    call.gradient = gradient.data();
    call.scale = valid == 0 ? 0.0 : 1.0 / static_cast<double>(valid);

    const double value = loss(call) * call.scale;
    EXPECT_NEAR(value, expected.at("loss").get<double>(), tolerance * std::max(1.0, value));
    const std::vector<double> slopes = numbers(expected.at("dy_pred"));
    ASSERT_EQ(slopes.size(), gradient.size());
    for (std::size_t i = 0; i < slopes.size(); ++i)
      EXPECT_NEAR(gradient[i], slopes[i], tolerance * std::max(1.0, std::abs(slopes[i]))) << i;
    call.gradient = nullptr;
    EXPECT_NEAR(loss(call) * call.scale, value, 1e-7 * std::max(1.0, value)) << "without a gradient";
  }
}

TEST(ProbabilisticLoss, HasTheValuesAndGradientsOfKeras) {
  ASSERT_GE(golden("losses").at("losses_of_probabilities").size(), 60u);
  compare(golden("losses").at("losses_of_probabilities"), 1e-6);
}

TEST(ProbabilisticLoss, IsThatOfKerasInFloat32AtTheBounds) {
  ASSERT_GE(golden("losses").at("at_the_bounds").size(), 60u);
  compare(golden("losses").at("at_the_bounds"), 1e-6);
}

/// The loss of one row, and its gradient.
std::pair<double, std::vector<float>> of_row(const Loss& loss, const std::vector<float>& target,
                                             const std::vector<float>& prediction) {
  std::vector<float> gradient(prediction.size(), 99);
  const double value = loss({.rows = 1,
                             .features = static_cast<std::int64_t>(prediction.size()),
                             .target_features = static_cast<std::int64_t>(target.size()),
                             .target = target.data(),
                             .prediction = prediction.data(),
                             .gradient = gradient.data()});
  return {value, gradient};
}

TEST(BinaryCrossentropy, IsWhatKerasGives) {
  EXPECT_NEAR(of_row("bce", {1, 0, 1}, {0.9f, 0.2f, 0.4f}).first, 0.41493163, 1e-6);
  EXPECT_NEAR(of_row(BinaryCrossentropy({.from_logits = true}), {1, 0}, {-1.5f, 2}).first, 1.9141707, 1e-6);
  EXPECT_FLOAT_EQ(of_row("bce", {1}, {0}).first, 16.118095);
  EXPECT_FLOAT_EQ(of_row("bce", {0}, {1}).first, 15.942385);
  EXPECT_EQ(of_row("bce", {1}, {0}).second[0], 0);
}

TEST(CategoricalCrossentropy, IsWhatKerasGives) {
  EXPECT_NEAR(of_row("categorical_crossentropy", {0, 1, 0}, {0.2f, 0.5f, 0.1f}).first, 0.47000363, 1e-6);
  EXPECT_NEAR(of_row("sparse_categorical_crossentropy", {1}, {0.2f, 0.5f, 0.1f}).first, 0.47000363, 1e-6);
  EXPECT_NEAR(of_row("categorical_crossentropy", {0.1f, 0.7f, 0.2f}, {0.2f, 0.5f, 0.3f}).first, 0.88694143, 1e-6);
  EXPECT_NEAR(of_row(CategoricalCrossentropy({.from_logits = true}), {0, 1, 0}, {1, 2, -1}).first, 0.34901217, 1e-6);
}

// A target that is false leaves the true class' logit as the loss, whatever its size.
TEST(CategoricalCrossentropy, OfLogitsIsExactAtAnySize) {
  const Loss dense = CategoricalCrossentropy({.from_logits = true});
  const Loss sparse = SparseCategoricalCrossentropy({.from_logits = true});
  const float most = std::numeric_limits<float>::max();
  for (const float x : {1e-3f, 1.0f, 20.0f, 1000.0f, 1e6f, most / 2}) {
    const double expected = x + std::log1p(std::exp(-static_cast<double>(x)));
    const double slope = 1 / (1 + std::exp(-static_cast<double>(x)));
    for (const auto& [loss, gradient] : {of_row(dense, {1, 0}, {0, x}), of_row(sparse, {0}, {0, x})}) {
      EXPECT_NEAR(loss, expected, 1e-6 * expected) << x;
      EXPECT_NEAR(gradient[0], -slope, 1e-6) << x;
      EXPECT_NEAR(gradient[1], slope, 1e-6) << x;
    }
    EXPECT_NEAR(of_row(sparse, {0}, {x, 0}).first, std::log1p(std::exp(-static_cast<double>(x))), 1e-7) << x;
  }
  // A class that is ruled out
  EXPECT_EQ(of_row(sparse, {0}, {0, -INFINITY}).first, 0);
}

// More classes than a block of the sum holds, against the formula in double.
TEST(CategoricalCrossentropy, OfManyClasses) {
  for (const std::int64_t classes : {255, 256, 257, 1000}) {
    const Tensor x = drawn({2, classes}, 7);
    const float label[] = {3, static_cast<float>(classes - 1)};
    Tensor gradient = empty({2, classes});
    double expected = 0;
    std::vector<double> softmax(static_cast<std::size_t>(2 * classes));
    for (std::int64_t r = 0; r < 2; ++r) {
      double sum = 0;
      for (std::int64_t c = 0; c < classes; ++c) sum += std::exp(static_cast<double>(x.data()[r * classes + c]));
      for (std::int64_t c = 0; c < classes; ++c) {
        const std::int64_t i = r * classes + c;
        const bool hit = c == static_cast<std::int64_t>(label[r]);
        const double p = std::exp(static_cast<double>(x.data()[i])) / sum;
        softmax[static_cast<std::size_t>(i)] = p - hit;
        if (hit) expected -= std::log(p);
      }
    }
    const double loss = SparseCategoricalCrossentropy({.from_logits = true})({.rows = 2,
                                                                              .features = classes,
                                                                              .target_features = 1,
                                                                              .target = label,
                                                                              .prediction = x.data(),
                                                                              .gradient = gradient.data()});
    EXPECT_NEAR(loss, expected, 1e-6 * expected);
    EXPECT_LT(difference(gradient, softmax), 1e-6);
  }
}

TEST(ProbabilisticLoss, OfANaNIsNaNAndSoIsTheGradientOfItsRow) {
  const float nan = std::nanf("");
  const auto sparse = [](bool logits) { return SparseCategoricalCrossentropy({.from_logits = logits}); };
  const auto dense = [](bool logits) { return CategoricalCrossentropy({.from_logits = logits}); };
  for (const bool logits : {false, true}) {
    for (const std::vector<float>& p : {std::vector{nan, 0.5f}, std::vector{0.5f, nan}}) {
      for (const auto& [loss, gradient] : {of_row(sparse(logits), {0}, p), of_row(dense(logits), {1, 0}, p)}) {
        EXPECT_TRUE(std::isnan(loss)) << logits;
        for (const float g : gradient) EXPECT_TRUE(std::isnan(g)) << logits;
      }
      EXPECT_TRUE(std::isnan(of_row(BinaryCrossentropy({.from_logits = logits}), {1, 0}, p).first));
    }
  }
  // As in Keras, no probability at all is not a distribution.
  EXPECT_TRUE(std::isnan(of_row("categorical_crossentropy", {1, 0}, {0, 0}).first));
  EXPECT_TRUE(std::isnan(of_row("sparse_categorical_crossentropy", {0}, {0, 0}).first));
}

TEST(SparseCategoricalCrossentropy, NamesALabelThatIsNoClass) {
  const auto error = [](float label) {
    return error_of<ValueError>([&] { of_row("sparse_categorical_crossentropy", {label}, {0.5f, 0.3f, 0.2f}); });
  };
  EXPECT_EQ(error(3),
            "[SparseCategoricalCrossentropy 'sparse_categorical_crossentropy'] expected a label of one of the 3 "
            "classes, a whole number from 0 to 2, got 3");
  EXPECT_THAT(error(-1), HasSubstr("got -1"));
  EXPECT_THAT(error(0.5f), HasSubstr("got 0.5"));
  EXPECT_THAT(error(std::nanf("")), HasSubstr("got NaN"));
  EXPECT_THAT(error(INFINITY), HasSubstr("got Infinity"));
  EXPECT_THAT(error(1e30f), HasSubstr("3 classes"));
}

TEST(SparseCategoricalCrossentropy, IgnoresAClassThatIsNone) {
  const Loss loss = SparseCategoricalCrossentropy({.ignore_class = -1});
  const float target[] = {-1, 0}, prediction[] = {0.5f, 0.5f, 0.5f, 0.5f};
  float gradient[4];
  EXPECT_NEAR(loss({.rows = 2,
                    .features = 2,
                    .target_features = 1,
                    .target = target,
                    .prediction = prediction,
                    .gradient = gradient}),
              std::log(2.0), 1e-7);
  EXPECT_THAT(gradient, testing::ElementsAre(0, 0, -1, 1));
  EXPECT_TRUE(loss.ignores(target));
  EXPECT_FALSE(loss.ignores(target + 1));
  EXPECT_FALSE(Loss("mse").ignores(target));
}

TEST(ProbabilisticLoss, RefusesTargetsOfAnotherWidth) {
  EXPECT_EQ(error_of<ShapeError>([] {
              of_row("sparse_categorical_crossentropy", {0, 1}, {0.5f, 0.5f});
            }),
            "[SparseCategoricalCrossentropy 'sparse_categorical_crossentropy'] expected targets whose last axis is 1 "
            "for predictions with 2, got 2");
  EXPECT_THAT(error_of<ShapeError>([] {
                of_row("categorical_crossentropy", {0}, {0.5f, 0.5f});
              }),
              HasSubstr("expected targets whose last axis is 2"));
}

TEST(ProbabilisticLoss, IsStoredAsKerasStoresItInEveryFormat) {
  const Json& objects = golden("losses").at("objects");
  for (const Json& object : objects.at("losses")) {
    SCOPED_TRACE(object.dump());
    Loss loss = "mse";
    from_value(Config::from_json(object.dump()), loss);
    EXPECT_EQ(Json::parse(to_value(loss).to_text()), object);
    for (const Format format : every_format) {
      Loss again = "mse";
      from_value(round_trip(to_value(loss).as_config(), format), again);
      EXPECT_EQ(to_value(again), to_value(loss));
    }
  }
  Loss loss = "mse";
  from_value(Config::from_json(objects.at("loss_function").dump()), loss);
  EXPECT_EQ(to_value(loss), Value("binary_crossentropy"));
}

TEST(ProbabilisticLoss, RefusesOptionsThatItCannotHave) {
  for (const double smoothing : {-0.1, 1.5, std::nan("")}) {
    EXPECT_THAT(error_of<ValueError>([&] { BinaryCrossentropy({.label_smoothing = smoothing}); }),
                HasSubstr("[BinaryCrossentropy 'binary_crossentropy'] label_smoothing is "));
    EXPECT_THAT(error_of<ValueError>([&] { CategoricalCrossentropy({.label_smoothing = smoothing}); }),
                HasSubstr("expected a number from 0 to 1"));
  }
  Loss kept = "mae";
  const auto read = [&](const char* class_name, Config config) {
    return error_of<ValueError>([&] {
      from_value(Config{{"class_name", class_name}, {"config", std::move(config)}}, kept);
    });
  };
  EXPECT_THAT(read("BinaryCrossentropy", {{"axis", 1}}), HasSubstr("only -1 is supported"));
  EXPECT_THAT(read("SparseCategoricalCrossentropy", {{"axis", 0}}), HasSubstr("only -1 is supported"));
  EXPECT_THAT(read("SparseCategoricalCrossentropy", {{"label_smoothing", 0.1}}), HasSubstr("label_smoothing"));
  EXPECT_EQ(to_value(kept), Value("mae"));
}

}  // namespace
}  // namespace xl
