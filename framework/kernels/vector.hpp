#pragma once

#include <cstdint>

namespace xl::kernels {

// The flat loops of training. n is a number of floats; all arrays are contiguous. One thread, no
// allocation. The order of every sum depends on the sizes alone.

/// y = y + x.
void add(std::int64_t n, const float* x, float* y);
/// y = a x + y.
void axpy(std::int64_t n, float a, const float* x, float* y);
/// y = a y.
void scale(std::int64_t n, float a, float* y);
/// y = value.
void fill(std::int64_t n, float value, float* y);

/// The sum of x, of |x|, of x^2, of |a - b|, of (a - b)^2, each added up in double.
double sum(std::int64_t n, const float* x);
double sum_of_absolutes(std::int64_t n, const float* x);
double sum_of_squares(std::int64_t n, const float* x);
double sum_of_absolute_differences(std::int64_t n, const float* a, const float* b);
double sum_of_squared_differences(std::int64_t n, const float* a, const float* b);

/// out[j] = (accumulate ? out[j] : 0) + sum_i x[i, j], where row i of x starts at x + i *
/// row_stride. The gradient of a bias.
void column_sums(std::int64_t rows, std::int64_t columns, std::int64_t row_stride, const float* x, float* out,
                 bool accumulate);

/// w = w - rate g.
void sgd_update(std::int64_t n, float rate, const float* g, float* w);

/// v = momentum v - rate g, then w = w + v, or with `nesterov` w = w + momentum v - rate g.
void sgd_momentum_update(std::int64_t n, float rate, float momentum, bool nesterov, const float* g, float* v, float* w);

/// One step of Adam (Kingma, Ba 2015), as Keras computes it.
struct AdamStep {
  float alpha;             ///< rate * sqrt(1 - beta_2^t) / (1 - beta_1^t)
  float one_minus_beta_1;  ///< 1 - beta_1
  float one_minus_beta_2;  ///< 1 - beta_2
  float epsilon;
};

/// m = m + (1 - beta_1) (g - m), v = v + (1 - beta_2) (g^2 - v), w = w - alpha m / (sqrt(v) +
/// epsilon). If `v_hat` is not null (amsgrad), v_hat = max(v_hat, v) stands in the place of v in
/// the last.
void adam_update(std::int64_t n, const AdamStep& step, const float* g, float* m, float* v, float* v_hat, float* w);

/// One step of RMSprop (Hinton 2012), as Keras computes it.
struct RmspropStep {
  float rate;
  float rho;
  float one_minus_rho;
  float momentum;
  float epsilon;
};

/// v = rho v + (1 - rho) g^2, w = w - rate g / sqrt(v + epsilon). If `m` is not null (momentum),
/// m = momentum m + rate g / sqrt(v + epsilon), w = w - m. If `a` is not null (centered),
/// a = rho a + (1 - rho) g, and the variance max(v - a^2, 0) stands in the place of v in the root.
void rmsprop_update(std::int64_t n, const RmspropStep& step, const float* g, float* v, float* m, float* a, float* w);

}  // namespace xl::kernels
