#pragma once

#include <utility>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/framework/graph/with_options.hpp"
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

/// A layer that normalises along `axis`, with `epsilon`: what LayerNormalization and RMSNormalization share. A layer adds its
/// weights, which have the shape of what is normalised, and says what it multiplies by and adds.
template <class Options>
class NormalizationLayer : public WithOptions<PrimitiveLayer, Options> {
 public:
  using WithOptions<PrimitiveLayer, Options>::options;

  /// `centered`: the mean is taken away. Throws ValueError for an epsilon below 0.
  NormalizationLayer(Options o, bool centered)
      : WithOptions<PrimitiveLayer, Options>((o.axis = o.axis.sorted(), std::move(o))), centered_(centered) {
    if (!(options.epsilon >= 0))
      this->value_error("expected an epsilon of 0 or more, got " + to_value(options.epsilon).to_text());
  }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    const TensorSpec& x = this->single_input(inputs, 2);
    const Shape features = normalized_shape(options.axis, x.shape);
    if (!this->built() || this->weights().empty()) return {x};
    if (const Shape known = shape(this->weight(0).value); features != known)
      this->shape_error("an input whose normalized axes are " + to_string(known), x.shape);
    return {x};
  }

  Memory memory(const TensorSpecs& inputs, bool) const override { return along(inputs[0].shape).memory(); }

 protected:
  NormalizationAlong along(const Shape& input) const {
    return {options.axis, input, {.centered = centered_, .epsilon = options.epsilon}};
  }
  NormalizationAlong along(const ForwardCall& call) const {
    return along(call.input().sample->with_batch(call.samples));
  }

 private:
  bool centered_;
};

}  // namespace xl
