#include "xlayers/framework/kernels/gemm.hpp"

#include "xlayers/framework/kernels/table.hpp"

namespace xl::kernels {

void gemm(const Gemm& product) { table().gemm(product); }
void transpose(std::int64_t rows, std::int64_t columns, const float* from, std::int64_t from_row, float* to) {
  table().transpose(rows, columns, from, from_row, to);
}

}  // namespace xl::kernels
