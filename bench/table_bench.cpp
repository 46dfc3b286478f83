// The sinusoidal table beside memset of the same memory, in the same run. What is compared takes turns, round by
// round, so that a busy machine is busy for all of it; the times are medians.
//
//   table_bench [ROUNDS]
//
// "conversions" is the roofline of the first table: doubles made floats and stored, in the order of the kernel,
// with nothing computed; then with the multiply-adds. With XLAYERS_TORCH the usual formula in libtorch, in doubles, takes part too.

#ifdef XLAYERS_BENCH_TORCH
#include <torch/torch.h>
#endif

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "xlayers/framework/base/parallel.hpp"
#include "xlayers/framework/base/threads.hpp"
#include "xlayers/framework/kernels/dispatch.hpp"
#include "xlayers/framework/parts/positional_encoding.hpp"

namespace {

using xl::kernels::InstructionSet;

struct Contender {
  std::string name;
  std::function<void()> work;
  std::vector<double> seconds = {};
};

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Prints each one's median, and its ratio to the first one's.
void compare(const char* title, std::vector<Contender> contenders, int rounds) {
  for (int round = -2; round < rounds; ++round)
    for (Contender& c : contenders) {
      const double seconds = seconds_of(c.work);
      if (round >= 0) c.seconds.push_back(seconds);
    }
  std::printf("\n%s\n", title);
  double reference = 0.0;
  for (Contender& c : contenders) {
    const auto middle = c.seconds.begin() + rounds / 2;
    std::nth_element(c.seconds.begin(), middle, c.seconds.end());
    if (reference == 0.0) reference = *middle;
    std::printf("  %-32s %12.2f us  %8.2f\n", c.name.c_str(), *middle * 1e6, *middle / reference);
  }
}

struct Free {
  void operator()(float* floats) const { std::free(floats); }
};
using Floats = std::unique_ptr<float, Free>;

Floats floats(std::int64_t size) {
  return Floats(static_cast<float*>(std::aligned_alloc(64, static_cast<std::size_t>(size) * sizeof(float))));
}

void fill(float* out, std::int64_t size, int value) {
  std::memset(out, value, static_cast<std::size_t>(size) * sizeof(float));
  asm volatile("" : : "r"(out) : "memory");
}

std::vector<InstructionSet> sets() {
  std::vector<InstructionSet> here;
  for (InstructionSet set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512})
    if (supported(set)) here.push_back(set);
  return here;
}

std::function<void()> table(InstructionSet set, float* out, const xl::PositionalEncodingOptions& options) {
  return [=] {
    xl::kernels::set_instruction_set(set);
    xl::positional_encoding({out, static_cast<std::size_t>(options.length * options.d_model)}, options);
  };
}

#if defined(__x86_64__)
// GCC 12 takes the undefined operand inside its own AVX-512 intrinsics for an uninitialised variable.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
// One number that the compiler knows nothing about, made floats again and again.
__attribute__((target("avx2,fma"))) void conversions_avx2(float* out, std::int64_t rows, std::int64_t columns) {
  __m256d x = _mm256_setzero_pd();
  for (std::int64_t row = 0; row < rows; row += 16)
    for (std::int64_t column = 0; column < columns; column += 16)
      for (std::int64_t i = row; i < std::min(row + 16, rows); ++i) {
        float* to = out + i * columns + column;
        for (int j = 0; j < 16; j += 4) {
          asm volatile("" : "+x"(x));
          _mm_storeu_ps(to + j, _mm256_cvtpd_ps(x));
        }
      }
}
// The same with the kernel's multiply-adds, six at a time, from numbers that are there already.
__attribute__((target("avx2,fma"))) void multiply_adds_avx2(float* out, std::int64_t rows, std::int64_t columns) {
  __m256d k = _mm256_set1_pd(1.5), x[6], other[6];
  asm volatile("" : "+x"(k));
  for (int j = 0; j < 6; ++j) x[j] = other[j] = _mm256_set1_pd(0.5);
  for (std::int64_t row = 0; row < rows; row += 16)
    for (std::int64_t column = 0; column < columns; column += 24)
      for (std::int64_t i = row; i < std::min(row + 16, rows - 1); i += 2) {
        float* to = out + i * columns + std::min(column, columns - 24);
        for (int j = 0; j < 6; ++j) {
          _mm_storeu_ps(to + 4 * j, _mm256_cvtpd_ps(x[j]));
          other[j] = _mm256_fmsub_pd(k, x[j], other[j]);
        }
        for (int j = 0; j < 6; ++j) {
          _mm_storeu_ps(to + columns + 4 * j, _mm256_cvtpd_ps(other[j]));
          x[j] = _mm256_fmsub_pd(k, other[j], x[j]);
        }
      }
}
__attribute__((target("avx512f,avx512dq"))) void conversions_avx512(float* out, std::int64_t rows,
                                                                    std::int64_t columns) {
  __m512d x = _mm512_setzero_pd();
  for (std::int64_t row = 0; row < rows; row += 32)
    for (std::int64_t column = 0; column < columns; column += 64)
      for (std::int64_t i = row; i < std::min(row + 32, rows); ++i) {
        float* to = out + i * columns + column;
        for (int j = 0; j < 64; j += 16) {
          asm volatile("" : "+v"(x));
          const __m512 low = _mm512_castps256_ps512(_mm512_cvtpd_ps(x));
          asm volatile("" : "+v"(x));
          _mm512_storeu_ps(to + j, _mm512_insertf32x8(low, _mm512_cvtpd_ps(x), 1));
        }
      }
}
#endif

#ifdef XLAYERS_BENCH_TORCH
torch::Tensor torch_table(std::int64_t length, std::int64_t d_model) {
  const auto doubles = torch::dtype(torch::kFloat64);
  const torch::Tensor position = torch::arange(length, doubles).unsqueeze(1);
  const torch::Tensor rate = torch::exp(torch::arange(0, d_model, 2, doubles) * (-std::log(10000.0) / double(d_model)));
  const torch::Tensor angle = position * rate;
  return torch::stack({torch::sin(angle), torch::cos(angle)}, -1).reshape({length, d_model}).to(torch::kFloat32);
}
#endif

void in_the_caches(int rounds) {
  constexpr std::int64_t rows = 5000, columns = 512;
  const Floats out = floats(rows * columns);
  float* to = out.get();
  xl::set_num_threads(1);
  std::vector<Contender> contenders{{"memset", [=] { fill(to, rows * columns, 1); }}};
  for (InstructionSet set : sets())
    for (const std::string layout : {"interleaved", "halves"})
      contenders.push_back({std::string(to_string(set)) + " " + layout,
                            table(set, to, {.length = rows, .d_model = columns, .layout = layout})});
#if defined(__x86_64__)
  if (supported(InstructionSet::avx2)) {
    contenders.push_back({"conversions avx2", [=] { conversions_avx2(to, rows, columns); }});
    contenders.push_back({"conversions, multiply-adds avx2", [=] { multiply_adds_avx2(to, rows, columns); }});
  }
  if (supported(InstructionSet::avx512))
    contenders.push_back({"conversions avx512", [=] { conversions_avx512(to, rows, columns); }});
#endif
  compare("5000 x 512, one thread; memory in the caches", contenders, rounds);

#ifdef XLAYERS_BENCH_TORCH
  torch::set_num_threads(1);
  std::vector<Contender> formula{{"libtorch, doubles", [] { torch_table(rows, columns); }}};
  for (InstructionSet set : sets())
    formula.push_back({to_string(set), table(set, to, {.length = rows, .d_model = columns})});
  compare("5000 x 512, one thread; beside libtorch", formula, std::min(rounds, 15));
#endif
}

void beyond_the_caches(int rounds) {
  constexpr std::int64_t rows = 200'000, columns = 1024, half = rows * columns / 2;
  const Floats out = floats(rows * columns);
  float* to = out.get();
  xl::set_num_threads(2);
  std::vector<Contender> contenders{
      {"memset", [=] { xl::parallel_for(2, [=](std::int64_t i, int) { fill(to + i * half, half, 1); }); }}};
  for (InstructionSet set : sets())
    contenders.push_back({to_string(set), table(set, to, {.length = rows, .d_model = columns})});
  compare("200,000 x 1024, two threads; 819 MB", contenders, std::min(rounds, 9));
}

void one_row(int rounds) {
  constexpr std::int64_t columns = 512;
  const Floats out = floats(columns);
  float* to = out.get();
  xl::set_num_threads(1);
  std::vector<Contender> contenders;
  for (InstructionSet set : sets())
    for (const std::int64_t position : {0, 10'000, 10'000'000})
      contenders.push_back({std::string(to_string(set)) + " at " + std::to_string(position),
                            table(set, to, {.start = position, .length = 1, .d_model = columns})});
  compare("one row of 512", contenders, 50 * rounds);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 101;
  in_the_caches(rounds);
  one_row(rounds);
  beyond_the_caches(rounds);
}
