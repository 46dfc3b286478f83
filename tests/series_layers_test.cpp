// MovingAverage, SeriesDecomposition, ReversibleInstanceNorm: what the table of layer cases does not ask.

#include <gmock/gmock.h>

#include <limits>

#include "golden.hpp"
#include "xlayers/framework/engine/gradients.hpp"
#include "xlayers/layers/input.hpp"
#include "xlayers/layers/moving_average.hpp"
#include "xlayers/layers/reversible_instance_norm.hpp"
#include "xlayers/layers/series_decomposition.hpp"
#include "xlayers/models/model/model.hpp"

namespace xl {
namespace {

using namespace testing_golden;

// The mean of kernel_size steps of the series with (kernel_size - 1) / 2 repeated on each side, one by one.
Tensor mean_by_definition(const Tensor& x, std::int64_t kernel_size) {
  const Shape shape = xl::shape(x);
  const std::int64_t steps = shape[1], before = (kernel_size - 1) / 2;
  Tensor y = empty(shape);
  for (std::int64_t s = 0; s < shape[0]; ++s)
    for (std::int64_t t = 0; t < steps; ++t)
      for (std::int64_t c = 0; c < shape[2]; ++c) {
        double sum = 0;
        const std::int64_t end = std::min(t + kernel_size, steps + 2 * before);
        for (std::int64_t q = t; q < end; ++q) sum += x(s, std::clamp<std::int64_t>(q - before, 0, steps - 1), c);
        y(s, t, c) = static_cast<float>(sum / static_cast<double>(end - t));
      }
  return y;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  return difference(a, std::vector<double>(b.begin(), b.end()));
}

TEST(MovingAverage, IsTheMeanOfItsWindows) {
  for (const int steps : {1, 2, 3, 7, 40})
    for (const int kernel_size : {1, 2, 3, 4, 6, 7, 13, 39, 40, 41, 100}) {
      const Tensor x = drawn({2, steps, 3}, static_cast<unsigned>(steps * 1000 + kernel_size));
      EXPECT_LE(largest_difference(MovingAverage({.kernel_size = kernel_size})(x), mean_by_definition(x, kernel_size)),
                1e-7)
          << steps << " steps, kernel_size " << kernel_size;
    }
}

// keras_reference.md has these numbers of KerasFactory.
TEST(MovingAverage, OfPowersOfTwo) {
  Tensor x{1, 2, 4, 8, 16};
  x.reshape({1, 5, 1});
  EXPECT_LE(difference(MovingAverage({.kernel_size = 3})(x), {1.3333334, 2.3333335, 4.666667, 9.333334, 13.333334}),
            1e-6);
  EXPECT_LE(difference(MovingAverage({.kernel_size = 4})(x), {2, 3.75, 7.5, 11, 13.333334}), 1e-6);
}

TEST(MovingAverage, AHugeValueOrANaNLeavesNoTraceOutsideItsWindows) {
  for (const float odd : {1e30f, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
    for (const int kernel_size : {4, 5}) {
      const MovingAverage average({.kernel_size = kernel_size});
      const Tensor x = drawn({1, 50, 2}, 3);
      Tensor spoiled = x;
      spoiled(0, 20, 1) = odd;
      const Tensor y = average(x), z = average(spoiled);
      for (int t = 0; t < 50; ++t) {
        EXPECT_EQ(y(0, t, 0), z(0, t, 0));
        const bool in_window = t - 2 + (kernel_size == 4) <= 20 && 20 < t - 2 + (kernel_size == 4) + kernel_size;
        if (!in_window) {
          EXPECT_EQ(y(0, t, 1), z(0, t, 1)) << t;
        }
      }
    }
}

TEST(MovingAverage, OfAMillionStepsIsExact) {
  Tensor x = zeros({1, 1000000, 1});
  for (int t = 0; t < 1000000; ++t) x(0, t, 0) = static_cast<float>(t % 7);
  const Tensor y = MovingAverage({.kernel_size = 7001})(x);  // 1000 and a seventh turns
  for (const int t : {3500, 499997, 996499}) {
    double sum = 0;
    for (int i = t - 3500; i <= t + 3500; ++i) sum += i % 7;
    EXPECT_FLOAT_EQ(y(0, t, 0), static_cast<float>(sum / 7001)) << t;
  }
}

TEST(MovingAverage, SaysWhatDoesNotFit) {
  EXPECT_EQ(error_of<ValueError>([] { MovingAverage({.name = "trend"}); }),
            "[MovingAverage 'trend'] expected a kernel_size of 1 or more, got 0");
  const MovingAverage average({.kernel_size = 3, .name = "trend"});
  EXPECT_EQ(error_of<ShapeError>([&] {
              average(zeros({2, 3, 4, 5}));
            }),
            "[MovingAverage 'trend'] expected an input (batch, steps, features), got (None, 3, 4, 5)");
  EXPECT_EQ(shape(average(zeros({2, 0, 3}))), Shape({2, 0, 3}));
}

TEST(SeriesDecomposition, PartsOfDataAndOfSymbolicTensors) {
  const SeriesDecomposition decomposition({.kernel_size = 25});
  const Tensor x = drawn({3, 100, 8}, 1);
  const auto [seasonal, trend] = decomposition(x);
  EXPECT_TRUE(same_bits(trend, MovingAverage({.kernel_size = 25})(x)));
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(seasonal.data()[i], x.data()[i] - trend.data()[i]);

  const SymbolicTensor input = Input({100, 8});
  const auto [symbolic_seasonal, symbolic_trend] = decomposition(input);
  EXPECT_EQ(symbolic_seasonal.shape(), Shape({None, 100, 8}));
  EXPECT_EQ(symbolic_trend.shape(), Shape({None, 100, 8}));
  const Model sum(input, symbolic_seasonal + symbolic_trend);
  EXPECT_LE(largest_difference(sum.predict(x), x), 2e-7);
}

TEST(SeriesDecomposition, SaysWhatDoesNotFit) {
  EXPECT_EQ(error_of<ValueError>([] { SeriesDecomposition({.kernel_size = -1}); }),
            "[SeriesDecomposition] expected a kernel_size of 1 or more, got -1");
  const SeriesDecomposition decomposition({.kernel_size = 3, .name = "parts"});
  EXPECT_EQ(error_of<ShapeError>([&] { decomposition(zeros({4, 3})); }).substr(0, 29), "[SeriesDecomposition 'parts']");
}

Tensor at_level(Tensor x, float level, float scale) {
  for (float& value : x) value = value * scale + level;
  return x;
}

TEST(ReversibleInstanceNorm, GivesBackWhatItTook) {
  for (const bool affine : {false, true})
    for (const bool subtract_last : {false, true})
      for (const bool non_norm : {false, true}) {
        const ReversibleInstanceNorm rev(
            {.num_features = 4, .affine = affine, .subtract_last = subtract_last, .non_norm = non_norm});
        const Tensor x = at_level(drawn({3, 20, 4}, 2), 50.0f, 3.0f);
        rev(x);
        if (affine) rev.set_weights({Tensor{1.5f, -0.5f, 2.0f, 0.25f}, Tensor{0.1f, 0.2f, -3.0f, 0.0f}});
        const Tensor normalised = rev(x);
        EXPECT_LE(largest_difference(rev.denorm(normalised, x), x), 2e-5);
        if (!affine && !non_norm && !subtract_last) {
          double sum = 0, squares = 0;
          for (int t = 0; t < 20; ++t) {
            sum += normalised(1, t, 2);
            squares += normalised(1, t, 2) * normalised(1, t, 2);
          }
          EXPECT_NEAR(sum, 0, 1e-5);
          EXPECT_NEAR(squares / 20, 1, 1e-4);
        }
      }
}

// The level is summed in double and taken off before anything is squared.
TEST(ReversibleInstanceNorm, IsExactFarFromZero) {
  const ReversibleInstanceNorm rev({.num_features = 2, .eps = 0.0f});
  const Tensor x = at_level(drawn({1, 64, 2}, 5), 3e6f, 100.0f);
  const Tensor y = rev(x);
  for (int c = 0; c < 2; ++c) {
    double mean = 0, variance = 0;
    for (int t = 0; t < 64; ++t) mean += x(0, t, c) / 64.0;
    for (int t = 0; t < 64; ++t) variance += (x(0, t, c) - mean) * (x(0, t, c) - mean) / 64.0;
    for (int t = 0; t < 64; ++t) EXPECT_NEAR(y(0, t, c), (x(0, t, c) - mean) / std::sqrt(variance), 3e-7);
  }
}

// A forecast by a model that does nothing but repeat: norm and denorm in one functional model, which in KerasFactory
// raises.
TEST(ReversibleInstanceNorm, NormAndDenormInOneModel) {
  const ReversibleInstanceNorm rev({.num_features = 3, .affine = true});
  const SymbolicTensor input = Input({12, 3});
  const SymbolicTensor normalised = rev(input);
  const Model model(input, rev.denorm(normalised + normalised, input));
  EXPECT_EQ(model.count_params(), 6);
  const Tensor x = at_level(drawn({5, 12, 3}, 6), -4.0f, 2.0f);
  const Tensor y = model.predict(x);
  Tensor twice = rev(x);
  for (float& value : twice) value *= 2;
  EXPECT_TRUE(same_bits(y, rev.denorm(twice, x)));

  const Model again = model_from_json(model.to_json());
  EXPECT_EQ(again.to_json(), model.to_json());
  EXPECT_TRUE(same_bits(again.predict(x), y));
}

TEST(ReversibleInstanceNorm, SaysWhatDoesNotFit) {
  EXPECT_EQ(error_of<ValueError>([] { ReversibleInstanceNorm({.eps = 1.0f}); }),
            "[ReversibleInstanceNorm] expected num_features of 1 or more, got 0");
  EXPECT_EQ(error_of<ValueError>([] { ReversibleInstanceNorm({.num_features = 2, .eps = -1.0f}); }),
            "[ReversibleInstanceNorm] expected an eps of 0 or more, got -1");
  const ReversibleInstanceNorm rev({.num_features = 7, .affine = true, .name = "rev"});
  EXPECT_EQ(error_of<ShapeError>([&] {
              rev(zeros({2, 10, 6}));
            }),
            "[ReversibleInstanceNorm 'rev'] expected an input (batch, steps, num_features = 7), got (None, 10, 6)");
  EXPECT_EQ(error_of<ShapeError>([&] {
              rev(zeros({2, 0, 7}));
            }),
            "[ReversibleInstanceNorm 'rev'] expected a series of one step or more, got (None, 0, 7)");
  EXPECT_FALSE(rev.built());
  EXPECT_EQ(error_of<ShapeError>([&] {
              rev(Data{zeros({2, 4, 7}), zeros({2, 4, 7})});
            }),
            "[ReversibleInstanceNorm 'rev'] takes one input in mode norm, got 2");
  EXPECT_EQ(
      error_of<ShapeError>([&] {
        rev(zeros({2, 4, 7}), {.arguments = {{"mode", "denorm"}}});
      }),
      "[ReversibleInstanceNorm 'rev'] takes two inputs in mode denorm, of which the second is the series that was "
      "normalised, got 1");
  EXPECT_EQ(error_of<ValueError>([&] {
              rev(zeros({2, 4, 7}), {.arguments = {{"mode", "undo"}}});
            }),
            "[ReversibleInstanceNorm 'rev'] unknown mode \"undo\"; known are norm, denorm");
  EXPECT_EQ(error_of<ValueError>([&] {
              rev(zeros({2, 4, 7}), {.arguments = {{"made", "norm"}}});
            }),
            "[ReversibleInstanceNorm 'rev'] unknown argument 'made'; known is mode");
}

}  // namespace
}  // namespace xl
