// The matrix products that layers are made of, in GFLOP/s on one thread, on every instruction set
// that this machine has, and with a CBLAS where the build found one. Run one with
// --benchmark_filter='dense_forward'.

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "xlayers/framework/kernels/dispatch.hpp"
#include "xlayers/framework/kernels/gemm.hpp"

#ifdef XLAYERS_BENCH_BLAS
#include <cblas.h>
extern "C" void openblas_set_num_threads(int) __attribute__((weak));
extern "C" char* openblas_get_corename() __attribute__((weak));
#endif

namespace {

using xl::kernels::Gemm;
using xl::kernels::InstructionSet;

struct Case {
  const char* name;
  std::int64_t m, n, k;
  bool a_transposed, b_transposed, accumulate;
  std::int64_t count = 1;  // products with the same B, one after the other
};

constexpr Case cases[] = {
    {"dense_forward", 100, 32, 64, false, false, false},
    {"dense_forward", 400, 32, 64, false, false, false},
    {"dense_forward", 3200, 32, 64, false, false, false},
    {"dense_forward", 96, 128, 64, false, false, false},
    {"dense_forward", 400, 64, 64, false, false, false},
    {"dense_forward", 96, 7, 64, false, false, false},
    {"dense_one_unit", 100, 1, 32, false, false, false},
    {"dense_one_unit", 400, 1, 32, false, false, false},
    {"convolution", 100, 64, 3, false, false, false},
    {"convolution", 400, 64, 3, false, false, false},
    {"convolution", 96, 64, 21, false, false, false},
    {"attention_scores", 96, 96, 8, false, true, false, 64},
    {"attention_context", 96, 8, 96, false, false, false, 64},
    {"input_gradient", 400, 64, 32, false, true, false},
    {"input_gradient", 400, 32, 1, false, true, false},
    {"weight_gradient", 64, 32, 400, true, false, true},
    {"weight_gradient", 3, 64, 400, true, false, true},
    {"weight_gradient", 32, 1, 400, true, false, true},
    {"large", 512, 512, 512, false, false, false},
    {"large", 3072, 768, 768, false, false, false},
    {"large", 768, 768, 3072, true, false, true},
    {"large", 3072, 768, 768, false, true, false},
};

/// Floats that start at a cache line.
class Buffer {
 public:
  Buffer(std::int64_t size, float value) : floats_(static_cast<std::size_t>(size + 16), value) {}
  float* data() {
    const auto address = reinterpret_cast<std::uintptr_t>(floats_.data());
    return floats_.data() + (64 - address % 64) % 64 / sizeof(float);
  }

 private:
  std::vector<float> floats_;
};

struct Operands {
  explicit Operands(const Case& of)
      : a(of.m * of.k * of.count, 0.5f), b(of.k * of.n * of.count, 0.25f), c(of.m * of.n * of.count, 0.0f) {}
  Buffer a, b, c;
};

void report(benchmark::State& state, const Case& c) {
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * static_cast<double>(c.m * c.n * c.k * c.count),
                                                 benchmark::Counter::kIsIterationInvariantRate);
}

void run_xlayers(benchmark::State& state, const Case& c, InstructionSet set) {
  xl::kernels::set_instruction_set(set);
  Operands operands(c);
  for (auto _ : state) {
    for (std::int64_t i = 0; i < c.count; ++i) {
      xl::kernels::gemm({.m = c.m,
                         .n = c.n,
                         .k = c.k,
                         .a = operands.a.data() + i * c.m * c.k,
                         .a_row = c.a_transposed ? 1 : c.k,
                         .a_col = c.a_transposed ? c.m : 1,
                         .b = operands.b.data() + i * c.k * c.n,
                         .b_row = c.b_transposed ? c.k : c.n,
                         .b_transposed = c.b_transposed,
                         .c = operands.c.data() + i * c.m * c.n,
                         .c_row = c.n,
                         .accumulate = c.accumulate});
    }
    benchmark::ClobberMemory();
  }
  report(state, c);
}

#ifdef XLAYERS_BENCH_BLAS
void run_cblas(benchmark::State& state, const Case& c) {
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
  if (openblas_get_corename != nullptr) state.SetLabel(openblas_get_corename());
  Operands operands(c);
  const auto int_of = [](std::int64_t value) { return static_cast<int>(value); };
  for (auto _ : state) {
    for (std::int64_t i = 0; i < c.count; ++i) {
      cblas_sgemm(CblasRowMajor, c.a_transposed ? CblasTrans : CblasNoTrans, c.b_transposed ? CblasTrans : CblasNoTrans,
                  int_of(c.m), int_of(c.n), int_of(c.k), 1.0f, operands.a.data() + i * c.m * c.k,
                  int_of(c.a_transposed ? c.m : c.k), operands.b.data() + i * c.k * c.n,
                  int_of(c.b_transposed ? c.k : c.n), c.accumulate ? 1.0f : 0.0f, operands.c.data() + i * c.m * c.n,
                  int_of(c.n));
    }
    benchmark::ClobberMemory();
  }
  report(state, c);
}
#endif

[[maybe_unused]] const bool registered = [] {
  for (const Case& c : cases) {
    const std::string name =
        std::string(c.name) + "/" + std::to_string(c.m) + "x" + std::to_string(c.n) + "x" + std::to_string(c.k) + "/";
    for (InstructionSet set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
      if (!xl::kernels::supported(set)) continue;
      benchmark::RegisterBenchmark((name + xl::kernels::to_string(set)).c_str(), run_xlayers, c, set);
    }
#ifdef XLAYERS_BENCH_BLAS
    benchmark::RegisterBenchmark((name + "cblas").c_str(), run_cblas, c);
#endif
  }
  return true;
}();

}  // namespace

BENCHMARK_MAIN();
