#pragma once

#include <string>

#include "xlayers/framework/graph/layer_of.hpp"

namespace xl {

/// Looks whole numbers up in a table that is trained: y = row x of the table.
///
///   input    (batch, ...), int32; or float32, of which the fraction is dropped
///   output   (batch, ..., output_dim)
///   weights  embeddings (input_dim, output_dim)
///   mask     with mask_zero: 1 where x is not 0, of the input's shape
///   throws   ValueError for input_dim or output_dim below 1, and in the call for an index that is not in the table; an
///            index from -input_dim to -1 counts from the table's end
///
/// As keras.layers.Embedding; the page embedding.md says where the two differ.
struct EmbeddingOptions {
  static constexpr auto class_name = "Embedding";
  static constexpr auto package = "keras";

  int input_dim = 0;   ///< rows of the table, the largest index + 1; has to be given
  int output_dim = 0;  ///< width of the embedding; has to be given
  Initializer embeddings_initializer = "uniform";
  Regularizer embeddings_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint embeddings_constraint = {};
  bool mask_zero = false;  ///< 0 means padding, and the output carries a mask that says so
  std::string name = {};
  bool trainable = true;
};
using Embedding = LayerOf<EmbeddingOptions>;
extern template class LayerOf<EmbeddingOptions>;

}  // namespace xl
