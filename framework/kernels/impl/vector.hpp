#pragma once

// The flat loops of training.

#include "xlayers/framework/kernels/impl/long_sums.hpp"
#include "xlayers/framework/kernels/vector.hpp"

namespace xl::kernels::XL_KERNELS {

inline void add(std::int64_t n, const float* x, float* y) {
  for_each_vector(n, [=](std::int64_t i, auto lanes)
                         XL_LAMBDA_INLINE { lanes.store(y + i, lanes.load(y + i) + lanes.load(x + i)); });
}

inline void axpy(std::int64_t n, float a, const float* x, float* y) {
  for_each_vector(n, [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
    lanes.store(y + i, xsimd::fma(Batch(a), lanes.load(x + i), lanes.load(y + i)));
  });
}

inline void scale(std::int64_t n, float a, float* y) {
  for_each_vector(
      n, [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE { lanes.store(y + i, Batch(a) * lanes.load(y + i)); });
}

inline void fill(std::int64_t n, float value, float* y) {
  for_each_vector(n, [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE { lanes.store(y + i, Batch(value)); });
}

// A vector of floats as vectors of doubles.
constexpr int doubles = static_cast<int>(Double::size);

// Four running sums of term(i ... i + doubles), over i = 0, doubles, 2 doubles, ..., then the rest
// one by one, then all of them together.
template <class Term, class Last>
XL_INLINE double sum_in_double(std::int64_t n, Term term, Last last) {
  Double sums[4] = {Double(0.0), Double(0.0), Double(0.0), Double(0.0)};
  std::int64_t i = 0;
  for (; i + 4 * doubles <= n; i += 4 * doubles) {
    XL_UNROLL for (int s = 0; s < 4; ++s) sums[s] += term(i + s * doubles);
  }
  alignas(64) double lanes[doubles];
  ((sums[0] + sums[1]) + (sums[2] + sums[3])).store_aligned(lanes);
  double total = 0.0;
  for (int lane = 0; lane < doubles; ++lane) total += lanes[lane];
  for (; i < n; ++i) total += last(i);
  return total;
}

XL_INLINE Double load_doubles(const float* from) {
#if XSIMD_WITH_AVX512BW
  return Double(_mm512_cvtps_pd(_mm256_loadu_ps(from)));
#elif XSIMD_WITH_FMA3_AVX2
  return Double(_mm256_cvtps_pd(_mm_loadu_ps(from)));
#else
  alignas(64) double lanes[doubles];
  for (int i = 0; i < doubles; ++i) lanes[i] = static_cast<double>(from[i]);
  return Double::load_aligned(lanes);
#endif
}

constexpr double absolute(double x) { return x < 0 ? -x : x; }
constexpr double difference(float a, float b) { return static_cast<double>(a) - static_cast<double>(b); }

inline double sum(std::int64_t n, const float* x) {
  return sum_in_double(
      n, [=](std::int64_t i) XL_LAMBDA_INLINE { return load_doubles(x + i); },
      [=](std::int64_t i) XL_LAMBDA_INLINE { return static_cast<double>(x[i]); });
}

inline double sum_of_absolutes(std::int64_t n, const float* x) {
  return sum_in_double(
      n, [=](std::int64_t i) XL_LAMBDA_INLINE { return xsimd::abs(load_doubles(x + i)); },
      [=](std::int64_t i) XL_LAMBDA_INLINE { return absolute(x[i]); });
}

inline double sum_of_squares(std::int64_t n, const float* x) {
  return sum_in_double(
      n,
      [=](std::int64_t i) XL_LAMBDA_INLINE {
        const Double value = load_doubles(x + i);
        return value * value;
      },
      [=](std::int64_t i) XL_LAMBDA_INLINE { return static_cast<double>(x[i]) * x[i]; });
}

inline double sum_of_absolute_differences(std::int64_t n, const float* a, const float* b) {
  return sum_in_double(
      n, [=](std::int64_t i) XL_LAMBDA_INLINE { return xsimd::abs(load_doubles(a + i) - load_doubles(b + i)); },
      [=](std::int64_t i) XL_LAMBDA_INLINE { return absolute(difference(a[i], b[i])); });
}

inline double sum_of_squared_differences(std::int64_t n, const float* a, const float* b) {
  return sum_in_double(
      n,
      [=](std::int64_t i) XL_LAMBDA_INLINE {
        const Double value = load_doubles(a + i) - load_doubles(b + i);
        return value * value;
      },
      [=](std::int64_t i) XL_LAMBDA_INLINE { return difference(a[i], b[i]) * difference(a[i], b[i]); });
}

// Vectors of columns, each a sum over the rows.
template <int Vectors, class Lanes>
XL_INLINE void sum_columns(std::int64_t rows, std::int64_t row_stride, const float* x, float* out, bool accumulate,
                           Lanes lanes) {
  Batch sums[Vectors];
  sum_rows(rows, sums, [=](std::int64_t row, Batch(&sums)[Vectors]) XL_LAMBDA_INLINE {
    XL_UNROLL for (int v = 0; v < Vectors; ++v) sums[v] += lanes.load(x + row * row_stride + v * width);
  });
  XL_UNROLL for (int v = 0; v < Vectors; ++v) {
    float* const to = out + v * width;
    lanes.store(to, accumulate ? lanes.load(to) + sums[v] : sums[v]);
  }
}

inline void column_sums(std::int64_t rows, std::int64_t columns, std::int64_t row_stride, const float* x, float* out,
                        bool accumulate) {
  if (columns == 1 && row_stride == 1) {  // one contiguous column
    const auto total = static_cast<float>(sum(rows, x));
    *out = accumulate ? *out + total : total;
    return;
  }
  std::int64_t j = 0;
  for (; j + 4 * width <= columns; j += 4 * width) {
    sum_columns<4>(rows, row_stride, x + j, out + j, accumulate, Whole{});
  }
  for (; j + width <= columns; j += width) {
    sum_columns<1>(rows, row_stride, x + j, out + j, accumulate, Whole{});
  }
  if (j < columns) {
    sum_columns<1>(rows, row_stride, x + j, out + j, accumulate, Tail{static_cast<int>(columns - j)});
  }
}

// w = w - rate g
inline void sgd_update(std::int64_t n, float rate, const float* g, float* w) {
  for_each_vector(n, [=](std::int64_t i, auto lanes)
                         XL_LAMBDA_INLINE { lanes.store(w + i, lanes.load(w + i) - Batch(rate) * lanes.load(g + i)); });
}

// v = momentum v - rate g,  w = w + v;  nesterov: w = w + momentum v - rate g
inline void sgd_momentum_update(std::int64_t n, float rate, float momentum, bool nesterov, const float* g, float* v,
                                float* w) {
  for_each_vector(n, [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
    const Batch step = Batch(rate) * lanes.load(g + i);
    const Batch velocity = Batch(momentum) * lanes.load(v + i) - step;
    lanes.store(v + i, velocity);
    const Batch move = nesterov ? Batch(momentum) * velocity - step : velocity;
    lanes.store(w + i, lanes.load(w + i) + move);
  });
}

// m = m + (1 - beta_1) (g - m),  v = v + (1 - beta_2) (g^2 - v),  w = w - alpha m / (sqrt(v) +
// epsilon)
inline void adam_update(std::int64_t n, const AdamStep& step, const float* g, float* m, float* v, float* v_hat,
                        float* w) {
  const float alpha = step.alpha, epsilon = step.epsilon;
  const float rest_1 = step.one_minus_beta_1, rest_2 = step.one_minus_beta_2;
  for_each_vector(n, [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
    const Batch gradient = lanes.load(g + i);
    const Batch old_mean = lanes.load(m + i), old_square = lanes.load(v + i);
    const Batch mean = old_mean + (gradient - old_mean) * Batch(rest_1);
    Batch square = old_square + (gradient * gradient - old_square) * Batch(rest_2);
    lanes.store(m + i, mean);
    lanes.store(v + i, square);
    if (v_hat != nullptr) {
      square = xsimd::max(lanes.load(v_hat + i), square);
      lanes.store(v_hat + i, square);
    }
    const Batch move = Batch(alpha) * mean / (xsimd::sqrt(square) + Batch(epsilon));
    lanes.store(w + i, lanes.load(w + i) - move);
  });
}

// v = rho v + (1 - rho) g^2,  w = w - rate g / sqrt(v + epsilon)
// momentum: m = momentum m + rate g / sqrt(v + epsilon),  w = w - m
// centered: a = rho a + (1 - rho) g,  max(v - a^2, 0) for v in the root, since rounding can take v - a^2 below 0
inline void rmsprop_update(std::int64_t n, const RmspropStep& step, const float* g, float* v, float* m, float* a,
                           float* w) {
  const RmspropStep s = step;
  for_each_vector(n, [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
    const Batch gradient = lanes.load(g + i);
    Batch square = Batch(s.rho) * lanes.load(v + i) + Batch(s.one_minus_rho) * gradient * gradient;
    lanes.store(v + i, square);
    if (a != nullptr) {
      const Batch mean = Batch(s.rho) * lanes.load(a + i) + Batch(s.one_minus_rho) * gradient;
      lanes.store(a + i, mean);
      square = xsimd::max(square - mean * mean, Batch(0.0f));
    }
    Batch move = Batch(s.rate) * gradient / xsimd::sqrt(square + Batch(s.epsilon));
    if (m != nullptr) {
      move = Batch(s.momentum) * lanes.load(m + i) + move;
      lanes.store(m + i, move);
    }
    lanes.store(w + i, lanes.load(w + i) - move);
  });
}

}  // namespace xl::kernels::XL_KERNELS
