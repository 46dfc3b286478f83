#pragma once

#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/framework/kernels/normalization.hpp"
#include "xlayers/framework/options/axes.hpp"

namespace xl {

/// A normalisation of an input along some of its axes: the kernel of rows, and a transposition before and behind it
/// where the axes are not the last ones.
class NormalizationAlong {
 public:
  /// `input` is known but for the batch. Throws ShapeError as RowsAlong does.
  NormalizationAlong(const Axes& axes, const Shape& input, const kernels::Normalization& options);

  /// The saved statistics, and scratch for the transposition.
  Memory memory() const;
  void forward(const ForwardCall& call, const float* scale, const float* offset) const;
  void backward(const BackwardCall& call, const float* scale, float* dscale, float* doffset) const;

 private:
  kernels::Normalization rows_of(const ForwardCall& call, const float* scale, const float* offset) const;

  Shape sample_;
  RowsAlong rows_along_;
  kernels::Normalization options_;
};

/// The extents of the axes that an input is normalised along: the shape of the weights. Throws ShapeError if one of them
/// is not known, and as RowsAlong does.
Shape normalized_shape(const Axes& axes, const Shape& input);

}  // namespace xl
