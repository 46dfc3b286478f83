#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <vector>

#include "xlayers/framework/graph/layer.hpp"

namespace xl {

/// Makes one vector of each sample.
///
///   input    (batch, ...), of floats or integers
///   output   (batch, product of the other axes); (batch, 1) for an input (batch)
///   throws   ValueError for an unknown data_format
///
/// With data_format "channels_first" axis 1 goes behind the others first, so that the order is that of "channels_last". A
/// mask does not travel through. As keras.layers.Flatten.
class Flatten : public Layer {
 public:
  struct Options {
    std::string data_format = "channels_last";
    std::string name = {};
    bool trainable = true;
  };

  explicit Flatten(Options options);
  Flatten() : Flatten(Options()) {}
  /// The inverse of get_config. Throws ValueError for an unknown key or a value that does not fit.
  static Flatten from_config(const Config& config);
};

/// Gives each sample another shape; the order of its elements stays.
///
///   input    (batch, ...), of floats or integers
///   output   (batch, target_shape ...)
///   throws   ValueError for an extent below -1, or -1 more than once; ShapeError if the number of elements is another
///
/// One extent may be -1: what is left. A mask does not travel through. As keras.layers.Reshape.
class Reshape : public Layer {
 public:
  struct Options {
    std::vector<std::int64_t> target_shape = {};  ///< without the batch axis
    std::string name = {};
    bool trainable = true;
  };

  explicit Reshape(Options options);
  /// By shape: `xl::Reshape({3, 4})`. (With an initializer_list GCC 12 could not tell it from options of one field.)
  template <std::integral First, std::integral... Rest>
  Reshape(First first, Rest... rest)
      : Reshape(Options{.target_shape = {static_cast<std::int64_t>(first), static_cast<std::int64_t>(rest)...}}) {}
  /// The inverse of get_config. Throws ValueError for an unknown key or a value that does not fit.
  static Reshape from_config(const Config& config);
};

/// Changes the order of the axes.
///
///   input    (batch, ...), of floats or integers
///   output   its axis i is axis dims[i - 1] of the input; the batch axis, 0, stays where it is: {2, 1} makes
///            (batch, features, steps) of (batch, steps, features)
///   throws   ValueError if dims are not 1, 2, ... in some order; ShapeError if the input has another number of axes
///
/// A mask does not travel through. As keras.layers.Permute.
class Permute : public Layer {
 public:
  struct Options {
    std::vector<std::int64_t> dims = {};
    std::string name = {};
    bool trainable = true;
  };

  explicit Permute(Options options);
  /// By the axes: `xl::Permute({2, 1})`, as Reshape.
  template <std::integral First, std::integral... Rest>
  Permute(First first, Rest... rest)
      : Permute(Options{.dims = {static_cast<std::int64_t>(first), static_cast<std::int64_t>(rest)...}}) {}
  /// The inverse of get_config. Throws ValueError for an unknown key or a value that does not fit.
  static Permute from_config(const Config& config);
};

}  // namespace xl
