#include "xlayers/framework/kernels/vector.hpp"

#include "xlayers/framework/kernels/long_sums.hpp"
#include "xlayers/framework/kernels/table.hpp"

namespace xl::kernels {

void add(std::int64_t n, const float* x, float* y) { table().add(n, x, y); }
void axpy(std::int64_t n, float a, const float* x, float* y) { table().axpy(n, a, x, y); }
void scale(std::int64_t n, float a, float* y) { table().scale(n, a, y); }
void fill(std::int64_t n, float value, float* y) { table().fill(n, value, y); }

double sum(std::int64_t n, const float* x) { return table().sum(n, x); }
double sum_of_absolutes(std::int64_t n, const float* x) { return table().sum_of_absolutes(n, x); }
double sum_of_squares(std::int64_t n, const float* x) { return table().sum_of_squares(n, x); }
double sum_of_absolute_differences(std::int64_t n, const float* a, const float* b) {
  return table().sum_of_absolute_differences(n, a, b);
}
double sum_of_squared_differences(std::int64_t n, const float* a, const float* b) {
  return table().sum_of_squared_differences(n, a, b);
}

void column_sums(std::int64_t rows, std::int64_t columns, std::int64_t row_stride, const float* x, float* out,
                 bool accumulate) {
  table().column_sums(rows, columns, row_stride, x, out, accumulate);
}
void move_to_doubles(std::int64_t n, float* x, double* total) { table().move_to_doubles(n, x, total); }

void sgd_update(std::int64_t n, float rate, const float* g, float* w) { table().sgd_update(n, rate, g, w); }

void sgd_momentum_update(std::int64_t n, float rate, float momentum, bool nesterov, const float* g, float* v,
                         float* w) {
  table().sgd_momentum_update(n, rate, momentum, nesterov, g, v, w);
}

void adam_update(std::int64_t n, const AdamStep& step, const float* g, float* m, float* v, float* v_hat, float* w) {
  table().adam_update(n, step, g, m, v, v_hat, w);
}

void rmsprop_update(std::int64_t n, const RmspropStep& step, const float* g, float* v, float* m, float* a, float* w) {
  table().rmsprop_update(n, step, g, v, m, a, w);
}

}  // namespace xl::kernels
