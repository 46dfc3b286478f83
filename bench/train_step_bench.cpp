// The documentation's Sequential model: a training step and predictions, on each instruction set
// that this machine has, with one and two threads. Arguments of a benchmark: instruction set (0
// baseline, 1 avx2, 2 avx512), threads.

#include <benchmark/benchmark.h>

#include <xlayers/xlayers.hpp>

#include "xlayers/framework/kernels/dispatch.hpp"

namespace {

using xl::kernels::InstructionSet;

xl::Sequential make_model() {
  xl::set_random_seed(1);
  xl::Sequential model{
      xl::Input({100, 1}),
      xl::TokenEmbedding({.c_in = 1, .d_model = 64}),
      xl::PositionalEmbedding({.max_len = 100, .d_model = 64}),
      xl::Dense({.units = 32, .activation = "relu"}),
      xl::Dense({.units = 1}),
  };
  model.compile({.optimizer = "adam", .loss = "mse"});
  return model;
}

xl::Tensor noise(xl::Dim samples, std::uint64_t seed) {
  xl::Tensor x = xl::empty({samples, 100, 1});
  xl::Random(seed).fill_normal({x.data(), x.size()});
  return x;
}

// Sets what the benchmark's arguments ask for. Gives false, and skips the benchmark, where the
// machine cannot.
bool configure(benchmark::State& state) {
  const auto set = static_cast<InstructionSet>(state.range(0));
  if (!xl::kernels::supported(set)) {
    state.SkipWithError("not supported here");
    return false;
  }
  xl::kernels::set_instruction_set(set);
  xl::set_num_threads(static_cast<int>(state.range(1)));
  state.SetLabel(to_string(set));
  return true;
}

void train_on_batch_32(benchmark::State& state) {
  if (!configure(state)) return;
  const xl::Sequential model = make_model();
  const xl::Tensor x = noise(32, 1), y = noise(32, 2);
  for (auto _ : state) benchmark::DoNotOptimize(model.train_on_batch(x, y).loss());
  state.SetItemsProcessed(state.iterations() * 32);
}

void predict(benchmark::State& state, xl::Dim samples) {
  if (!configure(state)) return;
  const xl::Sequential model = make_model();
  const xl::Tensor x = noise(samples, 1);
  xl::Tensor y;
  for (auto _ : state) {
    model.predict(x, y);
    benchmark::DoNotOptimize(y.data());
  }
  state.SetItemsProcessed(state.iterations() * samples);
}
void predict_32(benchmark::State& state) { predict(state, 32); }
void predict_1(benchmark::State& state) { predict(state, 1); }

void sets_and_threads(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"set", "threads"})->UseRealTime()->Unit(benchmark::kMicrosecond);
  for (const InstructionSet set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512})
    for (const int threads : {1, 2}) benchmark->Args({static_cast<int>(set), threads});
}
BENCHMARK(train_on_batch_32)->Apply(sets_and_threads);
BENCHMARK(predict_32)->Apply(sets_and_threads);
BENCHMARK(predict_1)->Apply(sets_and_threads);

}  // namespace
