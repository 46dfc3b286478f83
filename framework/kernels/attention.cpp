#include "xlayers/framework/kernels/attention.hpp"

#include "xlayers/framework/kernels/table.hpp"

namespace xl::kernels {

void attention_softmax(const AttentionRows& of, float* s) { table().attention_softmax(of, s); }
void attention_softmax_backward(const AttentionRows& of, const float* p, std::int64_t p_stride, float* dp) {
  table().attention_softmax_backward(of, p, p_stride, dp);
}

}  // namespace xl::kernels
