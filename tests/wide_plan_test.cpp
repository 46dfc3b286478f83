// Wide plans: a layer whose weights outweigh what flows through it runs once for many samples. The table of cases goes both
// ways, and is cut into chunks; then models that are large enough to go wide by themselves.

#include <gtest/gtest.h>

#include <algorithm>

#include "golden.hpp"
#include "layer_cases.hpp"
#include "xlayers/framework/base/parallel.hpp"
#include "xlayers/framework/base/threads.hpp"
#include "xlayers/framework/engine/plan_builder.hpp"
#include "xlayers/framework/kernels/dispatch.hpp"
#include "xlayers/framework/parts/shared_work.hpp"
#include "xlayers/xlayers.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing_layers::Case;
using testing_layers::LayerTable;

/// The limits and the number of threads are as before afterwards.
class Restored {
 public:
  ~Restored() {
    plan_limits() = limits_;
    set_num_threads(threads_);
  }

 private:
  const PlanLimits limits_ = plan_limits();
  const int threads_ = num_threads();
};

constexpr PlanLimits all_deep{.heavy_weights = std::int64_t{1} << 60};
/// Every layer that can go wide does, in chunks of so many floats.
PlanLimits all_wide(std::int64_t floats) {
  return {.heavy_weights = 1,
          .passes_over_a_sum = std::int64_t{1} << 40,
          .training_floats = floats,
          .forward_floats = floats,
          .least_pieces = 1};
}

class WidePlan : public LayerTable {
 private:
  Restored restored_;
};

INSTANTIATE_TEST_SUITE_P(, WidePlan, testing_layers::rows(), testing_layers::name_of_row);

double most_of(const std::vector<Tensor>& tensors) {
  double most = 0.0;
  for (const Tensor& tensor : tensors)
    for (const float value : tensor) most = std::max(most, std::abs(static_cast<double>(value)));
  return most;
}

void expect_near(const std::vector<Tensor>& found, const std::vector<Tensor>& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    EXPECT_LE(difference(found[i], std::vector<double>(expected[i].begin(), expected[i].end())), tolerance) << i;
}

// Outputs to the bit, and gradients but for the order in which they are added up; on any number of threads to the bit.
TEST_P(WidePlan, GivesWhatADeepOneDoes) {
  const Layer layer = one.layer();
  const Case many = one.with_samples(83);
  plan_limits() = all_deep;
  const std::vector<Tensor> outputs = many.outputs(layer);
  if (outputs[0].shape()[0] != 83) return;  // one for all samples
  std::vector<Tensor> dy;
  for (const Tensor& y : outputs) dy.push_back(drawn(shape(y), 7 + dy.size()));
  const Gradients deep = many.gradients(layer, many.inputs, dy);
  const double tolerance = 1e-5 * std::max(most_of(deep.inputs), most_of(deep.weights));

  for (const std::int64_t floats : {std::int64_t{1}, std::int64_t{20000}, std::int64_t{1} << 40}) {
    plan_limits() = all_wide(floats);
    set_num_threads(1);
    EXPECT_TRUE(same_bits(many.outputs(layer), outputs));
    const Gradients wide = many.gradients(layer, many.inputs, dy);
    expect_near(wide.inputs, deep.inputs, tolerance);
    expect_near(wide.weights, deep.weights, tolerance);
    EXPECT_NEAR(wide.penalty, deep.penalty, 1e-6 * std::abs(deep.penalty));
    set_num_threads(3);
    EXPECT_TRUE(same_bits(many.outputs(layer), outputs));
    const Gradients again = many.gradients(layer, many.inputs, dy);
    EXPECT_TRUE(same_bits(again.inputs, wide.inputs));
    EXPECT_TRUE(same_bits(again.weights, wide.weights));
    EXPECT_EQ(again.penalty, wide.penalty);
  }
}

/// Wide layers between others: dropout, normalisation, attention, a penalty, a tensor that is used twice.
Model mixed_model() {
  const SymbolicTensor x = Input({12, 40});
  const SymbolicTensor h = Dense({.units = 200, .activation = "gelu", .activity_regularizer = L2({.l2 = 1e-3f})})(x);
  const SymbolicTensor a = MultiHeadAttention({.num_heads = 4, .key_dim = 50, .dropout = 0.1f})({h, h});
  const SymbolicTensor n = LayerNormalization()(h + Dropout({.rate = 0.2f})(a));
  const SymbolicTensor y = Dense({.units = 1})(Dense({.units = 300, .activation = "relu"})(n));
  return Model(x, y);
}

struct Trained {
  std::vector<Tensor> weights;
  std::map<std::string, std::vector<double>> history;
  Tensor forecast;
};

/// Two epochs in an order of their own, with an odd last batch.
Trained train(int threads) {
  set_num_threads(threads);
  set_random_seed(11);
  const Model model = mixed_model();
  model.compile({.optimizer = AdamW({.learning_rate = 1e-3f}), .loss = "mse", .metrics = {"mae"}});
  Trained trained;
  trained.history = model
                        .fit(drawn({45, 12, 40}, 1), drawn({45, 12, 1}, 2),
                             {.batch_size = 32, .epochs = 2, .verbose = 0, .validation_split = 0.1})
                        .history;
  trained.weights = model.get_weights();
  trained.forecast = model.predict(drawn({21, 12, 40}, 3));
  return trained;
}

TEST(WideModel, TrainsToTheSameBitsOnAnyNumberOfThreads) {
  const Restored restored;
  const Trained one = train(1);
  for (const int threads : {2, 3, 7}) {
    const Trained other = train(threads);
    EXPECT_TRUE(same_bits(other.weights, one.weights)) << threads << " threads";
    EXPECT_EQ(other.history, one.history) << threads << " threads";
    EXPECT_TRUE(same_bits(std::vector{other.forecast}, std::vector{one.forecast})) << threads << " threads";
  }
}

TEST(WideModel, TrainsAsADeepPlanDoes) {
  const Restored restored;
  const Trained wide = train(2);
  plan_limits() = all_wide(50000);
  const Trained chunks = train(2);
  plan_limits() = all_deep;
  const Trained deep = train(2);
  // The way shows in the last bits, so the model above has gone wide.
  EXPECT_FALSE(same_bits(wide.weights, deep.weights));
  for (const Trained* other : {&wide, &chunks}) {
    EXPECT_NEAR(other->history.at("loss")[1], deep.history.at("loss")[1], 1e-5 * deep.history.at("loss")[1]);
    EXPECT_NEAR(other->history.at("val_mae")[1], deep.history.at("val_mae")[1], 1e-4);
  }
}

TEST(WideModel, ASampleHasTheSameBitsInAnyBatch) {
  const Restored restored;
  const Model model = mixed_model();
  const Tensor x = drawn({70, 12, 40}, 5), all = model.predict(x);
  for (const auto& [first, count] : {std::pair{0, 1}, {3, 2}, {10, 60}})
    EXPECT_TRUE(
        same_bits(std::vector{model.predict(samples(x, first, count))}, std::vector{samples(all, first, count)}))
        << first << ", " << count;
}

// A plan is for a batch where the way depends on it, and else for any.
TEST(WideModel, APlanIsWideWhereWeightsOutweighWhatFlows) {
  const SymbolicTensor x = Input({300});
  const Program heavy = lower({x}, {Dense({.units = 300})(x)}), light = lower({x}, {Dense({.units = 10})(x)});
  const std::vector<Shape> shapes = {{300}};
  const RunMode training{.training = true, .backward = true};
  EXPECT_TRUE(Plan(heavy, shapes, training, 100).is_wide());
  EXPECT_FALSE(Plan(heavy, shapes, training, 100000).is_wide());
  EXPECT_FALSE(Plan(light, shapes, training, 100).is_wide());
  EXPECT_FALSE(Plan(heavy, shapes, training, 100).is_for(shapes, training, 101));
  EXPECT_FALSE(Plan(heavy, shapes, training, 100000).is_for(shapes, training, 100));
  EXPECT_TRUE(Plan(heavy, shapes, training, 100000).is_for(shapes, training, 90000));
  EXPECT_TRUE(Plan(light, shapes, training, 100).is_for(shapes, training, 101));
}

// Each gradient is kept once; deep, there is one for each of 16 groups.
TEST(WideModel, KeepsAGradientOnce) {
  const SymbolicTensor x = Input({500});
  const Program program = lower({x}, {Dense({.units = 3})(Dense({.units = 500})(x))});
  const Plan plan(program, std::vector<Shape>{{500}}, {.training = true, .backward = true}, 64);
  EXPECT_EQ(plan.sum_size(), 500 * 3 + 3);
  EXPECT_LT(plan.wide_arena(), 64 * 4 * 503);
}

TEST(WideModel, TakesALargeBatchInChunks) {
  const SymbolicTensor x = Input({500});
  const Program program = lower({x}, {Dense({.units = 500})(x)});
  const Restored restored;
  plan_limits() = all_wide(100000);
  const Plan plan(program, std::vector<Shape>{{500}}, {}, 5001);
  EXPECT_GT(plan.chunks(), 10);
  EXPECT_LT(plan.wide_arena(), 200000);
  std::int64_t first = 0;
  for (std::int64_t chunk = 0; chunk <= plan.chunks(); ++chunk) {
    EXPECT_LE(first, plan.first_sample(plan.first_piece(chunk)));
    first = plan.first_sample(plan.first_piece(chunk));
  }
  EXPECT_EQ(first, 5001);
}

class Product : public testing::TestWithParam<kernels::InstructionSet> {
 protected:
  void SetUp() override {
    if (!kernels::supported(GetParam())) GTEST_SKIP() << "not on this machine";
    kernels::set_instruction_set(GetParam());
  }
  void TearDown() override { kernels::set_instruction_set(set_); }

 private:
  const kernels::InstructionSet set_ = kernels::instruction_set();
  Restored restored_;
};

INSTANTIATE_TEST_SUITE_P(Sets, Product,
                         testing::Values(kernels::InstructionSet::baseline, kernels::InstructionSet::avx2,
                                         kernels::InstructionSet::avx512),
                         [](const auto& info) { return std::string(to_string(info.param)); });

// The blocks have the bits of the whole, whatever their sides, for each way in which A and B lie.
TEST_P(Product, HasTheBitsOfTheKernel) {
  set_num_threads(3);
  for (const auto& [m, n, k] : {std::array<std::int64_t, 3>{1, 4099, 300},
                                {128, 1000, 70},
                                {97, 1027, 65},
                                {2000, 130, 33},
                                {1000, 1, 700},
                                {700, 7, 1500},
                                {100, 65, 9000},
                                {481, 577, 260},
                                {300, 300, 1200}})
    for (const bool a_transposed : {false, true})
      for (const bool b_transposed : {false, true}) {
        const Tensor a = drawn({m, k}, 1), b = drawn({k, n}, 2), bias = drawn({n}, 3);
        Tensor whole = drawn({m, n}, 4), blocks = whole;
        kernels::Gemm product{.m = m,
                              .n = n,
                              .k = k,
                              .a = a.data(),
                              .a_row = a_transposed ? 1 : k,
                              .a_col = a_transposed ? m : 1,
                              .b = b.data(),
                              .b_row = b_transposed ? k : n,
                              .b_transposed = b_transposed,
                              .c = whole.data(),
                              .c_row = n,
                              .accumulate = a_transposed,
                              .bias = b_transposed ? bias.data() : nullptr,
                              .relu = b_transposed};
        kernels::gemm(product);
        product.c = blocks.data();
        xl::product(product);
        EXPECT_TRUE(same_bits(std::vector{blocks}, std::vector{whole})) << m << " x " << n << " x " << k;
      }
}

// C = C + the sum over the terms of A_t^T B_t, as of a convolution's samples: near the sum in doubles, the same bits in blocks.
TEST_P(Product, AddsUpTerms) {
  set_num_threads(3);
  for (const auto& [terms, m, n, k] : {std::array<std::int64_t, 4>{1, 3, 5, 7},
                                       {9, 700, 65, 10},
                                       {40, 300, 130, 3},
                                       {5, 96, 64, 100},
                                       {30, 80, 70, 50},
                                       {300, 20, 30, 11},
                                       {3, 130, 1, 90},
                                       {4, 50, 9, 700},
                                       {12, 1, 200, 200}}) {
    const Tensor a = drawn({terms, k, m}, 1), b = drawn({terms, k, n}, 2);
    Tensor whole = drawn({m, n}, 3), blocks = whole;
    std::vector<double> truth(whole.begin(), whole.end());
    for (std::int64_t t = 0; t < terms; ++t)
      for (std::int64_t l = 0; l < k; ++l)
        for (std::int64_t i = 0; i < m; ++i)
          for (std::int64_t j = 0; j < n; ++j)
            truth[i * n + j] += static_cast<double>(a.data()[(t * k + l) * m + i]) * b.data()[(t * k + l) * n + j];
    kernels::Gemm product{.m = m,
                          .n = n,
                          .k = k,
                          .a = a.data(),
                          .a_row = 1,
                          .a_col = m,
                          .b = b.data(),
                          .b_row = n,
                          .c = whole.data(),
                          .c_row = n,
                          .accumulate = true,
                          .terms = terms,
                          .a_term = k * m,
                          .b_term = k * n};
    kernels::gemm(product);
    product.c = blocks.data();
    xl::product(product);
    EXPECT_LE(difference(whole, truth), 1e-5 * largest(truth)) << terms << " x " << m << " x " << n << " x " << k;
    EXPECT_TRUE(same_bits(blocks, whole)) << terms << " x " << m << " x " << n << " x " << k;
  }
}

TEST(ParallelRanges, CoverEachIndexOnce) {
  const Restored restored;
  for (const int threads : {1, 4})
    for (const std::int64_t count : {0, 1, 7, 8, 9, 1000}) {
      set_num_threads(threads);
      std::vector<int> seen(count);
      parallel_ranges(count, 8, [&](std::int64_t begin, std::int64_t end) {
        EXPECT_LT(begin, end);
        for (std::int64_t i = begin; i < end; ++i) ++seen[i];
      });
      EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), count);
    }
}

}  // namespace
}  // namespace xl
