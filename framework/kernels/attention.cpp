#include "xlayers/framework/kernels/attention.hpp"

#include "xlayers/framework/kernels/table.hpp"

namespace xl::kernels {

void attention_softmax(const AttentionRows& of, float* s) { table().attention_softmax(of, s); }
void attention_softmax_block(const AttentionRows& of, const RunningSoftmax& running, float* s) {
  table().attention_softmax_block(of, running, s);
}
void attention_probabilities(const AttentionRows& of, const float* largest, const float* share, float* s) {
  table().attention_probabilities(of, largest, share, s);
}
void attention_softmax_backward(const AttentionRows& of, const float* p, std::int64_t p_stride, const float* mean,
                                float* dp) {
  table().attention_softmax_backward(of, p, p_stride, mean, dp);
}
void row_products(std::int64_t rows, std::int64_t columns, const float* a, std::int64_t a_row, const float* b,
                  std::int64_t b_row, bool add, float* sums) {
  table().row_products(rows, columns, a, a_row, b, b_row, add, sums);
}

}  // namespace xl::kernels
