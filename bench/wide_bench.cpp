// 784-w-w-10 on batches of 128, from weights that stay in the cache to 20 million: a training step and a prediction, as they are
// and with every plan deep (framework/engine/how_a_step_runs.md). Arguments of a benchmark: w, deep, threads. flop/s is of the
// matrix products; `peak` says what one thread reaches in the cache.

#include <benchmark/benchmark.h>

#include <xlayers/xlayers.hpp>

#include <vector>

#include "xlayers/framework/engine/plan_builder.hpp"
#include "xlayers/framework/kernels/gemm.hpp"

namespace {

constexpr xl::Dim batch = 128;

xl::Sequential make_model(int width) {
  xl::set_random_seed(1);
  xl::Sequential model{
      xl::Input({784}),
      xl::Dense({.units = width, .activation = "relu"}),
      xl::Dense({.units = width, .activation = "relu"}),
      xl::Dense({.units = 10, .activation = "softmax"}),
  };
  model.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
  return model;
}

void configure(const benchmark::State& state) {
  xl::plan_limits() = {};
  if (state.range(1) != 0) xl::plan_limits().heavy_weights = std::int64_t{1} << 60;
  xl::set_num_threads(static_cast<int>(state.range(2)));
}

// Of the first layer the input has no gradient.
double products_of_a_step(double width) { return batch * (2 * 784 * width + 3 * width * width + 3 * width * 10); }

void train_step(benchmark::State& state) {
  configure(state);
  const auto width = static_cast<int>(state.range(0));
  const xl::Sequential model = make_model(width);
  const xl::Tensor x = xl::random_normal({batch, 784}, 1), y = xl::random_integers({batch}, 0, 10, 2);
  for (auto _ : state) benchmark::DoNotOptimize(model.train_on_batch(x, y).loss());
  state.counters["flop/s"] =
      benchmark::Counter(2 * products_of_a_step(width), benchmark::Counter::kIsIterationInvariantRate);
}

void predict(benchmark::State& state) {
  configure(state);
  const auto width = static_cast<int>(state.range(0));
  const xl::Sequential model = make_model(width);
  const xl::Tensor x = xl::random_normal({batch, 784}, 1);
  xl::Tensor y;
  for (auto _ : state) {
    model.predict(x, y);
    benchmark::DoNotOptimize(y.data());
  }
}

// What the kernels reach at most: a product whose operands stay in the cache.
void peak(benchmark::State& state) {
  constexpr std::int64_t m = 96, n = 64, k = 256;
  const std::vector<float> a(m * k, 0.5f), b(k * n, 0.25f);
  std::vector<float> c(m * n);
  for (auto _ : state) {
    xl::kernels::gemm(
        {.m = m, .n = n, .k = k, .a = a.data(), .a_row = k, .b = b.data(), .b_row = n, .c = c.data(), .c_row = n});
    benchmark::DoNotOptimize(c.data());
  }
  state.counters["flop/s"] = benchmark::Counter(2.0 * m * n * k, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(peak);

void widths(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"w", "deep", "threads"})->UseRealTime()->Unit(benchmark::kMillisecond);
  for (const int width : {64, 256, 1024, 4096})
    for (const int deep : {0, 1})
      for (const int threads : {1, 2}) benchmark->Args({width, deep, threads});
}
BENCHMARK(train_step)->Apply(widths);
BENCHMARK(predict)->Apply(widths);

}  // namespace
