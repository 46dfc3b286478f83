#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "xlayers/framework/config/config.hpp"
#include "xlayers/framework/graph/symbolic.hpp"

namespace xl {

class LayerBase;

/// How a layer is called, besides its inputs.
struct CallContext {
  /// A Sequential passes a signal on, so a layer that only makes an encoding of its input (PositionalEmbedding) has
  /// to know that it stands in one.
  bool in_sequential = false;
  /// The call's arguments by Keras' names, for a layer that has some: {"use_causal_mask": true}.
  Config arguments = {};

  friend bool operator==(const CallContext&, const CallContext&) = default;
};

/// One call of a layer on symbolic tensors.
struct Node {
  std::shared_ptr<LayerBase> layer;
  SymbolicTensors inputs;
  TensorSpecs outputs;
  CallContext context;
  std::uint64_t number = 0;  ///< calls count on: a later one has a higher number
  /// The mask of the first output is that of the first input, and not one that the call makes.
  bool keeps_mask = false;
};

/// What stands among the arguments of a call for an input that is given by name: the place of the input.
Value named_input(std::size_t input);
/// The place of the input that is given by this name, if it is.
std::optional<std::size_t> named_input(const Config& arguments, std::string_view name);

/// A piece of a graph: tensors, and what is made of them.
struct Graph {
  SymbolicTensors inputs, outputs;
};

/// The calls that `outputs` need, each after those it depends on, in the order in which a reader would
/// write them down; the makers of `inputs` are left out. Throws ValueError, naming the layer, if an output
/// depends on an Input that is not among `inputs`.
std::vector<const Node*> sort_nodes(const SymbolicTensors& inputs, const SymbolicTensors& outputs);

/// Symbolic tensors with these specs that no layer has made: the beginning of a graph.
SymbolicTensors placeholders(const TensorSpecs& specs);

/// The graph of a call on placeholders with these specs.
template <class Call>
Graph called_on(const TensorSpecs& specs, Call call) {
  Graph graph{placeholders(specs), {}};
  graph.outputs = call(graph.inputs);
  return graph;
}

}  // namespace xl
