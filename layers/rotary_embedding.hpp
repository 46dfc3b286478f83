#pragma once

#include <optional>
#include <string>

#include "xlayers/framework/graph/layer_of.hpp"
#include "xlayers/framework/parts/positions.hpp"

namespace xl {

/// Turns pairs of features by an angle that grows with the position, so that the product of two vectors depends on how far
/// apart they are, and not on where. With n features, feature i and feature n / 2 + i are a pair:
///
///     y[i]         = x[i] cos(p w_i) - x[n / 2 + i] sin(p w_i)
///     y[n / 2 + i] = x[n / 2 + i] cos(p w_i) + x[i] sin(p w_i),     w_i = max_wavelength^(-2 i / n)
///
///   input      any axes behind the batch, two of which are the steps and the features: (batch, steps, features), or
///              (batch, steps, heads, features)
///   positions  may be given as a second input: (batch, steps), int32 or float32; else p = start_index + t
///   output     the input's shape
///   throws     ShapeError for an odd number of features, an input that does not have the axes, and positions of another
///              shape; ValueError for a max_wavelength or scaling_factor that is not above 0, an unknown rope_type, axes
///              that are the same or the batch, and a start_index that is not from 0 to 2^52
///
/// `rope_type` says how the frequencies are made smaller for sequences longer than those of training, by s =
/// scaling_factor:
///
///   "linear"   w_i / s
///   "dynamic"  w_i / s^(n / (n - 2))
///   "yarn"     w_i for fast pairs, w_i / s for slow ones, and a ramp between those that turn beta_fast and beta_slow times
///              over original_max_position_embeddings; the output is multiplied by 0.1 log s + 1. (Peng et al. 2023)
///
/// Su et al. (2021), "RoFormer". As keras_hub.layers.RotaryEmbedding; the page rotary_embedding.md says where the two
/// differ.
struct RotaryEmbeddingOptions {
  static constexpr auto class_name = "RotaryEmbedding";
  static constexpr auto package = "keras_hub";
  static constexpr auto module = "keras_hub.src.layers.modeling.rotary_embedding";

  float max_wavelength = 10000.0f;
  float scaling_factor = 1.0f;
  std::string rope_type = "linear";  ///< or "dynamic", "yarn"
  float beta_fast = 32.0f;           ///< for "yarn", as the next three
  float beta_slow = 1.0f;
  int original_max_position_embeddings = 4096;
  bool truncate = true;  ///< the ends of the ramp are whole numbers
  int sequence_axis = 1;
  int feature_axis = -1;
  std::optional<int> denominator_dim = {};  ///< in the place of n in w_i; not for "yarn"
  std::string name = {};
  bool trainable = true;
};
using RotaryEmbedding = LayerOf<RotaryEmbeddingOptions, void, PositionsLayer>;
extern template class LayerOf<RotaryEmbeddingOptions, void, PositionsLayer>;

}  // namespace xl
