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

#include "xlayers/framework/kernels/impl/simd.hpp"
#include "xlayers/framework/kernels/sinusoids.hpp"

namespace xl::kernels::XL_KERNELS {

constexpr std::int64_t segment = registers >= 32 ? 32 : 16;
constexpr std::int64_t anchor_rows = 32 * segment;
constexpr int pair_width = static_cast<int>(Double::size);
/// Vectors of pairs that go down a segment together: as many as the registers hold, four each, since a row waits
/// for the multiply-add of the row before. Past the caches they make whole lines.
template <bool stream>
constexpr int tile_vectors = registers >= 32 ? 4 : stream ? 8 / pair_width : 3;

struct SineCosine {
  Double s, c;
};

/// Exact for |x| < 2^51: the sum has no bits left behind the point.
XL_INLINE Double round_to_integer(const Double& x) {
  const Double magic(6755399441055744.0);  // 1.5 * 2^52
  return (x + magic) - magic;
}

/// sin and cos of 2 pi t, for the turns t = p (high + middle + low).
///
/// The whole turns of p high are dropped exactly; what is left, f in [-1/2, 1/2], is cut into quarters: with q the
/// nearest of -2 ... 2 to 4 f, x = 2 pi (f - q / 4) lies in [-pi/4, pi/4], where two polynomials (those of fdlibm)
/// are precise to 2^-58.
XL_INLINE SineCosine sine_cosine(double p, const double* high, const double* middle, const double* low) {
  const Double position(p);
  const Double a = position * Double::load_unaligned(high);
  const Double b = position * Double::load_unaligned(middle);
  const Double c = position * Double::load_unaligned(low);
  Double f = (a - round_to_integer(a)) + (b + c);
  f = f - round_to_integer(f);
  const Double q = round_to_integer(f * Double(4.0));
  const Double x = (f - q * Double(0.25)) * Double(6.283185307179586476925287);
  const Double z = x * x;

  Double sine(1.58969099521155010221e-10);
  sine = sine * z + Double(-2.50507602534068634195e-08);
  sine = sine * z + Double(2.75573137070700676789e-06);
  sine = sine * z + Double(-1.98412698298579493134e-04);
  sine = sine * z + Double(8.33333333332248946124e-03);
  sine = sine * z + Double(-1.66666666666666324348e-01);
  sine = x + x * (z * sine);

  Double cosine(-1.13596475577881948265e-11);
  cosine = cosine * z + Double(2.08757232129817482790e-09);
  cosine = cosine * z + Double(-2.75573143513906633035e-07);
  cosine = cosine * z + Double(2.48015872894767294178e-05);
  cosine = cosine * z + Double(-1.38888888888741095749e-03);
  cosine = cosine * z + Double(4.16666666666666019037e-02);
  cosine = Double(1.0) - (z * Double(0.5) - z * z * cosine);

  // A quarter turn on: (s, c) becomes (c, -s); half a turn: (-s, -c); a quarter back: (-c, s).
  const Double quarters = xsimd::abs(q);
  const auto odd = quarters == Double(1.0);
  const auto half = quarters == Double(2.0);
  const Double sign_s = xsimd::select(xsimd::bitwise_or(half, q == Double(-1.0)), Double(-1.0), Double(1.0));
  const Double sign_c = xsimd::select(xsimd::bitwise_or(half, q == Double(1.0)), Double(-1.0), Double(1.0));
  return {sign_s * xsimd::select(odd, cosine, sine), sign_c * xsimd::select(odd, sine, cosine)};
}

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
  const __m512 floats =
      _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(x.low)), _mm512_cvtpd_ps(x.high), 1);
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

/// The state of the table between segments, in the range's scratch: six arrays, one number a pair.
struct SinusoidState {
  double *s, *c;                        // at the first row of the segment
  double *s_row, *c_row;                // of one position
  double *s_segment, *c_segment;        // of `segment` positions
};

XL_INLINE SinusoidState sinusoid_state(const Sinusoids& range) {
  const std::int64_t n = padded_pairs(range.columns);
  double* at = range.scratch;
  return {at, at + n, at + 2 * n, at + 3 * n, at + 4 * n, at + 5 * n};
}

XL_INLINE void anchor(const Sinusoids& range, double position, double* s, double* c) {
  for (std::int64_t i = 0; i < padded_pairs(range.columns); i += pair_width) {
    const SineCosine at = sine_cosine(position, range.high + i, range.middle + i, range.low + i);
    at.s.store_unaligned(s + i);
    at.c.store_unaligned(c + i);
  }
}

/// Goes down `rows` rows of a segment with `vectors` vectors of pairs from pair `first` on, calls
/// write(row, vector, columns) for each, `row` being the address of the row, and leaves the state at the next segment.
template <int vectors, bool halves, class Write>
XL_INLINE void go_down(const SinusoidState& state, std::int64_t first, std::int64_t rows, float* row,
                       std::int64_t row_size, Write write) {
  const auto columns = [](const Double& s, const Double& c)
                           XL_LAMBDA_INLINE { return halves ? Columns{s, c} : interleave(s, c); };
  Columns x[vectors], other[vectors];  // the row at hand, and the one before it
  alignas(64) double k[vectors][2 * pair_width];
  XL_UNROLL
  for (int v = 0; v < vectors; ++v) {
    const std::int64_t i = first + v * pair_width;
    const Double s = Double::load_unaligned(state.s + i), c = Double::load_unaligned(state.c + i);
    const Double sr = Double::load_unaligned(state.s_row + i), cr = Double::load_unaligned(state.c_row + i);
    x[v] = columns(s, c);
    other[v] = columns(s * cr - c * sr, c * cr + s * sr);  // rotated back by one position
    const Columns twice = columns(cr + cr, cr + cr);
    twice.low.store_aligned(k[v]);
    twice.high.store_aligned(k[v] + pair_width);
    const Double ss = Double::load_unaligned(state.s_segment + i);
    const Double cs = Double::load_unaligned(state.c_segment + i);
    (s * cs + c * ss).store_unaligned(state.s + i);
    (c * cs - s * ss).store_unaligned(state.c + i);
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
XL_INLINE void sinusoid_segment(const Sinusoids& range, const SinusoidState& state, float* out,
                                std::int64_t rows) {
  const std::int64_t columns = range.columns, sines = (columns + 1) / 2, cosines = columns / 2;
  // Vectors all of whose pairs have a sine and a cosine.
  const std::int64_t whole = cosines / pair_width * pair_width;
  const auto write = [sines](float* to, int v, const Columns& x) XL_LAMBDA_INLINE {
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
    go_down<tile, halves>(state, pair, rows, out + step * pair, columns, write);
  for (; pair < whole; pair += pair_width)
    go_down<1, halves>(state, pair, rows, out + step * pair, columns, write);
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
  go_down<1, halves>(state, pair, rows, out, columns, write_some);
}

/// True if every store of the table begins at a multiple of its own size.
XL_INLINE bool can_stream(const Sinusoids& range) {
  const std::int64_t bytes = (range.halves ? 1 : 2) * pair_width * static_cast<std::int64_t>(sizeof(float));
  const auto aligned = [bytes](std::int64_t offset) XL_LAMBDA_INLINE { return offset % bytes == 0; };
  return range.stream && pair_width > 1 && aligned(static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(range.out))) &&
         aligned(range.columns * 4) && (!range.halves || aligned((range.columns + 1) / 2 * 4)) &&
         (!range.halves || pair_width > 2);
}

inline void sinusoids(const Sinusoids& range) {
  const SinusoidState state = sinusoid_state(range);
  const bool stream = can_stream(range);
  if (range.rows > 1) anchor(range, 1.0, state.s_row, state.c_row);
  if (range.rows > segment) anchor(range, static_cast<double>(segment), state.s_segment, state.c_segment);
  for (std::int64_t row = 0; row < range.rows; row += segment) {
    if (row % anchor_rows == 0) anchor(range, static_cast<double>(range.start + row), state.s, state.c);
    const std::int64_t rows = smaller(segment, range.rows - row);
    float* out = range.out + row * range.columns;
    if (range.halves && stream)
      sinusoid_segment<true, true>(range, state, out, rows);
    else if (range.halves)
      sinusoid_segment<true, false>(range, state, out, rows);
    else if (stream)
      sinusoid_segment<false, true>(range, state, out, rows);
    else
      sinusoid_segment<false, false>(range, state, out, rows);
  }
#if XSIMD_WITH_SSE2
  if (stream) _mm_sfence();
#endif
}

}  // namespace xl::kernels::XL_KERNELS
