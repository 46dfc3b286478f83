#pragma once

#include <string>

#include "xlayers/framework/graph/layer_of.hpp"

namespace xl {

/// Embeds the values of a time series: a convolution over three steps brings the c_in channels of each step to
/// d_model.
///
///   input    (batch, steps, c_in)
///   output   (batch, steps, d_model)
///   weights  those of a Conv1D: kernel (3, c_in, d_model); bias (d_model), if use_bias
///   throws   ShapeError for an input that is not of rank 3 or has other channels than c_in; ValueError for c_in
///            or d_model below 1, or an unknown padding
///
/// `padding` is what the convolution finds beyond the ends: zeros ("same", "causal") or the other end of the
/// sequence ("circular"); see Conv1D. As kerasfactory.layers.TokenEmbedding, whose kernel begins as
/// "glorot_uniform" and not, as its documentation says, Kaiming normal.
struct TokenEmbeddingOptions {
  static constexpr auto class_name = "TokenEmbedding";

  int c_in = 0;     ///< channels of the series; has to be given
  int d_model = 0;  ///< width of the embedding; has to be given
  std::string padding = "same";
  Initializer kernel_initializer = "he_normal";
  bool use_bias = false;
  std::string name = {};
  bool trainable = true;
};
using TokenEmbedding = LayerOf<TokenEmbeddingOptions>;
extern template class LayerOf<TokenEmbeddingOptions>;

}  // namespace xl
