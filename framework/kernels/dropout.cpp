#include "xlayers/framework/kernels/dropout.hpp"

#include "xlayers/framework/kernels/table.hpp"

namespace xl::kernels {

void dropout(std::int64_t n, const Dropout& call, const float* x, float* y) { table().dropout(n, call, x, y); }

}  // namespace xl::kernels
