#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <vector>

#include "xlayers/framework/graph/layer_of.hpp"

namespace xl {

/// Makes one vector of each sample.
///
///   input    (batch, ...), of floats or integers
///   output   (batch, product of the other axes); (batch, 1) for an input (batch)
///   throws   ValueError for an unknown data_format
///
/// With data_format "channels_first" axis 1 goes behind the others first, so that the order is that of "channels_last". A
/// mask does not travel through. As keras.layers.Flatten.
struct FlattenOptions {
  static constexpr auto class_name = "Flatten";
  static constexpr auto package = "keras";

  std::string data_format = "channels_last";
  std::string name = {};
  bool trainable = true;
};
using Flatten = LayerOf<FlattenOptions>;
extern template class LayerOf<FlattenOptions>;

/// Gives each sample another shape; the order of its elements stays.
///
///   input    (batch, ...), of floats or integers
///   output   (batch, target_shape ...)
///   throws   ValueError for an extent below -1, or -1 more than once; ShapeError if the number of elements is another
///
/// One extent may be -1: what is left. A mask does not travel through. As keras.layers.Reshape.
struct ReshapeOptions {
  static constexpr auto class_name = "Reshape";
  static constexpr auto package = "keras";

  std::vector<std::int64_t> target_shape = {};  ///< without the batch axis
  std::string name = {};
  bool trainable = true;
};

class Reshape : public LayerOf<ReshapeOptions, Reshape> {
 public:
  using LayerOf::LayerOf;
  /// By shape: `xl::Reshape({3, 4})`. (With an initializer_list GCC 12 could not tell it from options of one field.)
  template <std::integral First, std::integral... Rest>
  Reshape(First first, Rest... rest)
      : Reshape(
            ReshapeOptions{.target_shape = {static_cast<std::int64_t>(first), static_cast<std::int64_t>(rest)...}}) {}
};
extern template class LayerOf<ReshapeOptions, Reshape>;

/// Changes the order of the axes.
///
///   input    (batch, ...), of floats or integers
///   output   its axis i is axis dims[i - 1] of the input; the batch axis, 0, stays where it is: {2, 1} makes
///            (batch, features, steps) of (batch, steps, features)
///   throws   ValueError if dims are not 1, 2, ... in some order; ShapeError if the input has another number of axes
///
/// A mask does not travel through. As keras.layers.Permute.
struct PermuteOptions {
  static constexpr auto class_name = "Permute";
  static constexpr auto package = "keras";

  std::vector<std::int64_t> dims = {};
  std::string name = {};
  bool trainable = true;
};

class Permute : public LayerOf<PermuteOptions, Permute> {
 public:
  using LayerOf::LayerOf;
  /// By the axes: `xl::Permute({2, 1})`, as Reshape.
  template <std::integral First, std::integral... Rest>
  Permute(First first, Rest... rest)
      : Permute(PermuteOptions{.dims = {static_cast<std::int64_t>(first), static_cast<std::int64_t>(rest)...}}) {}
};
extern template class LayerOf<PermuteOptions, Permute>;

}  // namespace xl
