// Every loss where numbers end: infinities, the largest and the smallest of them.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "xlayers/models/losses/loss.hpp"
#include "xlayers/models/losses/probabilistic_losses.hpp"
#include "xlayers/models/losses/regression_losses.hpp"

namespace xl {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity(), largest = std::numeric_limits<float>::max();

void expect_close(double value, double truth, const std::string& what) {
  if (std::isinf(truth))
    EXPECT_EQ(value, truth) << what;
  else
    EXPECT_NEAR(value, truth, 2e-6 * std::max(1.0, std::abs(truth))) << what;
}

void expect_loss(const Loss& loss, const std::vector<float>& t, const std::vector<float>& p, double value,
                 const std::vector<double>& slopes) {
  std::string what = std::string(loss.class_name()) + " of";
  for (const float x : p) what += " " + std::to_string(x);
  what += " for";
  for (const float x : t) what += " " + std::to_string(x);
  std::vector<float> gradient(p.size());
  const LossCall call{.rows = 1,
                      .features = static_cast<std::int64_t>(p.size()),
                      .target_features = static_cast<std::int64_t>(t.size()),
                      .target = t.data(),
                      .prediction = p.data(),
                      .gradient = gradient.data()};
  expect_close(loss(call), value, what);
  for (std::size_t i = 0; i < slopes.size(); ++i) expect_close(gradient[i], slopes[i], "gradient of " + what);
}

// Losses that take each element by itself: target, prediction, value, slope.
TEST(LossAtTheEdges, OfOneElement) {
  const double l = largest, ln_1e30 = std::log(1e30);
  const struct {
    Loss loss;
    float t, p;
    double value, slope;
  } cases[] = {
      {"mse", 0, infinity, infinity, infinity},
      {"mse", 0, -1e30f, infinity, -2e30},
      {"mse", 0, 1e-40f, 0, 0},
      {"mae", 0, infinity, infinity, 1},
      {"mae", 0, -infinity, infinity, -1},
      {"mae", 0, -largest, l, -1},
      {"mape", 0.5f * largest, largest, 100, 0},
      {"mape", -1e36f, 1e37f, 1100, 0},
      {"mape", 0, 1e-7f, 100, 1e9},
      {"msle", 0, infinity, infinity, NAN},
      {"msle", 0, 1e30f, ln_1e30 * ln_1e30, 0},
      {"msle", 1e30f, 0, ln_1e30 * ln_1e30, 0},
      {"msle", 1e30f, 1, std::pow(ln_1e30 - std::log(2), 2), std::log(2) - ln_1e30},
      {"msle", 1e10f, 1e9f, std::pow(std::log(10), 2), 0},
      {"msle", largest, largest, 0, 0},
      {"msle", infinity, 1, infinity, -infinity},
      {"huber", 0, infinity, infinity, 1},
      {"huber", 0, -largest, l, -1},
      {"log_cosh", 0, -infinity, infinity, -1},
      {"log_cosh", 0, largest, l, 1},
      {"log_cosh", 0, 1e-40f, 0, 0},
      {"binary_crossentropy", 1, infinity, 1.192e-7, 0},
      {"binary_crossentropy", 0, -infinity, 1.192e-7, 0},
      {"binary_crossentropy", 1, -infinity, 16.118096, 0},
      {"binary_crossentropy", 0, infinity, 15.942385, 0},
      {BinaryCrossentropy({.from_logits = true}), 1, infinity, 0, 0},
      {BinaryCrossentropy({.from_logits = true}), 0, infinity, infinity, 1},
      {BinaryCrossentropy({.from_logits = true}), 1, -infinity, infinity, -1},
      {BinaryCrossentropy({.from_logits = true}), 0, -infinity, 0, 0},
      {BinaryCrossentropy({.from_logits = true}), 0.5f, infinity, infinity, 0.5},
      {BinaryCrossentropy({.from_logits = true}), 1, largest, 0, 0},
      {BinaryCrossentropy({.from_logits = true}), 0, largest, l, 1},
      {BinaryCrossentropy({.from_logits = true}), 1, -1e30f, 1e30, -1},
      {"kl_divergence", 1, infinity, 0, 0},
      {"kl_divergence", 1, -infinity, 16.118096, 0},
      {"kl_divergence", infinity, 0.5f, std::log(2), -2},
      {"poisson", 1, infinity, infinity, 1},
      {"poisson", 0, infinity, infinity, 1},
      {"poisson", 1, largest, l, 1},
      {"poisson", 1, 0, 16.118096, -1e7},
  };
  for (const auto& one : cases)
    expect_loss(one.loss, {one.t}, {one.p}, one.value,
                std::isnan(one.slope) ? std::vector<double>{} : std::vector<double>{one.slope});
}

TEST(LossAtTheEdges, OfClasses) {
  const double ln2 = std::log(2);
  for (const float size : {1e9f, 1e30f, largest, -1e30f, -largest}) {
    const std::vector<float> x{size, size};
    expect_loss(CategoricalCrossentropy({.from_logits = true}), {0, 1}, x, ln2, {0.5, -0.5});
    expect_loss(SparseCategoricalCrossentropy({.from_logits = true}), {1}, x, ln2, {0.5, -0.5});
    const std::vector<float> apart{std::abs(size), -std::abs(size)};
    expect_loss(CategoricalCrossentropy({.from_logits = true}), {1, 0}, apart, 0, {0, 0});
    expect_loss(SparseCategoricalCrossentropy({.from_logits = true}), {1}, apart, 2 * std::abs(double{size}), {1, -1});
  }
  for (const Loss& loss : {Loss(CategoricalCrossentropy({.from_logits = true}))}) {
    expect_loss(loss, {0, 1}, {-infinity, 0}, 0, {0, 0});
    expect_loss(loss, {1, 0}, {-infinity, 0}, infinity, {-1, 1});
  }
  for (const float size : {1e-40f, 1e30f, largest})
    expect_loss(CategoricalCrossentropy(), {0, 1}, {size, size}, ln2, {});
}

}  // namespace
}  // namespace xl
