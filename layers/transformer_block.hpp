#pragma once

#include <string>
#include <utility>

#include "xlayers/framework/graph/layer_of.hpp"

namespace xl {

/// A block of a transformer: every step looks at all steps, then goes through a small network of its own; each of the
/// two is added to what came in.
///
///     norm_first:  h = x + Dropout(MultiHeadAttention(LN1(x)))
///                  y = h + W2 Dropout(relu(W1 LN2(h)))
///     else:        h = LN1(x + Dropout(MultiHeadAttention(x)))
///                  y = LN2(h + W2 Dropout(relu(W1 h)))
///
///   input    (batch, steps, dim_model); one of (batch, dim_model) counts as one step
///   output   the same shape
///   weights  the 8 of MultiHeadAttention (key_dim = dim_model / num_heads), gamma and beta of LN1, kernel and bias of W1
///            (dim_model, ff_units) and of W2 (ff_units, dim_model), gamma and beta of LN2
///   throws   ShapeError for other inputs; ValueError for num_heads that do not divide dim_model, for an option out of
///            its range, and for arguments other than use_causal_mask and return_attention_scores
///
/// A mask of the input travels on, and the attention keeps to it.
///
/// Vaswani et al. (2017), "Attention Is All You Need"; the order of norm_first: Xiong et al. (2020), "On Layer
/// Normalization in the Transformer Architecture". As kerasfactory.layers.TransformerBlock, whose documentation describes
/// norm_first = false.
struct TransformerBlockOptions {
  static constexpr auto class_name = "TransformerBlock";

  int dim_model = 32;         ///< features of a step
  int num_heads = 3;          ///< heads of the attention; they have to divide dim_model
  int ff_units = 16;          ///< width of the network in between
  float dropout_rate = 0.2f;  ///< in training; of the attention's scores too. From 0 to below 1
  bool norm_first = true;     ///< normalise before the two, not behind them
  std::string name = {};
  bool trainable = true;
};

class TransformerBlock : public LayerOf<TransformerBlockOptions, TransformerBlock> {
 public:
  using LayerOf::LayerOf;

  /// The output and the scores of the attention, (batch, num_heads, steps, steps).
  std::pair<SymbolicTensor, SymbolicTensor> with_scores(const SymbolicTensor& input) const;
  std::pair<Tensor, Tensor> with_scores(DataRef input, CallOptions options = {}) const;
};
extern template class LayerOf<TransformerBlockOptions, TransformerBlock>;

}  // namespace xl
