#pragma once

// The vector type that all kernels are written with.
//
// Each instruction set's translation unit defines XL_KERNELS (baseline, avx2 or avx512) before it
// includes these headers. All code stands in namespace xl::kernels::XL_KERNELS, and xsimd itself is
// renamed to xsimd_baseline, xsimd_avx2 or xsimd_avx512: so no inline function compiled for a wide
// instruction set can take the place of its narrow namesake when the program is linked. For the
// same reason the kernels call no function template of namespace std.

#include <cstdint>

#ifndef XL_KERNELS
#error "define XL_KERNELS before including the kernels' implementation"
#endif

// GCC 12 takes the undefined operand inside its own AVX-512 intrinsics for an uninitialised
// variable.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#define XL_JOIN_TOKENS(a, b) a##b
#define XL_JOIN(a, b) XL_JOIN_TOKENS(a, b)
#define xsimd XL_JOIN(xsimd_, XL_KERNELS)
#include <xsimd/xsimd.hpp>

#define XL_INLINE inline __attribute__((always_inline))
#define XL_LAMBDA_INLINE __attribute__((always_inline))
#if defined(__clang__)
#define XL_UNROLL _Pragma("unroll")
#else
#define XL_UNROLL _Pragma("GCC unroll 32")
#endif

namespace xl::kernels::XL_KERNELS {

#if XSIMD_WITH_AVX512BW
using Arch = xsimd::avx512bw;
constexpr int registers = 32;
#elif XSIMD_WITH_FMA3_AVX2
using Arch = xsimd::fma3<xsimd::avx2>;
constexpr int registers = 16;
#elif XSIMD_WITH_NEON64
using Arch = xsimd::neon64;
constexpr int registers = 32;
#else
using Arch = xsimd::default_arch;
constexpr int registers = 16;
#endif

using Batch = xsimd::batch<float, Arch>;
using Double = xsimd::batch<double, Arch>;
using Int = xsimd::batch<std::int32_t, Arch>;
using Mask = xsimd::batch_bool<float, Arch>;

/// Floats in a vector.
constexpr int width = static_cast<int>(Batch::size);

XL_INLINE Batch load(const float* from) { return Batch::load_unaligned(from); }
XL_INLINE void store(float* to, const Batch& x) { x.store_unaligned(to); }

/// The first `count` floats (0 <= count < width) at `from`, zeros behind them. Reads no others.
XL_INLINE Batch load_partial(const float* from, int count) {
#if XSIMD_WITH_AVX512BW
  return Batch(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1u), from));
#elif XSIMD_WITH_FMA3_AVX2
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return Batch(_mm256_maskload_ps(from, _mm256_cmpgt_epi32(_mm256_set1_epi32(count), lane)));
#else
  alignas(64) float lanes[width] = {};
  for (int i = 0; i < count; ++i) lanes[i] = from[i];
  return Batch::load_aligned(lanes);
#endif
}

/// Writes the first `count` floats (0 <= count < width) of `x`, and no others.
XL_INLINE void store_partial(float* to, const Batch& x, int count) {
#if XSIMD_WITH_AVX512BW
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1u), x);
#elif XSIMD_WITH_FMA3_AVX2
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  _mm256_maskstore_ps(to, _mm256_cmpgt_epi32(_mm256_set1_epi32(count), lane), x);
#else
  alignas(64) float lanes[width];
  x.store_aligned(lanes);
  for (int i = 0; i < count; ++i) to[i] = lanes[i];
#endif
}

/// max(x, 0), and NaN for NaN: x86's max returns its second operand when one is NaN.
XL_INLINE Batch relu(const Batch& x) { return xsimd::max(Batch(0.0f), x); }

constexpr std::int64_t smaller(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
constexpr std::int64_t larger(std::int64_t a, std::int64_t b) { return a < b ? b : a; }
constexpr std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Four floats, for what is done within 128 bits: transposing and adding up lanes.
using Quad = float __attribute__((vector_size(16)));
using QuadBits = std::int32_t __attribute__((vector_size(16)));

/// A Part at any address. (An alias with an alignment of its own would not do: clang takes `using` without its attributes.)
template <class Part>
XL_INLINE Part load_part(const void* from) {
  Part part;
  __builtin_memcpy(&part, from, sizeof(part));
  return part;
}
XL_INLINE Quad load_quad(const float* from) { return load_part<Quad>(from); }
XL_INLINE void store_quad(float* to, Quad x) { __builtin_memcpy(to, &x, sizeof(x)); }

/// Makes the columns of the 4 x 4 matrix with rows a, b, c, d its rows.
XL_INLINE void transpose(Quad& a, Quad& b, Quad& c, Quad& d) {
  const Quad ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const Quad ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Quad cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const Quad cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  a = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
  b = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
  c = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
  d = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

/// The sums of lanes i, i + 4, i + 8, ...
XL_INLINE Quad fold(const Batch& x) {
#if XSIMD_WITH_AVX512BW
  const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
  return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
#elif XSIMD_WITH_FMA3_AVX2
  return _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
#else
  alignas(64) float lanes[width];
  x.store_aligned(lanes);
  Quad sum = load_quad(lanes);
  for (int i = 4; i < width; i += 4) sum += load_quad(lanes + i);
  return sum;
#endif
}

}  // namespace xl::kernels::XL_KERNELS
