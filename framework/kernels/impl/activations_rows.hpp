#pragma once

// The activation functions of whole rows: softmax, log_softmax, sparsemax, glu.

#include "xlayers/framework/kernels/impl/long_sums.hpp"
#include "xlayers/framework/kernels/impl/math.hpp"

namespace xl::kernels::XL_KERNELS {

constexpr float negative_infinity = -__builtin_inff();

inline float largest_of_row(std::int64_t columns, const float* x) {
  Batch largest(negative_infinity);
  for_each_vector(columns, [&](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
    largest = xsimd::max(largest, lanes.load_or(x + i, negative_infinity));
  });
  return largest_lane(largest);
}

/// y_i = e^(x_i - m) / sum_j e^(x_j - m), m = max x
inline void softmax_row(std::int64_t columns, const float* x, float* y) {
  const Batch largest(largest_of_row(columns, x));
  const double total = sum_of_row(columns, [&](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
    const Batch e = exp(lanes.load_or(x + i, negative_infinity) - largest);
    lanes.store(y + i, e);
    return e;
  });
  const Batch share(1.0f / static_cast<float>(total));
  for_each_vector(columns,
                  [&](std::int64_t i, auto lanes) XL_LAMBDA_INLINE { lanes.store(y + i, lanes.load(y + i) * share); });
}

/// dx_i = y_i (dy_i - sum_j y_j dy_j)
inline void softmax_row_backward(std::int64_t columns, const float* y, const float* dy, float* dx) {
  const double sum = sum_of_row(
      columns, [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE { return lanes.load(y + i) * lanes.load(dy + i); });
  const Batch mean(static_cast<float>(sum));
  for_each_vector(columns, [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
    lanes.store(dx + i, lanes.load(y + i) * (lanes.load(dy + i) - mean));
  });
}

/// y_i = x_i - m - ln sum_j e^(x_j - m), m = max x
inline void log_softmax_row(std::int64_t columns, const float* x, float* y) {
  const Batch largest(largest_of_row(columns, x));
  const double total = sum_of_row(columns, [&](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
    return exp(lanes.load_or(x + i, negative_infinity) - largest);
  });
  const Batch logarithm = xsimd::log(Batch(static_cast<float>(total)));
  for_each_vector(columns, [&](std::int64_t i, auto lanes)
                               XL_LAMBDA_INLINE { lanes.store(y + i, lanes.load(x + i) - largest - logarithm); });
}

/// dx_i = dy_i - e^(y_i) sum_j dy_j
inline void log_softmax_row_backward(std::int64_t columns, const float* y, const float* dy, float* dx) {
  const double sum =
      sum_of_row(columns, [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE { return lanes.load(dy + i); });
  const Batch total(static_cast<float>(sum));
  for_each_vector(columns, [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
    lanes.store(dx + i, lanes.load(dy + i) - exp(lanes.load(y + i)) * total);
  });
}

/// y_i = max(z_i - t, 0), z = x - max x, where t makes the sum of y 1 (Martins, Astudillo 2016).
/// If S is the set of the z that end up above t, then t = (sum of S - 1) / |S|. Every such z is
/// above -1; from there the set is narrowed until it no longer changes (Michelot 1986).
inline void sparsemax_row(std::int64_t columns, const float* x, float* y) {
  const Batch largest(largest_of_row(columns, x));
  float t = -1.0f;
  double size = -1.0;
  for (;;) {
    const Batch above(t);
    const auto in_set = [&](std::int64_t i, auto lanes, const Batch& member) XL_LAMBDA_INLINE {
      const Batch z = lanes.load_or(x + i, negative_infinity) - largest;
      return xsimd::select(z > above, member, Batch(0.0f));
    };
    const double count =
        sum_of_row(columns, [&](std::int64_t i, auto lanes) XL_LAMBDA_INLINE { return in_set(i, lanes, Batch(1.0f)); });
    if (count == size || !(count > 0.0)) break;
    size = count;
    const double total = sum_of_row(columns, [&](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
      return in_set(i, lanes, lanes.load(x + i) - largest);
    });
    const auto next = static_cast<float>((total - 1.0) / size);
    t = next > t ? next : t;
  }
  for_each_vector(columns, [&](std::int64_t i, auto lanes)
                               XL_LAMBDA_INLINE { lanes.store(y + i, relu(lanes.load(x + i) - largest - Batch(t))); });
}

/// dx_i = dy_i - mean of dy over S for i in S = {i: y_i > 0}, else 0
inline void sparsemax_row_backward(std::int64_t columns, const float* y, const float* dy, float* dx) {
  const auto in_set = [=](std::int64_t i, auto lanes, const Batch& member) XL_LAMBDA_INLINE {
    return xsimd::select(lanes.load(y + i) > Batch(0.0f), member, Batch(0.0f));
  };
  const double size =
      sum_of_row(columns, [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE { return in_set(i, lanes, Batch(1.0f)); });
  const double total = sum_of_row(
      columns, [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE { return in_set(i, lanes, lanes.load(dy + i)); });
  const Batch mean(static_cast<float>(total / size));
  for_each_vector(columns, [=](std::int64_t i, auto lanes)
                               XL_LAMBDA_INLINE { lanes.store(dx + i, in_set(i, lanes, lanes.load(dy + i) - mean)); });
}

/// y_i = a_i s_i, s = 1 / (1 + e^-b), where a is the first half of the row x and b the second
inline void glu_row(std::int64_t columns, const float* x, float* y) {
  const float* const a = x;
  const float* const b = x + columns / 2;
  for_each_vector(columns / 2, [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
    lanes.store(y + i, lanes.load(a + i) * sigmoid(lanes.load(b + i)));
  });
}

/// da_i = dy_i s_i,  db_i = dy_i a_i s_i (1 - s_i)
inline void glu_row_backward(std::int64_t columns, const float* x, const float* dy, float* dx) {
  const std::int64_t half = columns / 2;
  for_each_vector(half, [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
    const Batch a = lanes.load(x + i), b = lanes.load(x + half + i);
    const Batch da = lanes.load(dy + i) * sigmoid(b);
    lanes.store(dx + i, da);
    lanes.store(dx + half + i, da * a * sigmoid(-b));
  });
}

}  // namespace xl::kernels::XL_KERNELS
