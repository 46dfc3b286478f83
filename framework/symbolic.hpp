#pragma once

#include <memory>
#include <vector>

#include "xlayers/framework/tensor.hpp"

namespace xl {

class LayerBase;

/// What is known of a tensor before it exists.
struct TensorSpec {
  Shape shape;  ///< with the batch axis in front: (None, 100, 64)
  DType dtype = DType::float32;
  /// False for a tensor that is the same for every sample, such as a positional table: its first axis is 1
  /// and it is made once a step.
  bool batched = true;

  friend bool operator==(const TensorSpec&, const TensorSpec&) = default;
};
using TensorSpecs = std::vector<TensorSpec>;

struct Node;

/// A tensor that stands for data that will come: what `xl::Input` gives, and what a layer makes of it.
/// Symbolic tensors remember how they are made; together they are the graph of a model.
class SymbolicTensor {
 public:
  SymbolicTensor() = default;
  SymbolicTensor(std::shared_ptr<const Node> node, std::size_t index) : node_(std::move(node)), index_(index) {}

  /// The shape with the batch axis, which is None: (None, 100, 64).
  const Shape& shape() const { return spec().shape; }
  DType dtype() const { return spec().dtype; }
  const TensorSpec& spec() const;

  /// The call that makes this tensor, and which of its outputs it is.
  const Node& node() const { return *node_; }
  std::size_t index() const { return index_; }

  friend bool operator==(const SymbolicTensor&, const SymbolicTensor&) = default;

 private:
  std::shared_ptr<const Node> node_;
  std::size_t index_ = 0;
};
using SymbolicTensors = std::vector<SymbolicTensor>;

/// The specs of `tensors`.
TensorSpecs specs(const SymbolicTensors& tensors);

/// Where a layer is called. A Sequential passes a signal on, so a layer that only makes an encoding of its
/// input (PositionalEmbedding) has to know that it stands in one.
struct CallContext {
  bool in_sequential = false;
};

/// One call of a layer on symbolic tensors.
struct Node {
  std::shared_ptr<LayerBase> layer;
  SymbolicTensors inputs;
  TensorSpecs outputs;
  CallContext context;
};

/// The calls that `outputs` need, each after those it depends on, in the order in which a reader would
/// write them down; the makers of `inputs` are left out. Throws ValueError, naming the layer, if an output
/// depends on an Input that is not among `inputs`.
std::vector<const Node*> sort_nodes(const SymbolicTensors& inputs, const SymbolicTensors& outputs);

/// a + b, broadcasting as NumPy does. Throws ShapeError if the shapes do not fit.
SymbolicTensor operator+(const SymbolicTensor& a, const SymbolicTensor& b);

}  // namespace xl
