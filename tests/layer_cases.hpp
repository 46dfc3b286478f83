#pragma once

#include <functional>
#include <string>
#include <vector>

#include "golden.hpp"
#include "xlayers/framework/engine/gradients.hpp"
#include "xlayers/framework/graph/layer.hpp"
#include "xlayers/framework/graph/registry.hpp"

namespace xl::testing_layers {

/// One row of the table of layer cases: a layer, and data to call it with.
struct Case {
  std::string name;
  Config object;  ///< the layer as layer_to_config writes it
  std::vector<Array> inputs;
  CallOptions options;                           ///< arguments of the call, and masks
  std::vector<Tensor> weights;                   ///< empty: those that the layer makes
  const testing_golden::Json* golden = nullptr;  ///< what Keras gives, or none

  /// A new layer of the case, built, with the case's weights.
  Layer layer() const;
  /// What the layer is called on. With other inputs or weights than the case's: `outputs(layer, inputs)`.
  std::vector<Tensor> outputs(const Layer& layer) const { return outputs(layer, inputs); }
  std::vector<Tensor> outputs(const Layer& layer, const std::vector<Array>& at) const;
  Gradients gradients(const Layer& layer, const std::vector<Array>& at, const std::vector<Tensor>& dy) const;
  /// Symbolic tensors like the inputs; `open` says whether the steps of a (batch, steps, features) input are None.
  SymbolicTensors symbolic(bool open = false) const;

  /// The case with `count` samples instead: those there are in turn, and, where they are floats, each a little other.
  Case with_samples(std::int64_t count) const;
  /// The case with samples `first` to `first + count`.
  Case part(std::int64_t first, std::int64_t count) const;
};

/// Every row: those of tests/golden/layers*.json, and those of layer_cases.cpp, for which there is no golden data.
const std::vector<Case>& cases();

/// The tests of a row: `TEST_P(LayerTable, ComesBack) { one.layer() ... }` is a test for each row that the suite is
/// instantiated with, named LayerTable.ComesBack/dense_glu.
class LayerTable : public testing::TestWithParam<const Case*> {
 protected:
  const Case& one = *GetParam();
};
/// The rows that are wanted, and their names, for INSTANTIATE_TEST_SUITE_P.
testing::internal::ParamGenerator<const Case*> rows(const std::function<bool(const Case&)>& wanted = {});
std::string name_of_row(const testing::TestParamInfo<const Case*>& row);

}  // namespace xl::testing_layers
