#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "xlayers/framework/graph/primitive.hpp"

namespace xl {

/// A graph brought down to primitive layers, in the order in which they run. Composite layers are replaced by
/// what they are made of; a layer called twice stands in two operations that share its weights.
struct Program {
  /// A tensor that an operation reads or makes.
  struct Slot {
    TensorSpec spec;                       ///< the mask in it stands for the one at `mask`
    bool has_gradient = false;             ///< the loss has a gradient with respect to it that some weight needs
    int mask = -1;                         ///< the slot of the mask that the tensor carries, or -1
    const Regularizer* penalty = nullptr;  ///< what an activity regulariser adds to the loss for it
  };
  struct Operation {
    std::shared_ptr<const PrimitiveLayer> layer;
    std::vector<int> inputs;   ///< slots
    std::vector<int> outputs;  ///< slots
    std::vector<int> weights;  ///< positions in Program::weights
    CallContext context;
    bool runs_backward = false;  ///< a weight is trained, or an input has a gradient
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
/// first `input_gradients` inputs, as far as they are float32. Trained are the weights in `trained`, or those that are trainable
/// now. Throws as sort_nodes does.
Program lower(const SymbolicTensors& inputs, const SymbolicTensors& outputs, std::size_t input_gradients = 0,
              const std::optional<std::set<const Weight*>>& trained = {});

/// The same graph brought down to the masks that its outputs carry, which are the program's outputs, in the order of those
/// that do; nothing if none does.
std::optional<Program> lower_masks(const SymbolicTensors& inputs, const SymbolicTensors& outputs);

}  // namespace xl
