// Every activation function on every instruction set, against its formula in double.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "kernel_testing.hpp"
#include "xlayers/framework/kernels/activations.hpp"

namespace xl::kernels {
namespace {

using namespace testing_kernels;

class ActivationKernels : public KernelTest {};
XL_ON_EVERY_INSTRUCTION_SET(ActivationKernels);

using Function = double (*)(double, const ActivationParameters&);

/// f in double, and where it or its gradient has a kink: there central differences say nothing.
struct ElementwiseCase {
  const char* name;
  Activation kind;
  ActivationParameters parameters;
  Function f;
  std::vector<double> kinks;
};

double clip(double x, double low, double high) { return std::fmin(std::fmax(x, low), high); }
double softplus_of(double x) { return std::fmax(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }

const std::vector<ElementwiseCase>& elementwise_cases() {
  using P = const ActivationParameters&;
  using A = Activation;
  static const std::vector<ElementwiseCase> cases = {
      {"celu", A::celu, {}, [](double x, P) { return x > 0 ? x : std::expm1(x); }, {0}},
      {"celu(0.5)",
       A::celu,
       {.alpha = 0.5f},
       [](double x, P p) { return x > 0 ? x : p.alpha * std::expm1(x / p.alpha); },
       {0}},
      {"elu", A::elu, {}, [](double x, P) { return x > 0 ? x : std::expm1(x); }, {0}},
      {"elu(1.5)", A::elu, {.alpha = 1.5f}, [](double x, P p) { return x > 0 ? x : p.alpha * std::expm1(x); }, {0}},
      {"exponential", A::exponential, {}, [](double x, P) { return std::exp(x); }, {}},
      {"gelu", A::gelu, {}, [](double x, P) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }, {}},
      {"gelu(approximate)",
       A::gelu,
       {.approximate = true},
       [](double x, P) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); },
       {}},
      {"hard_shrink",
       A::hard_shrink,
       {.threshold = 0.5f},
       [](double x, P p) { return std::fabs(x) > p.threshold ? x : 0; },
       {-0.5, 0.5}},
      {"hard_sigmoid", A::hard_sigmoid, {}, [](double x, P) { return clip(x / 6 + 0.5, 0, 1); }, {-3, 3}},
      {"hard_silu", A::hard_silu, {}, [](double x, P) { return x * clip(x / 6 + 0.5, 0, 1); }, {-3, 3}},
      {"hard_tanh", A::hard_tanh, {}, [](double x, P) { return clip(x, -1, 1); }, {-1, 1}},
      {"leaky_relu",
       A::leaky_relu,
       {.negative_slope = 0.2f},
       [](double x, P p) { return x >= 0 ? x : p.negative_slope * x; },
       {0}},
      {"linear", A::linear, {}, [](double x, P) { return x; }, {}},
      {"log_sigmoid", A::log_sigmoid, {}, [](double x, P) { return -softplus_of(-x); }, {}},
      {"mish", A::mish, {}, [](double x, P) { return x * std::tanh(softplus_of(x)); }, {}},
      {"relu", A::relu, {}, [](double x, P) { return std::fmax(x, 0.0); }, {0}},
      {"relu(slope 0.1)",
       A::relu,
       {.negative_slope = 0.1f},
       [](double x, P p) { return x >= 0 ? x : p.negative_slope * x; },
       {0}},
      {"relu(max 2, threshold 1, slope 0.1)",
       A::relu,
       {.negative_slope = 0.1f, .max_value = 2, .threshold = 1},
       [](double x, P p) { return x >= 2  ? 2
                                  : x > 1 ? x
                                          : static_cast<double>(p.negative_slope) * (x - 1); },
       {1, 2}},
      {"relu(max 6)", A::relu, {.max_value = 6}, [](double x, P) { return clip(x, 0, 6); }, {0, 6}},
      {"relu6", A::relu6, {}, [](double x, P) { return clip(x, 0, 6); }, {0, 6}},
      {"selu",
       A::selu,
       {},
       [](double x, P) { return 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * std::expm1(x)); },
       {0}},
      {"sigmoid", A::sigmoid, {}, [](double x, P) { return 1 / (1 + std::exp(-x)); }, {}},
      {"silu", A::silu, {}, [](double x, P) { return x / (1 + std::exp(-x)); }, {}},
      {"soft_shrink",
       A::soft_shrink,
       {.threshold = 0.5f},
       [](double x, P p) { return x > p.threshold    ? x - p.threshold
                                  : x < -p.threshold ? x + p.threshold
                                                     : 0; },
       {-0.5, 0.5}},
      {"softplus", A::softplus, {}, [](double x, P) { return softplus_of(x); }, {}},
      {"softsign", A::softsign, {}, [](double x, P) { return x / (1 + std::fabs(x)); }, {0}},
      {"sparse_plus",
       A::sparse_plus,
       {},
       [](double x, P) { return x <= -1  ? 0
                                : x >= 1 ? x
                                         : (x + 1) * (x + 1) / 4; },
       {-1, 1}},
      {"sparse_sigmoid", A::sparse_sigmoid, {}, [](double x, P) { return 0.5 * clip(x + 1, 0, 2); }, {-1, 1}},
      {"squareplus", A::squareplus, {}, [](double x, P p) { return (x + std::sqrt(x * x + p.b)) / 2; }, {}},
      {"squareplus(0.25)",
       A::squareplus,
       {.b = 0.25f},
       [](double x, P p) { return (x + std::sqrt(x * x + p.b)) / 2; },
       {}},
      {"tanh", A::tanh, {}, [](double x, P) { return std::tanh(x); }, {}},
      {"tanh_shrink", A::tanh_shrink, {}, [](double x, P) { return x - std::tanh(x); }, {}},
      {"threshold",
       A::threshold,
       {.threshold = 0.5f, .default_value = -2},
       [](double x, P p) { return x > p.threshold ? x : static_cast<double>(p.default_value); },
       {0.5}},
  };
  return cases;
}

/// The values of f and of its gradient times dy at `x`.
struct Applied {
  Applied(const ActivationCall& call, std::vector<float> x, std::vector<float> dy) : y(x.size()), dx(x.size()) {
    if (call.kind == Activation::glu) y.resize(x.size() / 2);
    activate(call, x.data(), y.data());
    const bool reads_input = backward_reads_input(call.kind, call.parameters);
    activate_backward(call, reads_input ? x.data() : nullptr, reads_input ? nullptr : y.data(), dy.data(), dx.data());
  }
  std::vector<float> y, dx;
};

TEST_P(ActivationKernels, ActivationsOfSingleElements) {
  std::vector<float> x, dy;
  Random random;
  for (int i = 0; i < 4000; ++i) x.push_back(random(-6, 6));
  for (int i = 0; i < 1000; ++i) x.push_back(random(-100, 85));
  for (int i = 0; i < 1000; ++i) x.push_back(random(-1, 1) * std::exp(random(-80, 0)));
  for (float edge : {0.0f, 1e-45f, 1e-38f, 0.34657f, 0.34658f, 17.0f, 20.0f, 20.1f, 87.9f}) {
    x.push_back(edge), x.push_back(-edge);
  }
  for (std::size_t i = 0; i < x.size(); ++i) dy.push_back(random(-2, 2));
  for (const ElementwiseCase& one : elementwise_cases()) {
    const Applied applied({one.kind, one.parameters, 1, static_cast<std::int64_t>(x.size())}, x, dy);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double at = x[i];
      ASSERT_TRUE(close(applied.y[i], one.f(at, one.parameters), 1e-6)) << one.name << " at " << at;
      const double h = 1e-4;
      bool smooth = true;
      for (double kink : one.kinks) smooth = smooth && std::fabs(at - kink) > 4 * h;
      if (!smooth) continue;
      // Fourth-order central difference.
      const auto f = [&](double steps) { return one.f(at + steps * h, one.parameters); };
      const double slope = (8 * (f(1) - f(-1)) - (f(2) - f(-2))) / (12 * h);
      ASSERT_TRUE(close(applied.dx[i], dy[i] * slope, 1e-5)) << "gradient of " << one.name << " at " << at;
    }
  }
}

// As Keras 3.15 on JAX has them.
TEST_P(ActivationKernels, GradientsAtKinks) {
  using A = Activation;
  const struct {
    Activation kind;
    ActivationParameters parameters;
    std::vector<float> x, gradient;
  } cases[] = {
      {A::relu, {}, {0, -0.0f}, {0, 0}},
      {A::relu, {.threshold = 1}, {1, 0, 1.5f}, {0, 0, 1}},
      {A::relu, {.negative_slope = 0.1f}, {0, -1}, {1, 0.1f}},
      {A::relu, {.negative_slope = 0.1f, .threshold = 1}, {1, 0, 0.5f, 2}, {0, 0.1f, 0.1f, 1}},
      {A::relu, {.max_value = 6}, {0, 6, 7}, {0, 0, 0}},
      {A::relu, {.max_value = 2}, {0, 2, 3}, {0, 0.5f, 0}},
      {A::relu,
       {.negative_slope = 0.1f, .max_value = 2, .threshold = 1},
       {1, 0.5f, 0, -3, 2, 3, 1.5f},
       {0, 0.1f, 0.1f, 0.1f, 0.5f, 0, 1}},
      {A::relu, {.negative_slope = 0.1f, .max_value = 2}, {0, -1, 2, 3}, {0, 0.1f, 0.5f, 0}},
      {A::relu6, {}, {0, 6}, {0, 0}},
      {A::leaky_relu, {.negative_slope = 0.2f}, {0, -0.0f}, {1, 1}},
      {A::elu, {}, {0}, {1}},
      {A::selu, {}, {0}, {1.7580993f}},
      {A::celu, {.alpha = 2}, {0}, {1}},
      {A::hard_sigmoid, {}, {-3, 3}, {0, 0}},
      {A::sparse_sigmoid, {}, {-1, 1}, {0.25f, 0.25f}},
      {A::hard_silu, {}, {-3, 3}, {0, 1}},
      {A::hard_tanh, {}, {-1, 1}, {1, 1}},
      {A::soft_shrink, {.threshold = 0.5f}, {0.5f, -0.5f}, {0, 0}},
      {A::hard_shrink, {.threshold = 0.5f}, {0.5f, -0.5f}, {0, 0}},
      {A::threshold, {.threshold = 0.5f, .default_value = 9}, {0.5f, 0.6f, 0}, {0, 1, 0}},
      {A::sparse_plus, {}, {-1, 1}, {0, 1}},
      {A::softsign, {}, {0}, {1}},
  };
  for (const auto& one : cases) {
    const auto count = static_cast<std::int64_t>(one.x.size());
    const std::vector<float> ones(one.x.size(), 1.0f);
    const Applied applied({one.kind, one.parameters, 1, count}, one.x, ones);
    for (std::size_t i = 0; i < one.x.size(); ++i) {
      EXPECT_NEAR(applied.dx[i], one.gradient[i], 1e-6)
          << "function " << static_cast<int>(one.kind) << " at " << one.x[i];
    }
  }
}

TEST_P(ActivationKernels, ActivationsOfLargeNumbersAreFinite) {
  const std::vector<float> x = {-1e38f, -1e30f, -1e19f, -1e10f, -3000, -200,  -89,
                                89,     200,    3000,   1e10f,  1e19f, 1e30f, 1e38f};
  const std::vector<float> ones(x.size(), 1.0f);
  for (const ElementwiseCase& one : elementwise_cases()) {
    if (one.kind == Activation::exponential) continue;
    const Applied applied({one.kind, one.parameters, 1, static_cast<std::int64_t>(x.size())}, x, ones);
    for (std::size_t i = 0; i < x.size(); ++i) {
      EXPECT_TRUE(std::isfinite(applied.y[i])) << one.name << " at " << x[i];
      EXPECT_TRUE(std::isfinite(applied.dx[i])) << "gradient of " << one.name << " at " << x[i];
    }
  }
  const Applied powers({Activation::exponential, {}, 1, 4}, {88.6f, 88.8f, -103.9f, -104.1f}, {1, 1, 1, 1});
  EXPECT_TRUE(close(powers.y[0], std::exp(static_cast<double>(88.6f)), 1e-6));
  EXPECT_EQ(powers.y[1], infinity);
  EXPECT_EQ(powers.y[2], std::numeric_limits<float>::denorm_min());
  EXPECT_EQ(powers.y[3], 0.0f);
}

// Far out a function is a constant or a line, also at an infinity, where a formula would multiply it by 0.
TEST_P(ActivationKernels, ActivationsAtTheEdges) {
  constexpr float largest = std::numeric_limits<float>::max();
  for (const ElementwiseCase& one : elementwise_cases()) {
    const auto f = [&](double x) { return one.f(x, one.parameters); };
    for (const double side : {-1.0, 1.0}) {
      if (one.kind == Activation::exponential && side > 0) continue;
      const double far = 1e4 * side, slope = (f(far + 1) - f(far - 1)) / 2;
      const bool constant = std::fabs(slope) < 1e-3;
      const double limit = constant ? f(far) : side * slope * static_cast<double>(infinity);
      for (const float size : {1e20f, 1e30f, largest, infinity}) {
        const float x = static_cast<float>(side) * size;
        const Applied at({one.kind, one.parameters, 1, 1}, {x}, {1});
        const float truth = static_cast<float>(constant || size == infinity ? limit : f(x));
        EXPECT_TRUE(close(at.y[0], truth, constant ? 1e-3 : 1e-6)) << one.name << " at " << x;
        EXPECT_NEAR(at.dx[0], slope, 1e-3) << "gradient of " << one.name << " at " << x;
      }
      const float x = static_cast<float>(side) * 1e-40f;
      const Applied at({one.kind, one.parameters, 1, 1}, {x}, {1});
      EXPECT_NEAR(at.y[0], f(x), 1e-6 * std::fabs(f(x)) + 3e-45) << one.name << " at " << x;
    }
  }
  const Applied powers({Activation::exponential, {}, 1, 1}, {infinity}, {1});
  EXPECT_EQ(powers.y[0], infinity);
  EXPECT_EQ(powers.dx[0], infinity);
}

TEST_P(ActivationKernels, ActivationsKeepNotANumber) {
  for (const ElementwiseCase& one : elementwise_cases()) {
    const std::vector<float> x = {nan};
    float y = 0;
    activate({one.kind, one.parameters, 1, 1}, x.data(), &y);
    EXPECT_TRUE(std::isnan(y)) << one.name;
  }
  for (Activation kind : {Activation::softmax, Activation::log_softmax, Activation::sparsemax}) {
    for (std::size_t at : {0u, 4u, 20u}) {
      std::vector<float> x(21, 0.5f), y(21);
      x[at] = nan;
      activate({kind, {}, 1, 21}, x.data(), y.data());
      EXPECT_TRUE(std::isnan(y[at])) << static_cast<int>(kind);
    }
  }
}

// An element's bits depend neither on its place nor on how many there are, and nothing else is
// written.
TEST_P(ActivationKernels, ActivationsOfAnyLength) {
  Random random;
  for (const ElementwiseCase& one : elementwise_cases()) {
    for (std::int64_t n = 1; n <= 70; n += n < 20 ? 1 : 7) {
      const int offset = random.integer(0, 15);
      Guarded x(n, offset), y(n, offset + 1), dy(n, 3), dx(n, offset + 2);
      random.fill(x, -4, 4), random.fill(dy);
      const ActivationCall call{one.kind, one.parameters, 1, n};
      activate(call, x.data(), y.data());
      activate_backward(call, x.data(), y.data(), dy.data(), dx.data());
      ASSERT_TRUE(y.intact() && dx.intact()) << one.name << ", n = " << n;
      for (std::int64_t i = 0; i < n; ++i) {
        const ActivationCall single{one.kind, one.parameters, 1, 1};
        float value = 0, gradient = 0;
        activate(single, &x[i], &value);
        activate_backward(single, &x[i], &value, &dy[i], &gradient);
        ASSERT_TRUE(same_bits(&value, &y[i], 1)) << one.name << ", n = " << n << ", i = " << i;
        ASSERT_TRUE(same_bits(&gradient, &dx[i], 1)) << one.name << ", n = " << n << ", i = " << i;
      }
      activate(call, x.data(), x.data());  // in place
      ASSERT_TRUE(same_bits(x.data(), y.data(), n)) << one.name;
    }
  }
}

/// What the functions of rows should give, in double: y and, for this dy, dx.
void row_in_double(Activation kind, const std::vector<double>& x, const std::vector<double>& dy, std::vector<double>& y,
                   std::vector<double>& dx) {
  const std::size_t n = x.size();
  y.assign(kind == Activation::glu ? n / 2 : n, 0.0);
  dx.assign(n, 0.0);
  if (kind == Activation::glu) {
    for (std::size_t i = 0; i < n / 2; ++i) {
      const double s = 1 / (1 + std::exp(-x[n / 2 + i]));
      y[i] = x[i] * s;
      dx[i] = dy[i] * s;
      dx[n / 2 + i] = dy[i] * x[i] * s * (1 - s);
    }
    return;
  }
  const double largest = *std::max_element(x.begin(), x.end());
  if (kind == Activation::sparsemax) {  // by sorting: the largest k with 1 + k x_(k) > sum of the first k
    std::vector<double> sorted = x;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    double sum = 0, threshold = 0;
    for (std::size_t k = 1; k <= n; ++k) {
      sum += sorted[k - 1];
      const auto count = static_cast<double>(k);
      if (1 + count * sorted[k - 1] > sum) threshold = (sum - 1) / count;
    }
    double mean = 0, size = 0;
    for (std::size_t i = 0; i < n; ++i) {
      y[i] = std::fmax(x[i] - threshold, 0.0);
      if (y[i] > 0) mean += dy[i], size += 1;
    }
    for (std::size_t i = 0; i < n; ++i) dx[i] = y[i] > 0 ? dy[i] - mean / size : 0;
    return;
  }
  double total = 0, weighted = 0, sum = 0;
  for (double value : x) total += std::exp(value - largest);
  for (std::size_t i = 0; i < n; ++i) {
    const double p = std::exp(x[i] - largest) / total;
    weighted += p * dy[i], sum += dy[i];
  }
  for (std::size_t i = 0; i < n; ++i) {
    const double p = std::exp(x[i] - largest) / total;
    y[i] = kind == Activation::softmax ? p : x[i] - largest - std::log(total);
    dx[i] = kind == Activation::softmax ? p * (dy[i] - weighted) : dy[i] - p * sum;
  }
}

TEST_P(ActivationKernels, ActivationsOfRows) {
  Random random;
  for (Activation kind : {Activation::softmax, Activation::log_softmax, Activation::sparsemax, Activation::glu}) {
    for (std::int64_t columns = 1; columns <= 70; ++columns) {
      if (kind == Activation::glu && columns % 2 == 1) continue;
      const std::int64_t rows = 3, out = kind == Activation::glu ? columns / 2 : columns;
      const float spread = columns % 3 == 0 ? 0.3f : 5.0f;
      Guarded x(rows * columns, 1), dx(rows * columns, 2), y(rows * out, 3), dy(rows * out, 4);
      random.fill(x, -spread, spread), random.fill(dy);
      const ActivationCall call{kind, {}, rows, columns};
      activate(call, x.data(), y.data());
      const bool reads_input = backward_reads_input(kind);
      activate_backward(call, reads_input ? x.data() : nullptr, reads_input ? nullptr : y.data(), dy.data(), dx.data());
      ASSERT_TRUE(y.intact() && dx.intact());
      for (std::int64_t row = 0; row < rows; ++row) {
        const std::vector<double> row_x(&x[row * columns], &x[row * columns] + columns);
        const std::vector<double> row_dy(&dy[row * out], &dy[row * out] + out);
        std::vector<double> row_y, row_dx;
        row_in_double(kind, row_x, row_dy, row_y, row_dx);
        for (std::int64_t i = 0; i < out; ++i) {
          ASSERT_TRUE(close(y[row * out + i], row_y[static_cast<std::size_t>(i)], 1e-6))
              << static_cast<int>(kind) << ", columns " << columns;
        }
        for (std::int64_t i = 0; i < columns; ++i) {
          ASSERT_TRUE(close(dx[row * columns + i], row_dx[static_cast<std::size_t>(i)], 1e-5))
              << static_cast<int>(kind) << ", columns " << columns;
        }
      }
      if (kind == Activation::glu) continue;
      activate(call, x.data(), x.data());  // in place
      ASSERT_TRUE(same_bits(x.data(), y.data(), y.size()));
      activate_backward(call, x.data(), y.data(), dy.data(), dy.data());
      ASSERT_TRUE(same_bits(dy.data(), dx.data(), dx.size()));
    }
  }
}

TEST_P(ActivationKernels, RowsWithLargeNumbers) {
  const std::vector<float> x = {1e30f, -1e30f, 1e30f, 5}, ones = {1, 2, 3, 4};
  for (Activation kind : {Activation::softmax, Activation::sparsemax}) {
    const Applied applied({kind, {}, 1, 4}, x, ones);
    EXPECT_EQ(applied.y, (std::vector<float>{0.5f, 0, 0.5f, 0}));
  }
  const Applied sparse({Activation::sparsemax, {}, 1, 3}, {1, 0.8f, 0.1f}, {1, 2, 3});
  EXPECT_NEAR(sparse.y[0], 0.6, 1e-6);
  EXPECT_NEAR(sparse.y[1], 0.4, 1e-6);
  EXPECT_EQ(sparse.y[2], 0.0f);
  const Applied even({Activation::softmax, {}, 1, 4000}, std::vector<float>(4000, -7.0f),
                     std::vector<float>(4000, 1.0f));
  for (float share : even.y) EXPECT_NEAR(share, 1.0 / 4000, 1e-10);
}

TEST_P(ActivationKernels, RowsAtTheEdges) {
  constexpr float largest = std::numeric_limits<float>::max();
  const std::vector<float> ones = {1, 1};
  for (const std::vector<float>& x : {std::vector<float>{largest, -largest}, {0, -infinity}, {-1e30f, -largest}}) {
    for (Activation kind : {Activation::softmax, Activation::sparsemax}) {
      const Applied applied({kind, {}, 1, 2}, x, ones);
      EXPECT_EQ(applied.y, (std::vector<float>{1, 0}));
      EXPECT_EQ(applied.dx, (std::vector<float>{0, 0}));
    }
    const Applied logarithm({Activation::log_softmax, {}, 1, 2}, x, ones);
    EXPECT_EQ(logarithm.y, (std::vector<float>{0, x[1] - x[0]}));
    EXPECT_EQ(logarithm.dx, (std::vector<float>{-1, 1}));
  }
  for (const float b : {89.0f, 1e30f, largest, infinity}) {
    const Applied open({Activation::glu, {}, 1, 2}, {7, b}, {1}), shut({Activation::glu, {}, 1, 2}, {7, -b}, {1});
    EXPECT_EQ(open.y[0], 7.0f) << b;
    EXPECT_EQ(shut.y[0], 0.0f) << b;
    EXPECT_EQ(open.dx, (std::vector<float>{1, 0})) << b;
    EXPECT_EQ(shut.dx, (std::vector<float>{0, 0})) << b;
  }
}

}  // namespace
}  // namespace xl::kernels
