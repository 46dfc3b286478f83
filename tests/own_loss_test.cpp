// Losses and metrics of one's own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "golden.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/models/losses/losses.hpp"
#include "xlayers/models/metrics/metrics.hpp"
#include "xlayers/models/model/sequential.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::ElementsAre;
using testing::HasSubstr;

double squares(std::span<const float> target, std::span<const float> prediction, std::span<float> gradient) {
  double loss = 0;
  for (std::size_t i = 0; i < prediction.size(); ++i) {
    const float e = prediction[i] - target[i];
    loss += e * e;
    if (!gradient.empty()) gradient[i] = 2 * e;
  }
  return loss;
}

TEST(OwnLoss, IsSummedAndWeighedByTheLibrary) {
  const Loss loss = Loss::own("squares", squares);
  const float target[] = {0, 0, 1, 1}, prediction[] = {1, 2, 1, 4}, weight[] = {2, 0.5f};
  float gradient[4];
  const LossCall call{.rows = 2,
                      .features = 2,
                      .target = target,
                      .prediction = prediction,
                      .weight = weight,
                      .gradient = gradient,
                      .scale = 10};
  EXPECT_EQ(loss(call), 2 * 5 + 0.5 * 9);
  EXPECT_THAT(gradient, ElementsAre(40, 80, 0, 30));
  EXPECT_EQ(loss({.rows = 2, .features = 2, .target = target, .prediction = prediction}), 14);
  EXPECT_EQ(loss.name(), "squares");
}

TEST(OwnLoss, MayTakeTargetsOfAnotherWidth) {
  const Loss loss = Loss::own(
      "picks", [](auto target, auto prediction, auto) { return double{prediction[static_cast<int>(target[0])]}; }, 1);
  EXPECT_EQ(loss.target_features(3), 1);
  const float target[] = {2, 0}, prediction[] = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(loss({.rows = 2, .features = 3, .target_features = 1, .target = target, .prediction = prediction}), 3 + 4);
  EXPECT_THROW(loss({.rows = 1, .features = 3, .target = target, .prediction = prediction}), ShapeError);
}

TEST(OwnLoss, IsReadByItsNameOnceRegistered) {
  const Loss loss = Loss::own("registered squares", squares);
  EXPECT_EQ(to_value(loss), Value("registered squares"));
  Loss read = "mae";
  EXPECT_THAT(error_of<ValueError>([&] { from_value(to_value(loss), read); }),
              HasSubstr("unknown loss 'registered squares'; known are "));
  EXPECT_EQ(to_value(read), Value("mae"));

  register_loss(loss);
  from_value(to_value(loss), read);
  const float target = 1, prediction = 4;
  EXPECT_EQ(read({.rows = 1, .features = 1, .target = &target, .prediction = &prediction}), 9);
  EXPECT_THAT(error_of<ValueError>([] { Loss("?"); }), HasSubstr("registered squares"));

  register_loss(Loss::own("registered squares", [](auto, auto, auto) { return 7.0; }));
  EXPECT_EQ(Loss("registered squares")({.rows = 1, .features = 1, .target = &target, .prediction = &prediction}), 7);
}

TEST(OwnLoss, NeedsANameThatIsNotTakenAndAFunction) {
  EXPECT_THROW(Loss::own("", squares), ValueError);
  EXPECT_THROW(Loss::own("x", Loss::Function()), ValueError);
  EXPECT_THROW(Loss::own("x", squares, -1), ValueError);
  EXPECT_EQ(error_of<ValueError>([] { Loss::own("mse", squares); }), "the name 'mse' is that of a loss of Keras");
  EXPECT_THROW(register_loss("mse"), ValueError);
  EXPECT_THROW(register_loss(Huber({.name = "mine"})), ValueError);
}

TEST(OwnLoss, PassesItsErrorsOn) {
  const Loss loss = Loss::own("throws", [](auto, auto, auto) -> double { throw std::runtime_error("mine"); });
  const float x = 0;
  EXPECT_THROW(loss({.rows = 1, .features = 1, .target = &x, .prediction = &x}), std::runtime_error);
}

/// Each way not to set a gradient of two rows of three; and which element is left.
TEST(OwnLoss, HasToSetItsGradient) {
  using Way = void (*)(std::span<float> gradient, bool first_row);
  const std::pair<Way, int> ways[] = {
      {[](auto, bool) {}, 0},
      {[](auto gradient, bool) { gradient[0] = gradient[1] = 1; }, 2},
      {[](auto gradient, bool first_row) { std::fill_n(gradient.begin(), first_row ? 3 : 1, 0.0f); }, 1},
      {[](auto gradient, bool) { std::for_each(gradient.begin(), gradient.end(), [](float& g) { g += 0.5f; }); }, 0},
      {[](auto gradient, bool) { std::for_each(gradient.begin(), gradient.end(), [](float& g) { g = 2 * g; }); }, 0},
  };
  for (const auto& [set, left] : ways)
    for (const float before : {0.0f, 1.0f, std::numeric_limits<float>::quiet_NaN()}) {
      const Loss loss = Loss::own("lazy", [set = set](auto target, auto, std::span<float> gradient) {
        if (!gradient.empty()) set(gradient, target[0] == 0);
        return 1.0;
      });
      const float target[] = {0, 0, 0, 1, 1, 1}, prediction[6] = {};
      std::vector<float> gradient(6, before);
      LossCall call{.rows = 2, .features = 3, .target = target, .prediction = prediction};
      EXPECT_EQ(loss(call), 2.0);
      call.gradient = gradient.data();
      EXPECT_THAT(error_of<ValueError>([&] { loss(call); }),
                  HasSubstr("the loss 'lazy' left gradient[" + std::to_string(left) + "] of a row of 3 features"));
    }
}

TEST(OwnLoss, MaySetItsGradientToAnything) {
  for (const float value : {0.0f, -0.0f, INFINITY, std::numeric_limits<float>::quiet_NaN(),
                            -std::numeric_limits<float>::quiet_NaN(), std::nanf("123"), INFINITY - INFINITY}) {
    const Loss loss = Loss::own("sets", [value](auto, auto, auto gradient) {
      if (!gradient.empty()) gradient[0] = value;
      return 1.0;
    });
    const float target = 0, prediction = 0;
    float gradient = 7;
    loss({.rows = 1, .features = 1, .target = &target, .prediction = &prediction, .gradient = &gradient});
    EXPECT_TRUE(std::isnan(value) ? std::isnan(gradient) : gradient == value);
  }
}

TEST(OwnLoss, ThatIgnoresItsGradientTrainsNothingButAnError) {
  const Loss loss =
      Loss::own("lazy", [](auto target, auto prediction, auto) { return std::abs(double{target[0]} - prediction[0]); });
  const Sequential model{Input({3}), Dense({.units = 4}), Dense({.units = 1})};
  model.compile({.optimizer = "sgd", .loss = loss});
  const std::vector<Tensor> before = model.get_weights();
  const Tensor x = drawn({90, 3}, 1), y = drawn({90, 1}, 2);
  EXPECT_THAT(error_of<ValueError>([&] { model.fit(x, y, {.verbose = 0}); }),
              HasSubstr("the loss 'lazy' left gradient[0]"));
  EXPECT_THAT(error_of<ValueError>([&] { model.train_on_batch(x, y); }), HasSubstr("the loss 'lazy' left gradient[0]"));
  EXPECT_TRUE(same_bits(model.get_weights(), before));
  EXPECT_TRUE(std::isfinite(model.evaluate(x, y).loss()));
}

TEST(OwnMetric, IsTheMeanOverTheRows) {
  const Metric metric =
      Metric::own("bias", [](auto target, auto prediction) { return double{prediction[0] - target[0]}; });
  const float target[] = {0, 1, 2}, prediction[] = {1, 1, 5}, weight[] = {1, 5, 2};
  double total = 0, count = 0;
  metric.accumulate({.rows = 3, .features = 1, .target = target, .prediction = prediction, .weight = weight}, total,
                    count);
  EXPECT_EQ(metric.result(total, count), (1 + 2 * 3) / 8.0);
  EXPECT_EQ(metric.name(), "bias");
  EXPECT_EQ(metric.higher_is_better(), std::nullopt);
}

TEST(OwnMetric, IsReadByItsNameOnceRegistered) {
  const Metric metric = Metric::own(
      "registered bias", [](auto, auto) { return 2.0; }, 1);
  EXPECT_EQ(metric.target_features(5), 1);
  Metric read = "mae";
  EXPECT_THROW(from_value(to_value(metric), read), ValueError);
  register_metric(metric);
  from_value(to_value(metric), read);
  EXPECT_EQ(read.name(), "registered bias");
  EXPECT_EQ(to_value(read), Value("registered bias"));

  EXPECT_THROW(Metric::own("", [](auto, auto) { return 0.0; }), ValueError);
  EXPECT_THROW(Metric::own("acc", [](auto, auto) { return 0.0; }), ValueError);
  EXPECT_THROW(Metric::own("rmse", [](auto, auto) { return 0.0; }), ValueError);
  EXPECT_THROW(Metric::own("x", Metric::Function()), ValueError);
  EXPECT_THROW(register_metric("accuracy"), ValueError);
}

}  // namespace
}  // namespace xl
