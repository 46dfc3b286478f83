#pragma once

// The sinusoidal table, three levels of recurrence deep:
//
//   every `anchor_rows` rows    sine and cosine are computed from the position, to double precision
//   every `segment` rows        they are rotated on:  (s, c) <- (s C + c S, c C - s S),
//                               with (S, C) the sine and cosine of `segment` positions
//   every row within a segment  x[p + 1] = k x[p] - x[p - 1] with k = 2 cos(one position), for sines and cosines
//                               alike: one multiply-add for a number of the table, all in registers, and in the
//                               order of the columns, so that nothing is shuffled
//
// A rounding error of 2^-54 made n rows ago has grown to at most n 2^-54, so a segment adds less than
// segment^2 2^-54, and the rotations 32 times 2^-52: together below 2^-43, where a float near 1 is rounded by
// 2^-25 and one near 2^-16 by 2^-40.
//
// What 64 bytes of the table cost, in vector instructions, and in loads and stores:
//
//                              AVX-512          AVX2             SSE2
//   a row                      2 multiply-adds  4 multiply-adds  8 multiplications, 8 subtractions
//                              2 conversions    4 conversions    8 conversions
//                              1 insert                          4 shuffles
//                              1 store          4 stores         4 stores
//   start of a segment,        0.4 arithmetic   1.6 arithmetic   3.3 arithmetic
//   shared out over its rows   0.2 shuffles     1.5 shuffles     1.5 shuffles
//                              0.2 loads        0.8 loads        1.5 loads
//                              0.1 stores       0.5 stores       1.0 stores
//
// A conversion of doubles to floats of half the width is two operations, and they share the pipes with the
// multiply-adds. On a Zen 5 core, where memset takes 0.46 ns for 64 bytes in the caches, a loop of AVX2's conversions
// and stores alone takes 1.45 times that, and with the multiply-adds 1.98 times (bench/table_bench.cpp measures
// both): no table of doubles by AVX2 gets below that, and the starts of segments make it 2.5. AVX-512 has half of
// everything, and gets to 1.65.
// SSE2, with twice as much of everything and no multiply-add, is bound by its arithmetic at any size: 5.8 times memset
// in the caches, and still 1.9 times past them, where the others wait for the memory.

#include "xlayers/framework/kernels/impl/sine_cosine.hpp"
#include "xlayers/framework/kernels/sinusoids.hpp"

namespace xl::kernels::XL_KERNELS {

constexpr std::int64_t segment = registers >= 32 ? 32 : 16;
constexpr std::int64_t anchor_rows = 32 * segment;
constexpr int pair_width = static_cast<int>(Double::size);
/// Vectors of pairs that go down a segment together: as many as the registers hold, four each, since a row waits
/// for the multiply-add of the row before. Past the caches they make whole lines.
template <bool stream>
constexpr int tile_vectors = registers >= 32 ? 4
                             : stream        ? 8 / pair_width
                                             : 3;

/// Two vectors of numbers that stand one after the other in a row of the table: `pair_width` pairs.
struct Columns {
  Double low, high;
};

/// s0 c0 s1 c1 ...
XL_INLINE Columns interleave(const Double& s, const Double& c) {
#if XSIMD_WITH_AVX512BW
  return {Double(_mm512_permutex2var_pd(s, _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), c)),
          Double(_mm512_permutex2var_pd(s, _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15), c))};
#elif XSIMD_WITH_FMA3_AVX2
  const __m256d even = _mm256_unpacklo_pd(s, c), odd = _mm256_unpackhi_pd(s, c);
  return {Double(_mm256_permute2f128_pd(even, odd, 0x20)), Double(_mm256_permute2f128_pd(even, odd, 0x31))};
#else
  return {xsimd::zip_lo(s, c), xsimd::zip_hi(s, c)};
#endif
}

/// Writes the 2 * pair_width numbers as floats.
template <bool stream>
XL_INLINE void store_columns(float* to, const Columns& x) {
#if XSIMD_WITH_AVX512BW
  const __m512 floats = _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(x.low)), _mm512_cvtpd_ps(x.high), 1);
  if constexpr (stream)
    _mm512_stream_ps(to, floats);
  else
    _mm512_storeu_ps(to, floats);
#elif XSIMD_WITH_FMA3_AVX2
  const __m128 low = _mm256_cvtpd_ps(x.low), high = _mm256_cvtpd_ps(x.high);
  if constexpr (stream) {
    _mm256_stream_ps(to, _mm256_set_m128(high, low));
  } else {
    _mm_storeu_ps(to, low);
    _mm_storeu_ps(to + 4, high);
  }
#elif XSIMD_WITH_SSE2
  const __m128 floats = _mm_movelh_ps(_mm_cvtpd_ps(x.low), _mm_cvtpd_ps(x.high));
  if constexpr (stream)
    _mm_stream_ps(to, floats);
  else
    _mm_storeu_ps(to, floats);
#else
  alignas(64) double lanes[2 * pair_width];
  x.low.store_aligned(lanes);
  x.high.store_aligned(lanes + pair_width);
  for (int i = 0; i < 2 * pair_width; ++i) to[i] = static_cast<float>(lanes[i]);
#endif
}

/// Writes `pair_width` numbers as floats.
template <bool stream>
XL_INLINE void store_half(float* to, const Double& x) {
#if XSIMD_WITH_AVX512BW
  if constexpr (stream)
    _mm256_stream_ps(to, _mm512_cvtpd_ps(x));
  else
    _mm256_storeu_ps(to, _mm512_cvtpd_ps(x));
#elif XSIMD_WITH_FMA3_AVX2
  if constexpr (stream)
    _mm_stream_ps(to, _mm256_cvtpd_ps(x));
  else
    _mm_storeu_ps(to, _mm256_cvtpd_ps(x));
#else
  alignas(64) double lanes[pair_width];
  x.store_aligned(lanes);
  for (int i = 0; i < pair_width; ++i) to[i] = static_cast<float>(lanes[i]);
#endif
}

/// What the range's scratch holds for each vector of pairs: the sines and cosines at the first row of the next
/// segment, of one position, and of `segment` positions. They stand together, so that they are not all in those
/// few sets of the cache where the rows of the table are.
enum Angle { at_row = 0, of_row = 2, of_segment = 4, angles = 6 };

XL_INLINE void store_angle(double* scratch, std::int64_t pair, Angle angle, const SineCosine& x) {
  double* to = scratch + angles * pair + angle * pair_width;
  x.s.store_unaligned(to);
  x.c.store_unaligned(to + pair_width);
}
XL_INLINE SineCosine load_angle(const double* scratch, std::int64_t pair, Angle angle) {
  const double* from = scratch + angles * pair + angle * pair_width;
  return {Double::load_unaligned(from), Double::load_unaligned(from + pair_width)};
}

/// Computes the sines and cosines of all pairs at a position.
XL_INLINE void anchor(const Sinusoids& range, double position, Angle angle) {
  for (std::int64_t i = 0; i < padded_pairs(range.columns); i += pair_width)
    store_angle(range.scratch, i, angle, sine_cosine(position, range.high + i, range.middle + i, range.low + i));
}

/// Goes down `rows` rows of a segment with `vectors` vectors of pairs from pair `first` on, calls
/// write(row, vector, columns) for each, `row` being the address of the row, and leaves the state at the next segment.
template <int vectors, bool halves, class Write>
XL_INLINE void go_down(double* scratch, std::int64_t first, std::int64_t rows, float* row, std::int64_t row_size,
                       Write write) {
  const auto columns = [](const Double& s, const Double& c) XL_LAMBDA_INLINE {
    return halves ? Columns{s, c} : interleave(s, c);
  };
  Columns x[vectors], other[vectors];  // the row at hand, and the one before it
  alignas(64) double k[vectors][2 * pair_width];
  XL_UNROLL
  for (int v = 0; v < vectors; ++v) {
    const std::int64_t i = first + v * pair_width;
    const auto [s, c] = load_angle(scratch, i, at_row);
    const auto [sr, cr] = load_angle(scratch, i, of_row);
    const auto [ss, cs] = load_angle(scratch, i, of_segment);
    store_angle(scratch, i, at_row, {s * cs + c * ss, c * cs - s * ss});
    x[v] = columns(s, c);
    other[v] = columns(s * cr - c * sr, c * cr + s * sr);  // rotated back by one position
    const Columns twice = columns(cr + cr, cr + cr);
    twice.low.store_aligned(k[v]);
    twice.high.store_aligned(k[v] + pair_width);
  }
  // The row after `at` takes the place of the row before it; two rows a turn, so that nothing is moved.
  const auto advance = [&k](int v, const Columns& at, Columns& before) XL_LAMBDA_INLINE {
    before.low = xsimd::fms(Double::load_aligned(k[v]), at.low, before.low);
    before.high = xsimd::fms(Double::load_aligned(k[v] + pair_width), at.high, before.high);
  };
  for (; rows > 1; rows -= 2, row += 2 * row_size) {
    XL_UNROLL
    for (int v = 0; v < vectors; ++v) {
      write(row, v, x[v]);
      advance(v, x[v], other[v]);
    }
    XL_UNROLL
    for (int v = 0; v < vectors; ++v) {
      write(row + row_size, v, other[v]);
      advance(v, other[v], x[v]);
    }
  }
  if (rows == 0) return;
  XL_UNROLL
  for (int v = 0; v < vectors; ++v) write(row, v, x[v]);
}

template <bool halves, bool stream>
XL_INLINE void sinusoid_segment(const Sinusoids& range, float* out, std::int64_t rows) {
  const std::int64_t columns = range.columns, sines = (columns + 1) / 2, cosines = columns / 2;
  // Vectors all of whose pairs have a sine and a cosine.
  const std::int64_t whole = cosines / pair_width * pair_width;
  const auto write = [=](float* to, int v, const Columns& x) XL_LAMBDA_INLINE {
    if constexpr (halves) {
      store_half<stream>(to + v * pair_width, x.low);
      store_half<stream>(to + sines + v * pair_width, x.high);
    } else {
      store_columns<stream>(to + 2 * v * pair_width, x);
    }
  };
  constexpr int tile = tile_vectors<stream>, step = halves ? 1 : 2;
  std::int64_t pair = 0;
  for (; pair + tile * pair_width <= whole; pair += tile * pair_width)
    go_down<tile, halves>(range.scratch, pair, rows, out + step * pair, columns, write);
  for (; pair < whole; pair += pair_width)
    go_down<1, halves>(range.scratch, pair, rows, out + step * pair, columns, write);
  if (pair == sines) return;
  // The last vector is not whole: it goes through a buffer.
  const auto write_some = [=](float* to, int, const Columns& x) XL_LAMBDA_INLINE {
    alignas(64) float buffer[2 * pair_width];
    store_columns<false>(buffer, x);
    if constexpr (halves) {
      for (std::int64_t i = pair; i < sines; ++i) to[i] = buffer[i - pair];
      for (std::int64_t i = pair; i < cosines; ++i) to[sines + i] = buffer[pair_width + i - pair];
    } else {
      for (std::int64_t j = 2 * pair; j < columns; ++j) to[j] = buffer[j - 2 * pair];
    }
  };
  go_down<1, halves>(range.scratch, pair, rows, out, columns, write_some);
}

/// True if every store of the table begins at a multiple of its own size.
XL_INLINE bool can_stream(const Sinusoids& range) {
  const std::int64_t bytes = (range.halves ? 1 : 2) * pair_width * static_cast<std::int64_t>(sizeof(float));
  const auto aligned = [bytes](std::int64_t offset) XL_LAMBDA_INLINE { return offset % bytes == 0; };
  return range.stream && pair_width > 1 &&
         aligned(static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(range.out))) &&
         aligned(range.columns * 4) && (!range.halves || aligned((range.columns + 1) / 2 * 4)) &&
         (!range.halves || pair_width > 2);
}

inline void sinusoids(const Sinusoids& range) {
  const bool stream = can_stream(range);
  if (range.rows > 1) anchor(range, 1.0, of_row);
  if (range.rows > segment) anchor(range, static_cast<double>(segment), of_segment);
  for (std::int64_t row = 0; row < range.rows; row += segment) {
    if (row % anchor_rows == 0) anchor(range, static_cast<double>(range.start + row), at_row);
    const std::int64_t rows = smaller(segment, range.rows - row);
    float* out = range.out + row * range.columns;
    if (range.halves && stream)
      sinusoid_segment<true, true>(range, out, rows);
    else if (range.halves)
      sinusoid_segment<true, false>(range, out, rows);
    else if (stream)
      sinusoid_segment<false, true>(range, out, rows);
    else
      sinusoid_segment<false, false>(range, out, rows);
  }
#if XSIMD_WITH_SSE2
  if (stream) _mm_sfence();
#endif
}

}  // namespace xl::kernels::XL_KERNELS
