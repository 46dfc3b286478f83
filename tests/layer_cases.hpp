#pragma once

#include <string>
#include <vector>

#include "golden.hpp"
#include "xlayers/framework/layer.hpp"

namespace xl::testing_layers {

/// One row of the table of layer cases: a layer, and data to call it with.
struct Case {
  std::string name;
  Config object;  ///< the layer as layer_to_config writes it
  std::vector<Tensor> inputs;
  std::vector<Tensor> weights;                   ///< empty: those that the layer makes
  const testing_golden::Json* golden = nullptr;  ///< what Keras gives, or none

  /// A new layer of the case, built, with the case's weights.
  Layer layer() const;
};

/// Every row: those of tests/golden/layers.json, and those of layer_cases.cpp, for which there is no golden data.
const std::vector<Case>& cases();

}  // namespace xl::testing_layers
