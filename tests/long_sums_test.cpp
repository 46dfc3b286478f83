// Sums are within 1e-6 of those in doubles, up to 10^7 numbers: in every reduction whose length grows with the data.

#include <gtest/gtest.h>

#include <xlayers/xlayers.hpp>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "kernel_testing.hpp"
#include "xlayers/framework/kernels/activations.hpp"
#include "xlayers/framework/kernels/attention.hpp"
#include "xlayers/framework/kernels/gemm.hpp"
#include "xlayers/framework/kernels/long_sums.hpp"
#include "xlayers/framework/kernels/normalization.hpp"
#include "xlayers/framework/kernels/vector.hpp"

namespace xl {
namespace {

constexpr double tolerance = 1e-6;

/// Equal numbers, which all round the same way, and numbers in [0, 1).
enum class Numbers { equal, random };

Tensor numbers(const Shape& shape, Numbers kind, std::uint64_t seed = 1) {
  if (kind == Numbers::random) return random_uniform(shape, 0, 1, seed);
  Tensor tensor = empty(shape);
  std::fill(tensor.data(), tensor.data() + tensor.size(), 0.1f);
  return tensor;
}

void expect_near(double got, double exact, const std::string& what, double sum_of_absolutes = 0) {
  EXPECT_LE(std::abs(got - exact), tolerance * std::max(std::abs(exact), sum_of_absolutes))
      << what << ": " << got << " for " << exact;
}

double sum_of(std::int64_t n, const std::function<double(std::int64_t)>& term) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += term(i);
  return sum;
}

// ---- kernels, on every instruction set

using kernels::InstructionSet;
using kernels::testing_kernels::KernelTest;

class LongSumKernels : public KernelTest {};
XL_ON_EVERY_INSTRUCTION_SET(LongSumKernels);

TEST_P(LongSumKernels, ColumnSums) {
  for (const Numbers kind : {Numbers::equal, Numbers::random})
    for (const std::int64_t columns : {1, 5, 20}) {
      const std::int64_t rows = 200'000;
      const Tensor x = numbers({rows, columns}, kind);
      std::vector<float> out(columns, 1);
      kernels::column_sums(rows, columns, columns, x.data(), out.data(), true);
      for (const std::int64_t j : {std::int64_t{0}, columns - 1})
        expect_near(out[j], 1 + sum_of(rows, [&](std::int64_t i) { return x.data()[i * columns + j]; }), "column");
    }
}

TEST_P(LongSumKernels, ProductsOverALongInnerDimension) {
  struct Case {
    std::int64_t m, n, k;
    bool a_transposed, b_transposed;
  };
  for (const Numbers kind : {Numbers::equal, Numbers::random})
    for (const Case& c :
         {Case{3, 5, 100'000, true, false}, Case{70, 1, 20'000, true, false}, Case{2, 70, 20'000, false, true},
          Case{5, 1, 100'000, false, false}, Case{1, 1, 1'000'000, true, false}}) {
      const Tensor a = numbers({c.m * c.k}, kind, 2), b = numbers({c.n * c.k}, kind, 3);
      std::vector<float> y(c.m * c.n, 1), bias(c.n, 2);
      kernels::Gemm product{};
      product.m = c.m, product.n = c.n, product.k = c.k;
      product.a = a.data();
      product.a_row = c.a_transposed ? 1 : c.k, product.a_col = c.a_transposed ? c.m : 1;
      product.b = b.data();
      product.b_row = c.b_transposed ? c.k : c.n, product.b_transposed = c.b_transposed;
      product.c = y.data(), product.c_row = c.n;
      product.accumulate = true, product.bias = bias.data();
      kernels::gemm(product);
      for (const auto& [i, j] : {std::pair{std::int64_t{0}, c.n - 1}, std::pair{c.m - 1, std::int64_t{0}}})
        expect_near(y[i * c.n + j],
                    3 + sum_of(c.k,
                               [&, i = i, j = j](std::int64_t l) {
                                 return static_cast<double>(a.data()[i * product.a_row + l * product.a_col]) *
                                        b.data()[c.b_transposed ? j * c.k + l : l * c.n + j];
                               }),
                    "product of " + std::to_string(c.m) + ", " + std::to_string(c.n) + ", " + std::to_string(c.k));
    }
}

TEST_P(LongSumKernels, NormalizationOfALongRowAndOfManyRows) {
  for (const Numbers kind : {Numbers::equal, Numbers::random}) {
    const std::int64_t n = 300'000;
    const Tensor x = numbers({n}, kind, 4);
    std::vector<float> y(n), statistics(2 * n);
    kernels::normalize({.rows = 1, .columns = n, .centered = false}, x.data(), y.data(), statistics.data());
    const double square = sum_of(n, [&](std::int64_t i) { return static_cast<double>(x.data()[i]) * x.data()[i]; });
    expect_near(statistics[1], 1 / std::sqrt(square / n), "rstd");
    kernels::normalize({.rows = 1, .columns = n, .centered = true, .epsilon = 1e-3f}, x.data(), y.data(),
                       statistics.data());
    expect_near(statistics[0], sum_of(n, [&](std::int64_t i) { return x.data()[i]; }) / n, "mean");

    const std::int64_t columns = 5, rows = 100'000;
    const Tensor inputs = numbers({rows, columns}, Numbers::random, 5), dy = numbers({rows, columns}, kind, 6);
    std::vector<float> out(rows * columns), of_rows(2 * rows), dx(rows * columns), dscale(columns), doffset(columns);
    const kernels::Normalization call{.rows = rows, .columns = columns, .centered = false, .epsilon = 1e-3f};
    kernels::normalize(call, inputs.data(), out.data(), of_rows.data());
    kernels::normalize_backward(call, inputs.data(), of_rows.data(), dy.data(), dx.data(), dscale.data(),
                                doffset.data());
    for (std::int64_t j = 0; j < columns; ++j) {
      const auto term = [&](std::int64_t i) { return static_cast<double>(dy.data()[i * columns + j]); };
      expect_near(doffset[j], sum_of(rows, term), "doffset");
      expect_near(dscale[j],
                  sum_of(rows,
                         [&](std::int64_t i) {
                           return term(i) * inputs.data()[i * columns + j] * static_cast<double>(of_rows[2 * i + 1]);
                         }),
                  "dscale");
    }
  }
}

TEST_P(LongSumKernels, SoftmaxesOfLongRows) {
  const std::int64_t n = 1'000'000;
  const Tensor x = numbers({n}, Numbers::random, 7);
  const double most = *std::max_element(x.data(), x.data() + n);
  const double total = sum_of(n, [&](std::int64_t i) { return std::exp(x.data()[i] - most); });
  std::vector<float> y(x.data(), x.data() + n);
  kernels::attention_softmax({.rows = 1, .columns = n, .row_stride = n, .begin = 0, .end = n}, y.data());
  expect_near(sum_of(n, [&](std::int64_t i) { return y[i]; }), 1, "attention's softmax");
  kernels::activate({kernels::Activation::softmax, {}, 1, n}, x.data(), y.data());
  expect_near(sum_of(n, [&](std::int64_t i) { return y[i]; }), 1, "softmax");
  kernels::activate({kernels::Activation::log_softmax, {}, 1, n}, x.data(), y.data());
  expect_near(y[0], x.data()[0] - most - std::log(total), "log_softmax");

  // With P = 1/n and dP = 0.1 the mean of dP is 0.1.
  const std::vector<float> p(n, 1.0f / n), dp(n, 0.1f);
  float mean = 0;
  kernels::row_products(1, n, dp.data(), n, p.data(), n, false, &mean);
  EXPECT_LE(std::abs(mean - 0.1), 1e-6 * 0.1);

  // Half of the numbers are 1 above the others: those share 1.
  std::vector<float> steps(n);
  for (std::int64_t i = 0; i < n; ++i) steps[i] = i % 2 == 0 ? 1.0f : 0.0f;
  kernels::activate({kernels::Activation::sparsemax, {}, 1, n}, steps.data(), y.data());
  std::vector<float> dy(n, 0.3f), dx(n);
  kernels::activate_backward({kernels::Activation::sparsemax, {}, 1, n}, steps.data(), y.data(), dy.data(), dx.data());
  EXPECT_LE(std::abs(dx[0]), 1e-6f * 0.3f);
}

TEST_P(LongSumKernels, ShortSumsAreOneChain) {
  std::vector<float> x(kernels::short_sum * 3), out(3);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 0.1f * static_cast<float>(i % 7 + 1);
  kernels::column_sums(kernels::short_sum, 3, 3, x.data(), out.data(), false);
  float chain = 0;
  for (std::int64_t i = 0; i < kernels::short_sum; ++i) chain += x[3 * i];
  EXPECT_EQ(out[0], chain);
}

// ---- layers

Gradients slopes(const Layer& layer, const Data& x, const Tensor& dy) {
  layer(x);  // builds it
  return gradients(layer, x, dy);
}

class LongSumLayers : public testing::TestWithParam<Numbers> {};
INSTANTIATE_TEST_SUITE_P(Of, LongSumLayers, testing::Values(Numbers::equal, Numbers::random),
                         [](const auto& of) { return of.param == Numbers::equal ? "equal" : "random"; });

TEST_P(LongSumLayers, GlobalAveragePooling) {
  for (const std::int64_t steps : {100'000, 1'000'000, 10'000'000}) {
    const Tensor x = numbers({1, steps, 1}, GetParam());
    const double mean = sum_of(steps, [&](std::int64_t i) { return x.data()[i]; }) / static_cast<double>(steps);
    expect_near(GlobalAveragePooling1D()(x).data()[0], mean, "channels_last");
    if (steps > 1'000'000) continue;
    const Tensor across = numbers({1, 1, steps}, GetParam());
    expect_near(GlobalAveragePooling1D({.data_format = "channels_first"})(across).data()[0], mean, "channels_first");
    Tensor mask = empty({1, steps});
    for (std::int64_t t = 0; t < steps; ++t) mask.data()[t] = t % 2 == 0 ? 1.0f : 0.0f;
    const double half = sum_of(steps / 2, [&](std::int64_t i) { return x.data()[2 * i]; }) / (steps / 2);
    expect_near(GlobalAveragePooling1D()(Data{x}, {.masks = {mask}}).data()[0], half, "masked");
  }
}

TEST(LongSums, GlobalMaxPoolingSharesAmongMoreThanAFloatCounts) {
  const std::int64_t steps = (std::int64_t{1} << 24) + 64;
  const Tensor x = zeros({1, steps, 1});
  const Gradients g = slopes(GlobalMaxPooling1D(), x, tensor({{1.0f}}));
  EXPECT_EQ(g.inputs[0].data()[steps - 1], static_cast<float>(1.0 / static_cast<double>(steps)));
}

TEST_P(LongSumLayers, DenseOverTheRowsOfOneSampleAndOverSamples) {
  for (const Shape& shape : {Shape{1, 1'000'000, 2}, Shape{300'000, 2}})
    for (const int units : {1, 3}) {
      const Tensor x = numbers(shape, GetParam(), 8);
      Shape of_dy = shape;
      of_dy.back() = units;
      const Tensor dy = numbers(of_dy, GetParam(), 9);
      const Gradients g = slopes(Dense({.units = units}), x, dy);
      const auto rows = static_cast<std::int64_t>(x.size() / 2);
      for (std::int64_t j = 0; j < units; ++j) {
        expect_near(
            g.weights[0].data()[units + j],
            sum_of(rows,
                   [&](std::int64_t i) { return static_cast<double>(x.data()[2 * i + 1]) * dy.data()[units * i + j]; }),
            "dW");
        expect_near(g.weights[1].data()[j], sum_of(rows, [&](std::int64_t i) { return dy.data()[units * i + j]; }),
                    "db");
      }
    }
}

TEST_P(LongSumLayers, DenseWithManyFeatures) {
  const std::int64_t features = 1'000'000;
  const Tensor x = numbers({1, features}, GetParam());
  const double sum = sum_of(features, [&](std::int64_t i) { return x.data()[i]; });
  expect_near(Dense({.units = 2, .kernel_initializer = "ones"})(x).data()[1], sum, "y");
}

TEST_P(LongSumLayers, ConvolutionsOverManySteps) {
  for (const int dilation : {1, 2}) {
    const std::int64_t steps = 300'000;
    const Tensor x = numbers({1, steps, 1}, GetParam(), 10);
    const Conv1D conv({.filters = 2, .kernel_size = 2, .padding = "causal", .dilation_rate = dilation});
    const Tensor dy = numbers({1, steps, 2}, GetParam(), 11);
    const Gradients g = slopes(conv, x, dy);
    expect_near(
        g.weights[0].data()[0],
        sum_of(steps - dilation,
               [&](std::int64_t t) { return static_cast<double>(x.data()[t]) * dy.data()[2 * (t + dilation)]; }),
        "dW");
    expect_near(g.weights[1].data()[1], sum_of(steps, [&](std::int64_t t) { return dy.data()[2 * t + 1]; }), "db");
  }
}

TEST_P(LongSumLayers, Normalizations) {
  const std::int64_t rows = 100'000, features = 3;
  const Tensor x = numbers({1, rows, features}, Numbers::random, 12), dy = numbers({1, rows, features}, GetParam(), 13);
  const Gradients layer = slopes(LayerNormalization(), x, dy);
  expect_near(layer.weights[1].data()[0], sum_of(rows, [&](std::int64_t i) { return dy.data()[features * i]; }),
              "dbeta");
  double dgamma = 0, absolutes = 0;
  for (std::int64_t i = 0; i < rows; ++i) {
    const float* row = x.data() + i * features;
    const double mean = (static_cast<double>(row[0]) + row[1] + row[2]) / 3;
    double variance = 0;
    for (int c = 0; c < 3; ++c) variance += (row[c] - mean) * (row[c] - mean) / 3;
    const double term = dy.data()[features * i] * (row[0] - mean) / std::sqrt(variance + 1e-3);
    dgamma += term, absolutes += std::abs(term);
  }
  expect_near(layer.weights[0].data()[0], dgamma, "dgamma", absolutes);
  const Gradients root = slopes(RMSNormalization(), x, dy);
  expect_near(root.weights[0].data()[1],
              sum_of(rows,
                     [&](std::int64_t i) {
                       const float* row = x.data() + i * features;
                       double square = 0;
                       for (int c = 0; c < 3; ++c) square += static_cast<double>(row[c]) * row[c] / 3;
                       return dy.data()[features * i + 1] * row[1] / std::sqrt(square + 1e-6);
                     }),
              "dscale");
}

TEST_P(LongSumLayers, TablesWhoseRowsAreLookedUpOften) {
  const std::int64_t steps = 400'000;
  const Tensor dy = numbers({1, steps, 2}, GetParam(), 14);
  IntTensor indices = random_integers({1, steps}, 0, 3, 15);
  for (std::int64_t t = 0; t < steps; t += 1000) indices.data()[t] = 700;  // seldom, and not of one byte
  const auto exact = [&](int row) {
    return sum_of(steps, [&](std::int64_t t) { return indices.data()[t] == row ? dy.data()[2 * t + 1] : 0.0; });
  };
  const Gradients embedding = slopes(Embedding({.input_dim = 1000, .output_dim = 2}), indices, dy);
  const Tensor x = zeros({1, steps, 2});
  const PositionEmbedding positions({.sequence_length = 1000});
  const Gradients position = slopes(positions, {x, indices}, dy);
  for (const int row : {0, 2, 700}) {
    expect_near(embedding.weights[0].data()[2 * row + 1], exact(row), "Embedding");
    expect_near(position.weights[0].data()[2 * row + 1], exact(row), "PositionEmbedding");
  }
}

TEST_P(LongSumLayers, PositionEmbeddingOfManySequences) {
  for (const Shape& shape : {Shape{200'000, 2, 1}, Shape{1, 200'000, 2, 1}}) {
    const Tensor dy = numbers(shape, GetParam(), 16);
    const Gradients g = slopes(PositionEmbedding({.sequence_length = 3}), dy, dy);
    expect_near(g.weights[0].data()[1], sum_of(200'000, [&](std::int64_t i) { return dy.data()[2 * i + 1]; }), "row 1");
  }
}

TEST_P(LongSumLayers, CalendarTables) {
  const std::int64_t steps = 200'000;
  const IntTensor calendar = random_integers({1, steps, 4}, 1, 5, 17);
  const Tensor dy = numbers({1, steps, 2}, GetParam(), 18);
  const Gradients g = slopes(TemporalEmbedding({.d_model = 2, .embed_type = "learned"}), calendar, dy);
  for (std::int64_t column = 0; column < 4; ++column) {  // month, day, weekday, hour; the tables in the other order
    const Tensor& table = g.weights[3 - column];
    expect_near(
        table.data()[2 * 3],
        sum_of(steps, [&](std::int64_t t) { return calendar.data()[4 * t + column] == 3 ? dy.data()[2 * t] : 0.0; }),
        "the table of column " + std::to_string(column));
  }
}

TEST_P(LongSumLayers, BroadcastOperands) {
  const std::int64_t steps = 400'000;
  const Tensor x = numbers({1, steps, 3}, GetParam(), 19), dy = numbers({1, steps, 3}, GetParam(), 20);
  const Tensor row = numbers({1, 1, 3}, Numbers::equal);
  const double of_column =
      sum_of(steps, [&](std::int64_t t) { return static_cast<double>(x.data()[3 * t + 1] * dy.data()[3 * t + 1]); });
  expect_near(slopes(Multiply(), {x, row}, dy).inputs[1].data()[1], of_column, "along the steps");
  const double of_dy = sum_of(steps, [&](std::int64_t t) { return dy.data()[3 * t + 2]; });
  expect_near(slopes(Add(), {x, row}, dy).inputs[1].data()[2], of_dy, "Add");
  const Tensor across = numbers({1, 3, steps}, GetParam(), 21), one = numbers({1, 3, 1}, Numbers::equal);
  expect_near(slopes(Add(), {across, one}, across).inputs[1].data()[0],
              sum_of(steps, [&](std::int64_t t) { return across.data()[t]; }), "along the last axis");
}

TEST_P(LongSumLayers, AttentionOfManyQueriesAndOfManyKeys) {
  // One key: each query's softmax is 1, so dV is the sum of dO.
  const std::int64_t steps = 300'000;
  const Tensor many = numbers({1, steps, 2}, GetParam(), 22), one = numbers({1, 1, 2}, GetParam(), 23);
  const MultiHeadAttention attention({.num_heads = 1, .key_dim = 2, .use_bias = true, .kernel_initializer = "ones"});
  const Gradients g = slopes(attention, {many, one}, many);
  // y = (v0 + v1)(1, 1), v = (x0 + x1)(1, 1): the value's bias has the sum of all of dy twice, times 1.
  const double sum = sum_of(2 * steps, [&](std::int64_t i) { return many.data()[i]; });
  expect_near(g.weights[5].data()[0], sum, "the value's bias");
  // Many equal keys: a query sees each with 1 / steps, and finds the mean of the values.
  const Tensor values = numbers({1, steps, 2}, GetParam(), 24), keys = zeros({1, steps, 2});
  const Tensor y = attention(Data{one, values, keys});
  expect_near(y.data()[0], 2 * sum_of(2 * steps, [&](std::int64_t i) { return values.data()[i]; }) / steps, "y");
}

TEST_P(LongSumLayers, SeriesAndTheirAverages) {
  const std::int64_t steps = 300'000;
  const Tensor x = numbers({1, steps, 1}, GetParam(), 25);
  const double sum = sum_of(steps, [&](std::int64_t i) { return x.data()[i]; });
  const Tensor trend = MovingAverage({.kernel_size = static_cast<int>(2 * steps - 1)})(x);
  const double p = steps - 1;
  expect_near(trend.data()[0], (p * x.data()[0] + sum) / (2 * steps - 1), "trend");
  const Tensor series = numbers({1, steps, 1}, Numbers::random, 26);
  const Gradients g = slopes(ReversibleInstanceNorm({.num_features = 1, .affine = true}), series, x);
  expect_near(g.weights[1].data()[0], sum, "db");
}

TEST_P(LongSumLayers, LossesMetricsAndPenalties) {
  const std::int64_t rows = 1'000'000;
  const Tensor t = zeros({rows, 1}), p = numbers({rows, 1}, GetParam(), 27);
  const LossCall call{.rows = rows, .features = 1, .target = t.data(), .prediction = p.data()};
  const double sum = sum_of(rows, [&](std::int64_t i) { return p.data()[i]; });
  const double squares = sum_of(rows, [&](std::int64_t i) { return static_cast<double>(p.data()[i]) * p.data()[i]; });
  expect_near(Loss("mae")(call), sum, "mae");
  expect_near(Loss("mse")(call), squares, "mse");
  double total = 0, count = 0;
  Metric("mse").accumulate(call, total, count);
  expect_near(total, squares, "the metric mse");
  EXPECT_EQ(count, static_cast<double>(rows));
  expect_near(Regularizer(L1L2{.l1 = 1, .l2 = 1}).penalty({p.data(), p.size()}), sum + squares, "a penalty");
  Tensor weight = zeros({rows}), gradient = p;
  Optimizer clipped = SGD({.learning_rate = 1.0f, .clipnorm = 1.0});
  clipped.build(std::vector<std::int64_t>{rows});
  clipped.apply(std::vector<Optimizer::Update>{{.weight = weight.data(), .gradient = gradient.data(), .size = rows}});
  expect_near(-weight.data()[0], p.data()[0] / std::sqrt(squares), "clipnorm");
}

TEST(LongSums, ABatchOfManyPieces) {
  const std::int64_t samples = 200'000;
  const Tensor x = numbers({samples, 1}, Numbers::random, 28);
  Sequential model{Input({1}), Dense({.units = 1, .kernel_initializer = "zeros"})};
  model.compile({.optimizer = SGD({.learning_rate = 1.0f}), .loss = "mse"});
  const Tensor target = numbers({samples, 1}, Numbers::random, 29);
  model.train_on_batch(x, target);
  // At W = b = 0: dW = -2 mean(x t), db = -2 mean(t)
  const List<Tensor> weights = model.get_weights();
  expect_near(weights[0].data()[0],
              2 * sum_of(samples, [&](std::int64_t i) { return static_cast<double>(x.data()[i]) * target.data()[i]; }) /
                  samples,
              "dW");
  expect_near(weights[1].data()[0], 2 * sum_of(samples, [&](std::int64_t i) { return target.data()[i]; }) / samples,
              "db");
}

// ---- neither short nor long

TEST(LongSums, AreAsGoodAtEveryLength) {
  for (std::int64_t n = 2; n < 700; n += 7)
    for (const float value : {0.1f, 1.7f, 0.7f}) {
      const std::string of = " of " + std::to_string(n) + " times " + std::to_string(value);
      Tensor x = empty({1, n, 4}), target = empty({1, n, 4});
      x.fill(value), target.fill(50);
      expect_near(GlobalAveragePooling1D()(x)(0, 0), value, "mean" + of);
      // With the kernel and the bias 0, dW is the mean of x, and db that of 1.
      Sequential model{Input({n, 4}), Dense({.units = 4, .kernel_initializer = "zeros"})};
      model.compile({.optimizer = SGD({.learning_rate = 4}), .loss = "mae"});
      model.train_on_batch(x, target);
      const std::vector<Tensor> weights = model.get_weights();
      expect_near(weights[0](0, 0), value, "dW" + of);
      expect_near(weights[1](0), 1, "db" + of);
    }
}

}  // namespace
}  // namespace xl
