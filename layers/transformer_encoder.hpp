#pragma once

#include <optional>
#include <string>
#include <utility>

#include "xlayers/framework/graph/layer_of.hpp"
#include "xlayers/framework/options/activation.hpp"

namespace xl {

/// What a call of TransformerEncoder on data takes besides the input.
struct EncoderOptions {
  Array padding_mask = {};    ///< (batch, steps): not 0 where a step counts, 0 where it is padding
  Array attention_mask = {};  ///< (batch, steps, steps): not 0 where step t may see step s
  bool training = false;      ///< as in training: dropout drops
};

/// What a call on symbolic tensors takes besides. The input's own mask, if it has one, counts too.
struct SymbolicEncoderOptions {
  std::optional<SymbolicTensor> padding_mask = {}, attention_mask = {};
};

/// An encoder layer of a transformer: every step looks at all steps, then goes through a small network of its own; each
/// of the two is added to what came in.
///
///     h = LN1(x + Dropout(MultiHeadAttention(x)))
///     y = LN2(h + Dropout(W2 activation(W1 h)))
///     normalize_first:  h = x + Dropout(MultiHeadAttention(LN1(x))),  y = h + Dropout(W2 activation(W1 LN2(h)))
///
///   input    (batch, steps, features)
///   output   the same shape; with_scores gives the attention's scores (batch, num_heads, steps, steps) too
///   weights  the 8 of MultiHeadAttention (key_dim = features / num_heads, rounded down), gamma and beta of LN1 and of
///            LN2, kernel and bias of W1 (features, intermediate_dim) and of W2 (intermediate_dim, features)
///   throws   ShapeError for another rank, fewer features than heads, and masks that do not fit; ValueError for an
///            option out of its range
///
/// Vaswani et al. (2017), "Attention Is All You Need". As keras_hub.layers.TransformerEncoder.
struct TransformerEncoderOptions {
  static constexpr auto class_name = "TransformerEncoder";
  static constexpr auto package = "keras_hub";
  static constexpr auto module = "keras_hub.src.layers.modeling.transformer_encoder";

  int intermediate_dim = 0;  ///< width of the network in between; has to be given
  int num_heads = 0;         ///< heads of the attention; has to be given
  float dropout = 0.0f;      ///< in training; of the attention's scores too. From 0 to 1
  ActivationFunction activation = "relu";
  float layer_norm_epsilon = 1e-5f;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  bool normalize_first = false;  ///< normalise before the two, not behind them
  std::string name = {};
  bool trainable = true;
};

class TransformerEncoder : public LayerOf<TransformerEncoderOptions, TransformerEncoder> {
 public:
  using LayerOf::LayerOf;

  Tensor operator()(ArrayRef input, const EncoderOptions& options = {}) const;
  SymbolicTensor operator()(const SymbolicTensor& input, const SymbolicEncoderOptions& options = {}) const;

  /// The output and the scores of the attention, as return_attention_scores = True in KerasHub.
  std::pair<Tensor, Tensor> with_scores(ArrayRef input, const EncoderOptions& options = {}) const;
  std::pair<SymbolicTensor, SymbolicTensor> with_scores(const SymbolicTensor& input,
                                                        const SymbolicEncoderOptions& options = {}) const;
};
extern template class LayerOf<TransformerEncoderOptions, TransformerEncoder>;

}  // namespace xl
