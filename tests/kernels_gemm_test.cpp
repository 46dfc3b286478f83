// The matrix product on every instruction set, against plain loops in double.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernel_testing.hpp"
#include "xlayers/framework/kernels/gemm.hpp"

namespace xl::kernels {
namespace {

using namespace testing_kernels;

class GemmKernels : public KernelTest {};
XL_ON_EVERY_INSTRUCTION_SET(GemmKernels);

/// A product with operands of its own, with room between the rows and odd addresses.
struct Product {
  enum class A { rows, columns, windows, spread };

  Product(Random& random, std::int64_t m, std::int64_t n, std::int64_t k, A layout, bool b_transposed)
      : a(1, 0), b(1, 0), c(1, 0), bias(n, 3), addend(m * (n + 2), 1) {
    const auto gap = [&] { return random.integer(0, 3); };
    call.m = m, call.n = n, call.k = k;
    switch (layout) {
      case A::rows:
        call.a_row = k + gap(), call.a_col = 1;
        break;
      case A::columns:
        call.a_row = 1, call.a_col = m + gap();
        break;
      case A::windows:
        call.a_row = 1 + gap(), call.a_col = 1;
        break;
      case A::spread:
        call.a_col = 2 + gap(), call.a_row = k * call.a_col + gap();
        break;
    }
    a = Guarded((m - 1) * call.a_row + (k > 0 ? (k - 1) * call.a_col : 0) + 1, random.integer(0, 15));
    call.b_transposed = b_transposed;
    call.b_row = (b_transposed ? k : n) + gap();
    b = Guarded((b_transposed ? n : k) * call.b_row + 1, random.integer(0, 15));
    call.c_row = n + gap();
    c = Guarded((m - 1) * call.c_row + n, random.integer(0, 15));
    random.fill(a), random.fill(b), random.fill(bias), random.fill(addend);
    call.a = a.data(), call.b = b.data(), call.c = c.data();
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t j = 0; j < n; ++j) c[i * call.c_row + j] = random();
    }
  }

  void epilogue(bool accumulate, bool with_bias, bool with_addend, bool relu) {
    call.accumulate = accumulate;
    call.bias = with_bias ? bias.data() : nullptr;
    call.addend = with_addend ? addend.data() : nullptr;
    call.addend_row = call.n + 2;
    call.relu = relu;
  }

  double expected(std::int64_t i, std::int64_t j, double& size) {
    double sum = 0;
    const auto add = [&](double term) { sum += term, size += std::abs(term); };
    for (std::int64_t l = 0; l < call.k; ++l) {
      const float left = a[i * call.a_row + l * call.a_col];
      add(static_cast<double>(left) * (call.b_transposed ? b[j * call.b_row + l] : b[l * call.b_row + j]));
    }
    if (call.accumulate) add(c[i * call.c_row + j]);
    if (call.bias != nullptr) add(bias[j]);
    if (call.addend != nullptr) add(addend[i * call.addend_row + j]);
    return call.relu && sum < 0 ? 0 : sum;
  }

  void check() {
    std::vector<double> values, sizes;
    for (std::int64_t i = 0; i < call.m; ++i) {
      for (std::int64_t j = 0; j < call.n; ++j) {
        double size = 0;
        values.push_back(expected(i, j, size));
        sizes.push_back(size);
      }
    }
    gemm(call);
    ASSERT_TRUE(c.intact());
    std::size_t at = 0;
    for (std::int64_t i = 0; i < call.m; ++i) {
      for (std::int64_t j = 0; j < call.c_row && i * call.c_row + j < c.size(); ++j) {
        if (j >= call.n) {
          ASSERT_EQ(c[i * call.c_row + j], sentinel) << "between the rows";
          continue;
        }
        // Each of the k additions may round by half a unit in the last place of the running sum.
        const double tolerance = 1e-7 * (4 + std::sqrt(static_cast<double>(call.k))) * sizes[at];
        ASSERT_NEAR(c[i * call.c_row + j], values[at], tolerance)
            << "at (" << i << ", " << j << ") of (" << call.m << ", " << call.n << ", " << call.k << "), a_row "
            << call.a_row << ", a_col " << call.a_col << ", b_transposed " << call.b_transposed;
        ++at;
      }
    }
  }

  Gemm call;
  Guarded a, b, c, bias, addend;
};

constexpr Product::A layouts[] = {Product::A::rows, Product::A::columns, Product::A::windows, Product::A::spread};

TEST_P(GemmKernels, GemmOfEverySmallShape) {
  Random random;
  for (std::int64_t m : {1, 2, 3, 5, 11, 12, 13, 26, 40}) {
    for (std::int64_t n = 1; n <= 70; ++n) {
      const std::int64_t k = random.integer(0, 40);
      Product product(random, m, n, k, layouts[random.integer(0, 3)], random.chance());
      product.epilogue(random.chance(), random.chance(), random.chance(), random.chance());
      ASSERT_NO_FATAL_FAILURE(product.check());
    }
  }
}

TEST_P(GemmKernels, GemmWithEveryEpilogue) {
  Random random;
  for (int flags = 0; flags < 16; ++flags) {
    for (std::int64_t n : {1, 7, 32, 57}) {
      for (std::int64_t k : {0, 3, 300}) {
        for (Product::A layout : layouts) {
          Product product(random, 14, n, k, layout, random.chance());
          product.epilogue(flags & 1, flags & 2, flags & 4, flags & 8);
          ASSERT_NO_FATAL_FAILURE(product.check());
        }
      }
    }
  }
}

TEST_P(GemmKernels, GemmOfShapesThatLayersMake) {
  Random random;
  using A = Product::A;
  const struct {
    std::int64_t m, n, k;
    A layout;
    bool b_transposed, accumulate;
  } shapes[] = {
      {100, 32, 64, A::rows, false, false},    {400, 1, 32, A::rows, false, false},
      {100, 64, 3, A::windows, false, false},  {96, 64, 21, A::windows, false, false},
      {96, 128, 64, A::rows, false, false},    {400, 64, 32, A::rows, true, false},
      {400, 32, 1, A::rows, true, false},      {96, 8, 96, A::rows, false, false},
      {96, 8, 96, A::columns, false, false},   {96, 96, 8, A::rows, true, false},
      {64, 32, 400, A::columns, false, true},  {3, 64, 400, A::columns, false, true},
      {32, 1, 400, A::columns, false, true},   {1, 1, 1500, A::rows, false, true},
      {9, 1, 1500, A::rows, true, false},      {530, 200, 520, A::rows, false, false},
      {520, 200, 300, A::columns, true, true},
  };
  for (const auto& shape : shapes) {
    Product product(random, shape.m, shape.n, shape.k, shape.layout, shape.b_transposed);
    product.epilogue(shape.accumulate, true, false, false);
    ASSERT_NO_FATAL_FAILURE(product.check());
  }
}

TEST_P(GemmKernels, GemmOfNothing) {
  float c[2] = {sentinel, sentinel};
  const float bias[2] = {1.0f, -2.0f};
  Gemm call{.m = 0, .n = 2, .k = 4, .c = c, .c_row = 2};
  gemm(call);
  EXPECT_EQ(c[0], sentinel);
  call = {.m = 1, .n = 2, .k = 0, .c = c, .c_row = 2, .bias = bias, .relu = true};
  gemm(call);
  EXPECT_EQ(c[0], 1.0f);
  EXPECT_EQ(c[1], 0.0f);
  call = {.m = 1, .n = 1, .k = 0, .c = c, .c_row = 2};
  gemm(call);
  EXPECT_EQ(c[0], 0.0f);
}

// What makes training independent of how a batch is cut into pieces.
TEST_P(GemmKernels, RowsOfAProductDoNotDependOnItsHeight) {
  Random random;
  for (std::int64_t n : {1, 3, 8, 16, 21, 32, 64, 100}) {
    for (std::int64_t k : {1, 5, 64, 300, 700}) {
      for (Product::A layout : layouts) {
        const std::int64_t m = n == 64 ? 600 : 61;
        Product whole(random, m, n, k, layout, random.chance());
        whole.epilogue(random.chance(), true, random.chance(), false);
        const Guarded before = whole.c;
        gemm(whole.call);
        Guarded pieces = before;
        std::int64_t top = 0;
        while (top < m) {
          const std::int64_t height = std::min<std::int64_t>(random.integer(1, n == 64 ? 200 : 20), m - top);
          Gemm piece = whole.call;
          piece.m = height;
          piece.a += top * piece.a_row;
          piece.c = pieces.data() + top * piece.c_row;
          if (piece.addend != nullptr) piece.addend += top * piece.addend_row;
          gemm(piece);
          top += height;
        }
        ASSERT_TRUE(same_bits(whole.c.data(), pieces.data(), pieces.size())) << "n = " << n << ", k = " << k;
      }
    }
  }
}

TEST_P(GemmKernels, GemmKeepsNotANumber) {
  for (std::int64_t n : {1, 5, 16, 40}) {
    for (std::int64_t k : {4, 40}) {
      Random random;
      Product product(random, 7, n, k, Product::A::rows, false);
      product.a[2 * product.call.a_row + 1] = nan;
      product.a[4 * product.call.a_row + 1] = infinity;
      product.epilogue(false, false, false, true);
      gemm(product.call);
      for (std::int64_t i = 0; i < 7; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
          const float value = product.c[i * product.call.c_row + j];
          EXPECT_EQ(std::isnan(value), i == 2) << "n = " << n << ", row " << i;
          if (i == 4) {
            EXPECT_EQ(value, product.b[product.call.b_row + j] > 0 ? infinity : 0.0f);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace xl::kernels
