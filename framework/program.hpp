#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "xlayers/framework/primitive.hpp"

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
    bool trained = false;      ///< has a backward to run: a weight or an input is trained
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

/// The program of the graph from `inputs` to `outputs`. With `input_gradients`, a backward run also makes the
/// gradients with respect to the float32 inputs. Throws as sort_nodes does.
Program lower(const SymbolicTensors& inputs, const SymbolicTensors& outputs, bool input_gradients = false);

/// Symbolic tensors with these specs that no layer has made: the beginning of a graph.
SymbolicTensors placeholders(const TensorSpecs& specs);

}  // namespace xl
