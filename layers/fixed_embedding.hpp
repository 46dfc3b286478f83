#pragma once

#include <string>

#include "xlayers/framework/graph/layer_of.hpp"

namespace xl {

/// Looks whole numbers up in a table of sinusoids, which is not trained: that of PositionalEmbedding, with the number in
/// the place of the position.
///
///     y[2j] = sin(index / max_wavelength^(2j / d_model)),   y[2j + 1] = cos(the same)
///
///   input    (batch, ...), int32, or float32 that holds whole numbers
///   output   (batch, ..., d_model)
///   weights  none; the table (n_features, d_model), which is not trained, if table_as_weight
///   throws   ValueError for an index that is not one of 0 ... n_features - 1, for n_features or d_model below 1,
///            n_features above 2^24, an unknown layout, and a max_wavelength out of range
///
/// As kerasfactory.layers.FixedEmbedding, with layout = "halves" and table_as_weight = true.
struct FixedEmbeddingOptions {
  static constexpr auto class_name = "FixedEmbedding";
  /// What KerasFactory\'s layer does where its config does not say.
  static Config kerasfactory() { return {{"layout", "halves"}, {"table_as_weight", true}}; }

  int n_features = 0;  ///< how many numbers there are; has to be given
  int d_model = 0;     ///< width of the embedding; has to be given
  /// "interleaved": sine and cosine in turn. "halves": all sines, then all cosines.
  std::string layout = "interleaved";
  float max_wavelength = 10000.0f;  ///< from 1 to 1e30
  /// The table is a weight: it is counted, saved, and can be set. For models of KerasFactory.
  bool table_as_weight = false;
  std::string name = {};
  bool trainable = true;
};
using FixedEmbedding = LayerOf<FixedEmbeddingOptions>;
extern template class LayerOf<FixedEmbeddingOptions>;

}  // namespace xl
