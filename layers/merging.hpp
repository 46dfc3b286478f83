#pragma once

#include <string>

#include "xlayers/framework/graph/layer.hpp"

namespace xl {

/// The options that all merging layers have.
struct MergeOptions {
  std::string name = {};
  bool trainable = true;
};

enum class MergeKind { add, subtract, multiply, average, maximum, minimum };

/// Merges inputs element by element.
///
///   inputs   two or more (batch, ...); Subtract takes two, the others one too
///   output   of the shape to which they broadcast. Batch axes meet, the other axes meet from the last one on: an input
///            (batch, features) beside one (batch, steps, features) counts for every step
///   throws   ShapeError for shapes that do not fit and for inputs of integers
///
/// If all inputs carry masks, a step of the output counts if it does in any of them; else the output has no mask.
/// Multiply, Maximum and Minimum leave out what does not count, if all inputs have the same rank.
///
/// As keras.layers.Add, Subtract, Multiply, Average, Maximum and Minimum.
template <MergeKind kind>
class ElementwiseMerge : public Layer {
 public:
  using Options = MergeOptions;

  explicit ElementwiseMerge(Options options);
  ElementwiseMerge() : ElementwiseMerge(Options()) {}
  /// The inverse of get_config. Throws ValueError for an unknown key or a value that does not fit.
  static ElementwiseMerge from_config(const Config& config);
};

using Add = ElementwiseMerge<MergeKind::add>;            ///< a + b + ...
using Subtract = ElementwiseMerge<MergeKind::subtract>;  ///< a - b
using Multiply = ElementwiseMerge<MergeKind::multiply>;  ///< a * b * ...
using Average = ElementwiseMerge<MergeKind::average>;    ///< (a + b + ...) / n
using Maximum = ElementwiseMerge<MergeKind::maximum>;    ///< max(a, b, ...)
using Minimum = ElementwiseMerge<MergeKind::minimum>;    ///< min(a, b, ...)

/// The same as functions, as keras.layers has them: `auto sum = xl::add({a, b});`
SymbolicTensor add(const SymbolicTensors& inputs, MergeOptions options = {});
SymbolicTensor subtract(const SymbolicTensors& inputs, MergeOptions options = {});
SymbolicTensor multiply(const SymbolicTensors& inputs, MergeOptions options = {});
SymbolicTensor average(const SymbolicTensors& inputs, MergeOptions options = {});
SymbolicTensor maximum(const SymbolicTensors& inputs, MergeOptions options = {});
SymbolicTensor minimum(const SymbolicTensors& inputs, MergeOptions options = {});

}  // namespace xl
