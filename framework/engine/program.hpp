#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "xlayers/framework/graph/primitive.hpp"

namespace xl {

/// A graph brought down to primitive layers, in the order in which they run. Composite layers are replaced by
/// what they are made of; a layer called twice stands in two operations that share its weights.
struct Program {
  /// A tensor that an operation reads or makes.
  struct Slot {
    TensorSpec spec;
    bool trained = false;  ///< the loss has a gradient with respect to it that some weight needs
  };
  struct Operation {
    std::shared_ptr<const PrimitiveLayer> layer;
    std::vector<int> inputs;   ///< slots
    std::vector<int> outputs;  ///< slots
    std::vector<int> weights;  ///< positions in Program::weights
    CallContext context;
    bool trained = false;  ///< has a backward to run: a weight or an input is trained
  };
  /// A weight and where its gradient stands among all gradients, in floats; -1 if it is not trained.
  struct WeightPlace {
    Weight* weight = nullptr;
    std::int64_t gradient = -1;
  };

  std::vector<Slot> slots;
  std::vector<Operation> operations;
  std::vector<int> inputs;   ///< slots
  std::vector<int> outputs;  ///< slots
  std::vector<WeightPlace> weights;
  std::int64_t gradient_size = 0;  ///< floats for the gradients of all trained weights
};

/// The program of the graph from `inputs` to `outputs`. A backward run also makes the gradients with respect to the
/// first `input_gradients` inputs, as far as they are float32. Throws as sort_nodes does.
Program lower(const SymbolicTensors& inputs, const SymbolicTensors& outputs, std::size_t input_gradients = 0);

/// Symbolic tensors with these specs that no layer has made: the beginning of a graph. Specs of masks stand behind
/// those of the tensors that are masked, and so do the masks.
SymbolicTensors placeholders(const TensorSpecs& specs);

/// The graph of a call on placeholders with these specs: `call` gets them without the masks.
template <class Call>
Graph called_on(const TensorSpecs& specs, Call call) {
  Graph graph{placeholders(specs), {}};
  const SymbolicTensors tensors(graph.inputs.begin(), graph.inputs.begin() + without_masks(specs));
  graph.outputs = call(tensors);
  return graph;
}

}  // namespace xl
