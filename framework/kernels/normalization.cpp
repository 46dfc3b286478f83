#include "xlayers/framework/kernels/normalization.hpp"

#include "xlayers/framework/kernels/table.hpp"

namespace xl::kernels {

void normalize(const Normalization& call, const float* x, float* y, float* statistics) {
  table().normalize(call, x, y, statistics);
}

void normalize_backward(const Normalization& call, const float* x, const float* statistics, const float* dy, float* dx,
                        float* dscale, float* doffset) {
  table().normalize_backward(call, x, statistics, dy, dx, dscale, doffset);
}

}  // namespace xl::kernels
