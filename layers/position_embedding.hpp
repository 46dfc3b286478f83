#pragma once

#include <string>

#include "xlayers/framework/graph/layer_of.hpp"
#include "xlayers/framework/parts/positions.hpp"

namespace xl {

/// A trained vector for each position of a sequence, in the shape of the input, of which nothing else counts. It is not
/// added to it.
///
///     y[.., t, :] = row start_index + t of the table
///
///   input      (batch, ..., steps, features)
///   positions  may be given as a second input: (batch, steps), int32, or float32 that holds whole numbers; then
///              y[b, .., t, :] is row positions[b, t], and a position from -sequence_length to -1 counts from the end
///   output     the input's shape
///   weights    embeddings (sequence_length, features)
///   throws     ShapeError for an input of fewer than 3 axes, for more steps than the table has from start_index on, and
///              for positions of another shape; ValueError for a sequence_length below 1, a start_index below 0, and in
///              the call for a position that is not in the table
///
/// Devlin et al. (2019), "BERT". As keras_hub.layers.PositionEmbedding; the page position_embedding.md says where the two
/// differ. The table of sinusoids that KerasFactory calls PositionalEmbedding is another layer.
struct PositionEmbeddingOptions {
  static constexpr auto class_name = "PositionEmbedding";
  static constexpr auto package = "keras_hub";
  static constexpr auto module = "keras_hub.src.layers.modeling.position_embedding";

  int sequence_length = 0;  ///< rows of the table; has to be given
  Initializer initializer = "glorot_uniform";
  std::string name = {};
  bool trainable = true;
};
using PositionEmbedding = LayerOf<PositionEmbeddingOptions, void, PositionsLayer>;
extern template class LayerOf<PositionEmbeddingOptions, void, PositionsLayer>;

}  // namespace xl
