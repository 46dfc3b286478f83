#pragma once

#include <string>

#include "xlayers/framework/graph/layer_of.hpp"
#include "xlayers/framework/options/axes.hpp"

namespace xl {

/// Makes shares of 1 of the numbers along an axis, or along several together.
///
///   input    (batch, ...); if wanted, a mask of the same rank, whose axes are 1 or the input's, of floats or of whole numbers: 1 where an element
///            counts, 0 where it does not
///   output   the same shape, y_i = e^(x_i) / sum_j e^(x_j); 0 where the mask is 0, and the sum is over the others
///   throws   ShapeError if the input does not have such an axis, if it is the batch axis, or if the mask does not fit
///
/// A mask that an input (batch, steps) carries counts in the same way. As keras.layers.Softmax.
struct SoftmaxOptions {
  static constexpr auto class_name = "Softmax";
  static constexpr auto package = "keras";

  Axes axis = -1;
  Regularizer activity_regularizer = {};
  std::string name = {};
  bool trainable = true;
};

class Softmax : public LayerOf<SoftmaxOptions, Softmax> {
 public:
  using LayerOf::LayerOf;

  using Layer::operator();
  /// With a mask.
  SymbolicTensor operator()(const SymbolicTensor& x, const SymbolicTensor& mask) const { return (*this)({x, mask}); }
};
extern template class LayerOf<SoftmaxOptions, Softmax>;

}  // namespace xl
