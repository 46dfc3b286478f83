#include "xlayers/framework/parts/normalization.hpp"

#include <algorithm>

#include "xlayers/framework/base/errors.hpp"

namespace xl {

Shape normalized_shape(const Axes& axes, const Shape& input) {
  const Shape along = RowsAlong(axes, input).along;
  if (!along.known()) throw ShapeError("expected an input whose normalized axes are known, got " + to_string(input));
  return along;
}

NormalizationAlong::NormalizationAlong(const Axes& axes, const Shape& input, const kernels::Normalization& options)
    : sample_(input.sample()), rows_along_(axes, input), options_(options) {}

Memory NormalizationAlong::memory() const {
  const std::int64_t size = sample_.elements(), rows = size / std::max<std::int64_t>(1, rows_along_.along.elements());
  return {.saved_per_sample = 2 * rows, .scratch_per_sample = rows_along_.order.identity() ? 0 : 3 * size};
}

kernels::Normalization NormalizationAlong::rows_of(const ForwardCall& call, const float* scale,
                                                   const float* offset) const {
  kernels::Normalization rows = options_;
  rows.columns = rows_along_.along.elements();
  rows.rows = call.input().size() / std::max<std::int64_t>(1, rows.columns);
  rows.scale = scale;
  rows.offset = offset;
  return rows;
}

void NormalizationAlong::forward(const ForwardCall& call, const float* scale, const float* offset) const {
  const Block &x = call.input(), &y = call.output();
  const kernels::Normalization rows = rows_of(call, scale, offset);
  const AxisOrder& order = rows_along_.order;
  if (order.identity()) return kernels::normalize(rows, x.data, y.data, call.saved);
  float *x_rows = call.scratch, *y_rows = x_rows + x.size();
  permute(order, sample_, x.samples, x.data, x_rows);
  kernels::normalize(rows, x_rows, y_rows, call.saved);
  permute_back(order, sample_, x.samples, y_rows, y.data);
}

void NormalizationAlong::backward(const BackwardCall& call, const float* scale, float* dscale, float* doffset) const {
  const Block &x = call.input(), &dy = call.output_gradient();
  const Block* dx = call.input_gradient();
  const kernels::Normalization rows = rows_of(call, scale, nullptr);
  const AxisOrder& order = rows_along_.order;
  if (order.identity())
    return kernels::normalize_backward(rows, x.data, call.saved, dy.data, dx == nullptr ? nullptr : dx->data, dscale,
                                       doffset);
  float *x_rows = call.scratch, *dy_rows = x_rows + x.size(), *dx_rows = dy_rows + x.size();
  permute(order, sample_, x.samples, x.data, x_rows);
  permute(order, sample_, x.samples, dy.data, dy_rows);
  kernels::normalize_backward(rows, x_rows, call.saved, dy_rows, dx == nullptr ? nullptr : dx_rows, dscale, doffset);
  if (dx != nullptr) permute_back(order, sample_, x.samples, dx_rows, dx->data);
}

}  // namespace xl
