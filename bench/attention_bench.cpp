// Attention: the documentation's forecaster as a whole, and MultiHeadAttention alone at several lengths. Arguments of a
// benchmark: threads, or steps.

#include <benchmark/benchmark.h>

#include <xlayers/xlayers.hpp>

namespace {

xl::Tensor noise(const xl::Shape& shape, std::uint64_t seed) {
  xl::Tensor x = xl::empty(shape);
  xl::Random(seed).fill_normal({x.data(), x.size()});
  return x;
}

xl::Model forecaster() {
  xl::set_random_seed(1);
  const auto inputs = xl::Input({96, 7});
  auto x = xl::TokenEmbedding({.c_in = 7, .d_model = 64})(inputs);
  x = x + xl::PositionalEmbedding({.max_len = 96, .d_model = 64})(x);
  x = xl::MultiHeadAttention({.num_heads = 8, .key_dim = 8})(x, x);
  x = xl::Dense({.units = 128, .activation = "relu"})(x);
  x = xl::Dense({.units = 32, .activation = "relu"})(x);
  xl::Model model(inputs, xl::Dense({.units = 7})(x));
  model.compile({.optimizer = "adam", .loss = "mse"});
  return model;
}

void forecaster_train_32(benchmark::State& state) {
  xl::set_num_threads(static_cast<int>(state.range(0)));
  const xl::Model model = forecaster();
  const xl::Tensor x = noise({32, 96, 7}, 1), y = noise({32, 96, 7}, 2);
  for (auto _ : state) benchmark::DoNotOptimize(model.train_on_batch(x, y).loss());
}

void forecaster_predict(benchmark::State& state) {
  xl::set_num_threads(static_cast<int>(state.range(0)));
  const xl::Model model = forecaster();
  const xl::Tensor x = noise({state.range(1), 96, 7}, 1);
  xl::Tensor y;
  for (auto _ : state) {
    model.predict(x, y);
    benchmark::DoNotOptimize(y.data());
  }
}

BENCHMARK(forecaster_train_32)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(forecaster_predict)
    ->ArgNames({"threads", "batch"})
    ->Args({1, 32})
    ->Args({2, 32})
    ->Args({1, 1})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

// One thread, 8 heads of 8 features or 1 of 64; `causal` is 0 or 1.
void attention(benchmark::State& state, bool training) {
  xl::set_num_threads(1);
  const xl::Dim steps = state.range(0), heads = state.range(1);
  const xl::MultiHeadAttention layer({.num_heads = static_cast<int>(heads), .key_dim = static_cast<int>(64 / heads)});
  const auto input = xl::Input({steps, 64});
  xl::Model model(input, layer(input, input, {.use_causal_mask = state.range(2) != 0}));
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const xl::Tensor x = noise({8, steps, 64}, 1), y = noise({8, steps, 64}, 2);
  xl::Tensor out;
  for (auto _ : state) {
    if (training) {
      benchmark::DoNotOptimize(model.train_on_batch(x, y).loss());
    } else {
      model.predict(x, out);
      benchmark::DoNotOptimize(out.data());
    }
  }
  state.SetItemsProcessed(state.iterations() * 8);
}
void attention_predict_8(benchmark::State& state) { attention(state, false); }
void attention_train_8(benchmark::State& state) { attention(state, true); }

void lengths(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"steps", "heads", "causal"})->UseRealTime()->Unit(benchmark::kMicrosecond);
  for (const int steps : {96, 512}) {
    benchmark->Args({steps, 8, 0})->Args({steps, 8, 1})->Args({steps, 1, 0});
  }
}
BENCHMARK(attention_predict_8)->Apply(lengths);
BENCHMARK(attention_train_8)->Apply(lengths);

}  // namespace
