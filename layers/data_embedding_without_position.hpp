#pragma once

#include <string>

#include "xlayers/framework/graph/layer_of.hpp"

namespace xl {

/// Embeds a time series and the calendar beside it:
///
///     y = Dropout(TokenEmbedding(x) + TemporalEmbedding(mark))
///
///   inputs   the series x (batch, steps, c_in); and, if there is one, the mark (batch, steps, columns): `layer(x)`,
///            `layer({x, mark})`
///   output   (batch, steps, d_model)
///   weights  those of TokenEmbedding, then those of TemporalEmbedding if the first call has a mark
///   throws   as the two, ShapeError for a mark of other steps and for more inputs, and ValueError for a mark that comes
///            after the layer was built without one
///
/// The first call says if there are tables for a mark, so that the weights of a layer, once built, stay what they are. A
/// layer built with a mark works without one too.
///
/// As kerasfactory.layers.DataEmbeddingWithoutPosition. The options are those of TokenEmbedding and TemporalEmbedding.
struct DataEmbeddingWithoutPositionOptions {
  static constexpr auto class_name = "DataEmbeddingWithoutPosition";
  /// What KerasFactory\'s layer does where its config does not say.
  static Config kerasfactory() { return {{"layout", "halves"}, {"minute_size", 4}}; }

  int c_in = 0;     ///< channels of the series; has to be given
  int d_model = 0;  ///< width of the embedding; has to be given
  std::string embed_type = "fixed";
  std::string freq = "h";
  float dropout = 0.1f;  ///< how much is dropped in training, from 0 to 1
  std::string padding = "same";
  Initializer kernel_initializer = "he_normal";
  bool use_bias = false;
  int minute_size = 60;
  std::string layout = "interleaved";
  std::string name = {};
  bool trainable = true;
};
using DataEmbeddingWithoutPosition = LayerOf<DataEmbeddingWithoutPositionOptions>;
extern template class LayerOf<DataEmbeddingWithoutPositionOptions>;

}  // namespace xl
