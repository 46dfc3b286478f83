#pragma once

#include <cstddef>
#include <iosfwd>
#include <memory>
#include <optional>
#include <vector>

#include "xlayers/framework/tensor/tensor.hpp"

namespace xl {

/// What is known of a tensor before it exists.
struct TensorSpec {
  Shape shape;  ///< with the batch axis in front: (None, 100, 64)
  DType dtype = DType::float32;
  /// False for a tensor that is the same for every sample, such as a positional table: its first axis is 1
  /// and it is made once a step.
  bool batched = true;
  /// The shape of the mask that the tensor carries, if it does: its leading axes (None, 100). A mask is made of float32, 1
  /// where a step counts and 0 where it is padding.
  std::optional<Shape> mask = {};

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
  SymbolicTensor(const SymbolicTensor&) = default;  // what is moved is copied, and not empty afterwards
  SymbolicTensor& operator=(const SymbolicTensor&) = default;

  /// The shape with the batch axis, which is None: (None, 100, 64).
  const Shape& shape() const& { return spec().shape; }
  Shape shape() && { return spec().shape; }
  DType dtype() const { return spec().dtype; }
  /// Throws ValueError for a tensor that no Input and no layer has made.
  const TensorSpec& spec() const;

  /// The mask that travels with this tensor, if one does, as a tensor by itself.
  std::optional<SymbolicTensor> mask() const;

  /// The call that makes this tensor, and which of its outputs it is. Throws as spec().
  const Node& node() const;
  std::size_t index() const { return index_; }
  /// Another output of the same call.
  SymbolicTensor sibling(std::size_t index) const { return SymbolicTensor(node_, index); }

  friend bool operator==(const SymbolicTensor&, const SymbolicTensor&) = default;

 private:
  std::shared_ptr<const Node> node_;
  std::size_t index_ = 0;
};
using SymbolicTensors = std::vector<SymbolicTensor>;

/// Prints what is known of the tensor: `<SymbolicTensor shape=(None, 100, 64), dtype=float32, layer=dense>`.
std::ostream& operator<<(std::ostream& out, const SymbolicTensor& tensor);

/// The specs of `tensors`.
TensorSpecs specs(const SymbolicTensors& tensors);

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
