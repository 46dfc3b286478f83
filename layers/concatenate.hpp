#pragma once

#include <string>

#include "xlayers/framework/graph/layer_of.hpp"

namespace xl {

/// Puts inputs one behind the other along an axis.
///
///   inputs   one or more, of the same rank and dtype, equal but in that axis
///   output   the sum of the extents in that axis
///   throws   ShapeError for shapes that do not fit, and if the input does not have such an axis or it is the batch axis
///
/// If an input carries a mask, the output has one: along the axis of the steps the masks stand one behind the other; along
/// another one a step counts if it does in any input. An input without a mask counts everywhere.
///
/// As keras.layers.Concatenate.
struct ConcatenateOptions {
  static constexpr auto class_name = "Concatenate";
  static constexpr auto package = "keras";

  int axis = -1;
  std::string name = {};
  bool trainable = true;
};
using Concatenate = LayerOf<ConcatenateOptions>;
extern template class LayerOf<ConcatenateOptions>;

/// The same as a function, as keras.layers.concatenate: `auto both = xl::concatenate({a, b});`
SymbolicTensor concatenate(const SymbolicTensors& inputs, Concatenate::Options options = {});

}  // namespace xl
