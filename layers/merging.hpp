#pragma once

#include <string>

#include "xlayers/framework/graph/layer_of.hpp"

namespace xl {

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
struct MergeOptions {
  static constexpr const char* class_names[6] = {"Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"};
  static constexpr auto class_name = class_names[static_cast<int>(kind)];
  static constexpr auto package = "keras";

  std::string name = {};
  bool trainable = true;
};
using Add = LayerOf<MergeOptions<MergeKind::add>>;            ///< a + b + ...
using Subtract = LayerOf<MergeOptions<MergeKind::subtract>>;  ///< a - b
using Multiply = LayerOf<MergeOptions<MergeKind::multiply>>;  ///< a * b * ...
using Average = LayerOf<MergeOptions<MergeKind::average>>;    ///< (a + b + ...) / n
using Maximum = LayerOf<MergeOptions<MergeKind::maximum>>;    ///< max(a, b, ...)
using Minimum = LayerOf<MergeOptions<MergeKind::minimum>>;    ///< min(a, b, ...)
extern template class LayerOf<MergeOptions<MergeKind::add>>;
extern template class LayerOf<MergeOptions<MergeKind::subtract>>;
extern template class LayerOf<MergeOptions<MergeKind::multiply>>;
extern template class LayerOf<MergeOptions<MergeKind::average>>;
extern template class LayerOf<MergeOptions<MergeKind::maximum>>;
extern template class LayerOf<MergeOptions<MergeKind::minimum>>;

/// The same as functions, as keras.layers has them: `auto sum = xl::add({a, b});`
SymbolicTensor add(const SymbolicTensors& inputs, Add::Options options = {});
SymbolicTensor subtract(const SymbolicTensors& inputs, Subtract::Options options = {});
SymbolicTensor multiply(const SymbolicTensors& inputs, Multiply::Options options = {});
SymbolicTensor average(const SymbolicTensors& inputs, Average::Options options = {});
SymbolicTensor maximum(const SymbolicTensors& inputs, Maximum::Options options = {});
SymbolicTensor minimum(const SymbolicTensors& inputs, Minimum::Options options = {});

}  // namespace xl
