#include "xlayers/framework/kernels/gemm.hpp"

#include "xlayers/framework/kernels/table.hpp"

namespace xl::kernels {

void gemm(const Gemm& product) { table().gemm(product); }

}  // namespace xl::kernels
