#include "xlayers/framework/parts/dense_product.hpp"

#include "xlayers/framework/base/checked.hpp"
#include "xlayers/framework/parts/shared_work.hpp"

namespace xl {

// relu and no activation at all happen in the product's registers. Others need z = x W + b: forward keeps
// it if their gradient is a function of z, and else writes y over it.
Memory DenseProduct::memory(std::int64_t rows, std::int64_t units, const ActivationFunction& activation) {
  const std::int64_t z = checked_mul(rows, units);
  return {.saved_per_sample = activation.keeps_input() ? z : 0, .scratch_per_sample = activation.halves() ? z : 0};
}

void DenseProduct::forward(const ForwardCall& call) const {
  float* z = activation.keeps_input() ? call.saved : call.output().data;
  // One product over all samples; or one a sample if each has the same tensor to add.
  const std::int64_t products = call.addend == nullptr ? 1 : call.samples;
  const std::int64_t own = products == 0 ? 0 : rows / products;
  for (std::int64_t i = 0; i < products; ++i)
    product({.m = own,
             .n = units,
             .k = features,
             .a = call.input().data + i * own * features,
             .a_row = features,
             .b = call.weights[0],
             .b_row = units,
             .c = z + i * own * units,
             .c_row = units,
             .bias = use_bias ? call.weights[1] : nullptr,
             .addend = call.addend,
             .addend_row = units,
             .relu = activation.is_relu()});
  if (!activation.fuses()) activate(activation, rows, units, z, call.output().data);
}

void DenseProduct::backward(const BackwardCall& call) const {
  float* dz = call.output_gradient().data;
  if (!activation.is_linear()) {
    const float* dy = dz;
    if (activation.halves()) dz = call.scratch;
    activate_backward(activation, rows, units, call.saved, call.output().data, dy, dz);
  }
  if (float* dW = call.weight_gradient(0))
    product({.m = features,
             .n = units,
             .k = rows,
             .a = call.input().data,
             .a_row = 1,
             .a_col = features,
             .b = dz,
             .b_row = units,
             .c = dW,
             .c_row = units,
             .accumulate = true});
  if (float* db = use_bias ? call.weight_gradient(1) : nullptr) add_column_sums(rows, units, dz, db);
  if (const Block* dx = call.input_gradient())
    product({.m = rows,
             .n = features,
             .k = units,
             .a = dz,
             .a_row = units,
             .b = call.weights[0],
             .b_row = units,
             .b_transposed = true,
             .c = dx->data,
             .c_row = features});
}

}  // namespace xl
