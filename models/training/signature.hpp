#pragma once

#include <string>
#include <vector>

#include "xlayers/framework/graph/symbolic.hpp"
#include "xlayers/framework/tensor/data.hpp"

// Internal: what training knows of a model.

namespace xl {

/// What goes into a built model and what comes out of it.
struct Signature {
  std::string label;  ///< "[Sequential 'forecaster'] ", the beginning of every error
  std::vector<std::string> input_names = {}, output_names = {};
  TensorSpecs inputs = {}, outputs = {};  ///< with the batch axis

  /// The inputs' arrays in the order of their names, empty where none is given. Throws ShapeError for another number of
  /// them, and ValueError for a name that is unknown or comes twice.
  std::vector<Array> inputs_of(const Data& data) const;
  /// The same of what is given for the outputs.
  std::vector<Array> outputs_of(const Data& data) const;
};

}  // namespace xl
