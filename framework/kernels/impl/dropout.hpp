#pragma once

// Random numbers, and what they drop.

#include "xlayers/framework/kernels/dropout.hpp"
#include "xlayers/framework/kernels/impl/loop.hpp"

namespace xl::kernels::XL_KERNELS {

/// A vector of 64-bit numbers, as wide as one of floats.
constexpr int words = width / 2;
using Words = std::uint64_t __attribute__((vector_size(8 * words)));

/// The 64-bit products of the lower halves of a's numbers with m < 2^32.
XL_INLINE Words multiply_low(Words a, std::uint64_t m) {
#if XSIMD_WITH_AVX512BW
  return (Words)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(static_cast<long long>(m)));
#elif XSIMD_WITH_FMA3_AVX2
  return (Words)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(static_cast<long long>(m)));
#elif XSIMD_WITH_SSE2
  return (Words)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(static_cast<long long>(m)));
#else
  return (a & 0xffffffff) * m;
#endif
}

/// first = a[0], b[0], a[2], b[2], ... and second = a[1], b[1], a[3], b[3], ...
XL_INLINE void zip_pairs(Words a, Words b, Words& first, Words& second) {
#if XSIMD_WITH_AVX512BW
  first = __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14);
  second = __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
#elif XSIMD_WITH_FMA3_AVX2
  first = __builtin_shufflevector(a, b, 0, 4, 2, 6);
  second = __builtin_shufflevector(a, b, 1, 5, 3, 7);
#else
  first = __builtin_shufflevector(a, b, 0, 2);
  second = __builtin_shufflevector(a, b, 1, 3);
#endif
}

constexpr std::int64_t numbers_per_block = 8;  // of 16 bits

/// Philox4x32-10 on several counters at once, as xl::philox4x32: word k of a counter's block is the lower half of a number
/// in block[k]; what is in the upper half never counts. Writes the blocks one after the other, as numbers of 16 bits.
///
/// Lane 2 i holds counter i, and lane 2 i + 1 counter i + words / 2: then the lower lanes of pairs, and the upper ones, are
/// blocks that follow each other.
template <int groups>
XL_INLINE void philox(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter, std::uint16_t* out) {
  const std::uint64_t low = 0xffffffff;
  Words block[groups][4];
  for (int g = 0; g < groups; ++g) {
    Words lanes{};
    for (int i = 0; i < words; ++i) lanes[i] = static_cast<std::uint64_t>(i / 2 + i % 2 * (words / 2));
    const Words number = lanes + (counter + static_cast<std::uint64_t>(g * words));
    block[g][0] = number;
    block[g][1] = number >> 32;
    block[g][2] = Words{} + stream;
    block[g][3] = Words{} + (stream >> 32);
  }
  std::uint64_t key_0 = seed & low, key_1 = seed >> 32;
  for (int round = 0; round < 10; ++round) {
    XL_UNROLL for (int g = 0; g < groups; ++g) {
      Words* x = block[g];
      const Words a = multiply_low(x[0], 0xD2511F53), b = multiply_low(x[2], 0xCD9E8D57);
      x[0] = (b >> 32) ^ x[1] ^ key_0;
      x[1] = b;
      x[2] = (a >> 32) ^ x[3] ^ key_1;
      x[3] = a;
    }
    key_0 = (key_0 + 0x9E3779B9) & low;
    key_1 = (key_1 + 0xBB67AE85) & low;
  }
  for (int g = 0; g < groups; ++g) {
    const Words front = (block[g][0] & low) | block[g][1] << 32, back = (block[g][2] & low) | block[g][3] << 32;
    Words blocks[2];
    zip_pairs(front, back, blocks[0], blocks[1]);
    static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the lower half of a number lies in front");
    __builtin_memcpy(out + g * words * numbers_per_block, blocks, sizeof(blocks));
  }
}

/// A vector of numbers of 16 bits, each in the place of a float.
XL_INLINE Int load_numbers(const std::uint16_t* from) {
#if XSIMD_WITH_AVX512BW
  return Int(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))));
#elif XSIMD_WITH_FMA3_AVX2
  return Int(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
#elif XSIMD_WITH_SSE2
  return Int(_mm_unpacklo_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)), _mm_setzero_si128()));
#else
  alignas(64) std::int32_t lanes[width];
  for (int i = 0; i < width; ++i) lanes[i] = from[i];
  return Int::load_aligned(lanes);
#endif
}

inline void dropout(std::int64_t n, const Dropout& call, const float* x, float* y) {
  constexpr int groups = registers / 8;  // four registers each, and as many for what is between
  constexpr std::int64_t per_block = numbers_per_block, chunk = 8 * groups * words * per_block;
  alignas(64) std::uint16_t numbers[chunk + width] = {};  // with room to load a vector from anywhere
  const Batch dropped(static_cast<float>(call.dropped));
  std::uint64_t counter = call.first / per_block;
  auto skipped = static_cast<std::int64_t>(call.first % per_block);
  for (std::int64_t i = 0; i < n;) {
    const std::int64_t count = smaller(n - i, chunk - skipped);
    for (std::int64_t done = 0; done < skipped + count; done += groups * words * per_block)
      philox<groups>(call.seed, call.stream, counter + static_cast<std::uint64_t>(done / per_block), numbers + done);
    for_each_vector(count, [&](std::int64_t k, auto lanes) XL_LAMBDA_INLINE {
      const Mask drops = xsimd::to_float(load_numbers(numbers + skipped + k)) < dropped;
      lanes.store(y + i + k, xsimd::select(drops, Batch(0.0f), Batch(call.scale) * lanes.load(x + i + k)));
    });
    i += count;
    counter += static_cast<std::uint64_t>(chunk / per_block);
    skipped = 0;
  }
}

}  // namespace xl::kernels::XL_KERNELS
