#pragma once

#include <memory>
#include <vector>

#include "xlayers/models/model/keras_graph.hpp"

namespace xl {

/// What a functional model lists: its calls, each after those it depends on; its layers and the operations that compute masks.
struct KerasOrder {
  struct Entry {
    std::shared_ptr<LayerBase> layer;
    const KerasOperation* mask = nullptr;  ///< if it is no layer
  };
  std::vector<const Node*> calls;
  std::vector<Entry> entries;
};

/// The calls that `outputs` need, with the Inputs, and their layers and operations in Keras' order.
///
/// The depth of a call is the longest way from it to an output; a layer that is called several times is as deep as its deepest
/// call. The deepest come first; of equal depth, those first that a walk from the outputs back meets first. The operations that
/// compute masks count in the depth too.
KerasOrder keras_order(KerasGraph& graph, const SymbolicTensors& outputs);

}  // namespace xl
