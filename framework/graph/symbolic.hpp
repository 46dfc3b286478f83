#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "xlayers/framework/config/config.hpp"
#include "xlayers/framework/tensor/tensor.hpp"

namespace xl {

class LayerBase;

/// What is known of a tensor before it exists.
struct TensorSpec {
  Shape shape;  ///< with the batch axis in front: (None, 100, 64)
  DType dtype = DType::float32;
  /// False for a tensor that is the same for every sample, such as a positional table: its first axis is 1
  /// and it is made once a step.
  bool batched = true;
  /// A mask belongs to the tensor: a float32 tensor of its leading axes (None, 100), 1 where a step counts and 0
  /// where it is padding.
  bool masked = false;

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

  /// The mask that travels with this tensor, if it has one.
  std::optional<SymbolicTensor> mask() const;

  /// The call that makes this tensor, and which of its outputs it is.
  const Node& node() const { return *node_; }
  std::size_t index() const { return index_; }
  /// Another output of the same call.
  SymbolicTensor sibling(std::size_t index) const { return SymbolicTensor(node_, index); }

  friend bool operator==(const SymbolicTensor&, const SymbolicTensor&) = default;

 private:
  std::shared_ptr<const Node> node_;
  std::size_t index_ = 0;
};
using SymbolicTensors = std::vector<SymbolicTensor>;

/// The specs of `tensors`.
TensorSpecs specs(const SymbolicTensors& tensors);
/// The tensors, and behind them the masks of those that have one.
SymbolicTensors with_masks(const SymbolicTensors& tensors);
/// How many of the specs are not those of masks that stand behind the rest.
std::size_t without_masks(const TensorSpecs& specs);
/// The specs of a call's inputs as the layer sees them: only a layer that takes masks knows of any.
TensorSpecs seen_by(const LayerBase& layer, TensorSpecs inputs);

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
  /// Where the mask of an output comes from: nowhere, from an output of this call, or from a tensor made before.
  struct Mask {
    enum class Origin { none, output, before } origin = Origin::none;
    std::size_t output = 0;
    SymbolicTensor before = {};
  };

  std::shared_ptr<LayerBase> layer;
  /// What the layer is called on; behind that the masks of those, for a layer that takes them.
  SymbolicTensors inputs;
  std::size_t called_on = 0;  ///< how many of the inputs are not masks
  /// What it makes; behind that the masks that it makes.
  TensorSpecs outputs;
  CallContext context;
  std::uint64_t number = 0;  ///< calls count on: a later one has a higher number
  std::vector<Mask> masks;   ///< one for each output that is not a mask
};

/// A piece of a graph: tensors, and what is made of them.
struct Graph {
  SymbolicTensors inputs, outputs;
};

/// The calls that `outputs` need, each after those it depends on, in the order in which a reader would
/// write them down; the makers of `inputs` are left out. Throws ValueError, naming the layer, if an output
/// depends on an Input that is not among `inputs`.
std::vector<const Node*> sort_nodes(const SymbolicTensors& inputs, const SymbolicTensors& outputs);

/// Arithmetic element by element, broadcasting as NumPy does, between tensors of equal rank and with numbers. As in Keras,
/// the result carries no mask. Throws ShapeError if the shapes do not fit.
SymbolicTensor operator+(const SymbolicTensor& a, const SymbolicTensor& b);
SymbolicTensor operator-(const SymbolicTensor& a, const SymbolicTensor& b);
SymbolicTensor operator*(const SymbolicTensor& a, const SymbolicTensor& b);
SymbolicTensor operator/(const SymbolicTensor& a, const SymbolicTensor& b);
SymbolicTensor operator+(const SymbolicTensor& a, double b);
SymbolicTensor operator-(const SymbolicTensor& a, double b);
SymbolicTensor operator*(const SymbolicTensor& a, double b);
SymbolicTensor operator/(const SymbolicTensor& a, double b);
SymbolicTensor operator+(double a, const SymbolicTensor& b);
SymbolicTensor operator-(double a, const SymbolicTensor& b);
SymbolicTensor operator*(double a, const SymbolicTensor& b);
SymbolicTensor operator/(double a, const SymbolicTensor& b);
SymbolicTensor operator-(const SymbolicTensor& a);

}  // namespace xl
