#pragma once

#include <string>

#include "xlayers/framework/graph/layer.hpp"

namespace xl {

struct InputOptions {
  std::string dtype = "float32";  ///< or "int32", for indices
  std::string name = {};
};

/// Where data enters a model: a symbolic tensor of this shape, without the batch axis.
///
///   output   (None, shape...); an axis may be xl::None, if its extent varies from call to call
///   throws   ShapeError for an axis below 0; ValueError for an unknown dtype
///
/// First in a Sequential, `xl::Input({100, 1})` says what samples look like. As keras.Input.
SymbolicTensor Input(const Shape& shape, const InputOptions& options = {});

}  // namespace xl
