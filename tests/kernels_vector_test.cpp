// The flat loops of training on every instruction set, against plain loops in double.

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernel_testing.hpp"
#include "xlayers/framework/kernels/vector.hpp"

namespace xl::kernels {
namespace {

using namespace testing_kernels;

class VectorKernels : public KernelTest {};
XL_ON_EVERY_INSTRUCTION_SET(VectorKernels);

const std::vector<std::int64_t>& lengths() {
  static const std::vector<std::int64_t> result = [] {
    std::vector<std::int64_t> all;
    for (std::int64_t n = 0; n <= 70; ++n) all.push_back(n);
    all.push_back(1000), all.push_back(4099);
    return all;
  }();
  return result;
}

/// Each element of `y` after `kernel`, against `expected(i)` computed from the values before.
template <class Kernel, class Expected>
void check_loop(Guarded& y, Kernel kernel, Expected expected) {
  std::vector<double> truth;
  for (std::int64_t i = 0; i < y.size(); ++i) truth.push_back(expected(i));
  kernel();
  ASSERT_TRUE(y.intact());
  for (std::int64_t i = 0; i < y.size(); ++i) {
    ASSERT_TRUE(close(y[i], truth[static_cast<std::size_t>(i)], 3e-7)) << "at " << i << " of " << y.size();
  }
}

TEST_P(VectorKernels, FlatLoops) {
  Random random;
  for (std::int64_t n : lengths()) {
    const int offset = random.integer(0, 15);
    Guarded x(n, offset), y(n, offset + 1);
    random.fill(x), random.fill(y);
    const auto in_double = [](float value) { return static_cast<double>(value); };
    check_loop(
        y, [&] { add(n, x.data(), y.data()); }, [&](auto i) { return in_double(y[i]) + x[i]; });
    check_loop(
        y, [&] { axpy(n, -0.3f, x.data(), y.data()); },
        [&](auto i) { return in_double(y[i]) + in_double(-0.3f) * x[i]; });
    check_loop(
        y, [&] { scale(n, 1.7f, y.data()); }, [&](auto i) { return in_double(1.7f) * y[i]; });
    check_loop(
        y, [&] { fill(n, 2.5f, y.data()); }, [&](auto) { return 2.5; });
  }
}

TEST_P(VectorKernels, Sums) {
  Random random;
  for (std::int64_t n : lengths()) {
    Guarded a(n, random.integer(0, 15)), b(n, random.integer(0, 15));
    random.fill(a), random.fill(b);
    double plain = 0, absolutes = 0, squares = 0, absolute_differences = 0, squared_differences = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const double value = a[i], difference = value - b[i];
      plain += value, absolutes += std::fabs(value), squares += value * value;
      absolute_differences += std::fabs(difference);
      squared_differences += difference * difference;
    }
    const double bound = 1e-12 * static_cast<double>(n + 1);
    EXPECT_NEAR(sum(n, a.data()), plain, bound);
    EXPECT_NEAR(sum_of_absolutes(n, a.data()), absolutes, bound);
    EXPECT_NEAR(sum_of_squares(n, a.data()), squares, bound);
    EXPECT_NEAR(sum_of_absolute_differences(n, a.data(), b.data()), absolute_differences, bound);
    EXPECT_NEAR(sum_of_squared_differences(n, a.data(), b.data()), squared_differences, bound);
  }
  const std::vector<float> large(100, 1e30f);
  EXPECT_NEAR(sum_of_squares(100, large.data()) / 1e62, 1.0, 1e-6);
}

TEST_P(VectorKernels, ColumnSums) {
  Random random;
  for (std::int64_t columns = 1; columns <= 70; ++columns) {
    for (std::int64_t rows : {0, 1, 2, 33, 400}) {
      for (bool accumulate : {false, true}) {
        const std::int64_t stride = columns + random.integer(0, 2);
        Guarded x(rows * stride + 1, 5), out(columns, random.integer(0, 15));
        random.fill(x), random.fill(out);
        std::vector<double> truth;
        for (std::int64_t j = 0; j < columns; ++j) {
          double total = accumulate ? out[j] : 0.0f;
          for (std::int64_t i = 0; i < rows; ++i) total += x[i * stride + j];
          truth.push_back(total);
        }
        column_sums(rows, columns, stride, x.data(), out.data(), accumulate);
        ASSERT_TRUE(out.intact());
        for (std::int64_t j = 0; j < columns; ++j) {
          ASSERT_NEAR(out[j], truth[static_cast<std::size_t>(j)], 3e-6 * std::sqrt(rows + 1.0));
        }
      }
    }
  }
}

TEST_P(VectorKernels, OptimizerSteps) {
  Random random;
  for (std::int64_t n : lengths()) {
    Guarded g(n, 1), w(n, 2), v(n, 3), m(n, 4), v_hat(n, 5);
    random.fill(g), random.fill(w), random.fill(m), random.fill(v, 0, 1), random.fill(v_hat, 0, 1);
    const double rate = 0.1f, momentum = 0.9f;
    check_loop(
        w, [&] { sgd_update(n, 0.1f, g.data(), w.data()); }, [&](auto i) { return w[i] - rate * g[i]; });
    for (bool nesterov : {false, true}) {
      check_loop(
          w, [&] { sgd_momentum_update(n, 0.1f, 0.9f, nesterov, g.data(), v.data(), w.data()); },
          [&](auto i) {
            const double velocity = momentum * v[i] - rate * g[i];
            return w[i] + (nesterov ? momentum * velocity - rate * g[i] : velocity);
          });
      ASSERT_TRUE(v.intact());
    }
    random.fill(v, 0, 1);
    const AdamStep step{0.01f, 0.1f, 0.001f, 1e-7f};
    for (bool amsgrad : {false, true}) {
      const Guarded old_m = m, old_v = v, old_hat = v_hat;
      const auto before = [](const Guarded& array, std::int64_t i) {
        return static_cast<double>(const_cast<Guarded&>(array)[i]);
      };
      const auto new_m = [&](auto i) { return before(old_m, i) + (g[i] - before(old_m, i)) * step.one_minus_beta_1; };
      const auto new_v = [&](auto i) {
        const double gradient = g[i];
        return before(old_v, i) + (gradient * gradient - before(old_v, i)) * step.one_minus_beta_2;
      };
      check_loop(
          w, [&] { adam_update(n, step, g.data(), m.data(), v.data(), amsgrad ? v_hat.data() : nullptr, w.data()); },
          [&](auto i) {
            const double square = amsgrad ? std::fmax(before(old_hat, i), new_v(i)) : new_v(i);
            return w[i] - step.alpha * new_m(i) / (std::sqrt(square) + step.epsilon);
          });
      ASSERT_TRUE(m.intact() && v.intact() && v_hat.intact());
      for (std::int64_t i = 0; i < n; ++i) {
        ASSERT_NEAR(m[i], new_m(i), 2e-7);
        ASSERT_NEAR(v[i], new_v(i), 2e-7);
        ASSERT_NEAR(v_hat[i], amsgrad ? std::fmax(before(old_hat, i), new_v(i)) : before(old_hat, i), 2e-7);
      }
    }
  }
}

TEST_P(VectorKernels, RmspropSteps) {
  Random random;
  const RmspropStep step{0.01f, 0.9f, 0.1f, 0.5f, 1e-7f};
  const auto before = [](const Guarded& array, std::int64_t i) {
    return static_cast<double>(const_cast<Guarded&>(array)[i]);
  };
  for (std::int64_t n : lengths()) {
    Guarded g(n, 1), w(n, 2), v(n, 3), m(n, 4), a(n, 5);
    for (int options = 0; options < 4; ++options) {
      const bool momentum = options % 2 == 1, centered = options / 2 == 1;
      random.fill(g), random.fill(w), random.fill(m), random.fill(a), random.fill(v, 1.5, 2.5);
      const Guarded old_v = v, old_m = m, old_a = a;
      const auto new_v = [&](auto i) {
        return step.rho * before(old_v, i) + step.one_minus_rho * std::pow(double{g[i]}, 2);
      };
      const auto new_a = [&](auto i) { return step.rho * before(old_a, i) + step.one_minus_rho * g[i]; };
      const auto new_m = [&](auto i) {
        const double variance = new_v(i) - (centered ? std::pow(new_a(i), 2) : 0.0);
        return (momentum ? step.momentum * before(old_m, i) : 0.0) +
               step.rate * g[i] / std::sqrt(variance + step.epsilon);
      };
      check_loop(
          w,
          [&] {
            rmsprop_update(n, step, g.data(), v.data(), momentum ? m.data() : nullptr, centered ? a.data() : nullptr,
                           w.data());
          },
          [&](auto i) { return w[i] - new_m(i); });
      ASSERT_TRUE(v.intact() && m.intact() && a.intact());
      for (std::int64_t i = 0; i < n; ++i) {
        ASSERT_NEAR(v[i], new_v(i), 5e-7);
        ASSERT_NEAR(a[i], centered ? new_a(i) : before(old_a, i), 2e-7);
        ASSERT_NEAR(m[i], momentum ? new_m(i) : before(old_m, i), 2e-7);
      }
    }
  }
}

// The variance of a gradient that does not change is 0, which rounding takes below 0. A NaN stays one.
TEST_P(VectorKernels, RmspropTakesNoRootOfANegativeVariance) {
  float g = 1000.7f, v = 1000.0f * 1000.0f, a = g, w = 1;
  rmsprop_update(1, {0.01f, 1.0f, 0.0f, 0.0f, 1e-7f}, &g, &v, nullptr, &a, &w);
  EXPECT_TRUE(std::isfinite(w));
  g = std::nanf("");
  rmsprop_update(1, {0.01f, 0.9f, 0.1f, 0.0f, 1e-7f}, &g, &v, nullptr, &a, &w);
  EXPECT_TRUE(std::isnan(w) && std::isnan(v) && std::isnan(a));
}

// Keras' own numbers: w = 1, gradients 0.5, -0.2, 0.1, rate 0.1.
TEST_P(VectorKernels, OptimizerStepsAsKeras) {
  const float gradients[] = {0.5f, -0.2f, 0.1f};
  const float adam[] = {0.9000013f, 0.86544126f, 0.8275024f};
  const float nesterov[] = {0.905f, 0.9025f, 0.86324996f};
  float w = 1, m = 0, v = 0, w_nesterov = 1, velocity = 0;
  for (int i = 0; i < 3; ++i) {
    const int t = i + 1;
    const float alpha =
        0.1f * std::sqrt(1 - std::pow(0.999f, static_cast<float>(t))) / (1 - std::pow(0.9f, static_cast<float>(t)));
    adam_update(1, {alpha, 0.1f, 0.001f, 1e-7f}, &gradients[i], &m, &v, nullptr, &w);
    EXPECT_NEAR(w, adam[i], 1e-6);
    sgd_momentum_update(1, 0.1f, 0.9f, true, &gradients[i], &velocity, &w_nesterov);
    EXPECT_NEAR(w_nesterov, nesterov[i], 1e-6);
  }
}

}  // namespace
}  // namespace xl::kernels
