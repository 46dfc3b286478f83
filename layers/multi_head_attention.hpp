#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "xlayers/framework/graph/layer_of.hpp"

namespace xl {

/// What a call of MultiHeadAttention on data takes besides query, value and key.
struct AttentionOptions {
  /// The masks of the inputs, (batch, steps): 1 where a step counts, 0 where it is padding.
  Array query_mask = {}, value_mask = {}, key_mask = {};
  /// (batch, T, S), or one for each head, (batch, num_heads, T, S): not 0 where query t may see key s. Each axis may also
  /// be 1, and (T, S) alone is the same for all samples.
  Array attention_mask = {};
  bool training = false;         ///< as in training: dropout drops
  bool use_causal_mask = false;  ///< query t sees the keys 0 ... t
};

/// What a call on symbolic tensors takes besides.
struct SymbolicAttentionOptions {
  /// Masks of the inputs, (batch, steps), in place of those that travel with them.
  std::optional<SymbolicTensor> query_mask = {}, value_mask = {}, key_mask = {};
  std::optional<SymbolicTensor> attention_mask = {};  ///< as in AttentionOptions, with a batch axis
  bool use_causal_mask = false;                       ///< query t sees the keys 0 ... t
};

/// Attention with several heads: each step of a query takes what it finds important from the steps of a value.
///
///   inputs   query (batch, T, features), value (batch, S, ...), and key (batch, S, ...), by default the value
///   output   (batch, T, output_shape), by default as many features as the query; with_scores gives the scores
///            (batch, num_heads, T, S) too: how much of value s is in output t
///   weights  for each of query, key, [gate,] value: kernel (features, num_heads, key_dim) and bias (num_heads, key_dim),
///            with value_dim in the place of key_dim for gate and value; of the output: kernel (num_heads, value_dim,
///            output_shape) and bias (output_shape). Biases if use_bias, gate if use_gate.
///   throws   ShapeError if the inputs are no three such tensors or an attention mask does not broadcast to (batch, T, S);
///            ValueError for an option out of its range, or a key_mask without a key
///
/// A query that sees no key at all, because of the masks, gets the scores 0.
///
/// Vaswani et al. (2017), "Attention Is All You Need". As keras.layers.MultiHeadAttention.
struct MultiHeadAttentionOptions {
  static constexpr auto class_name = "MultiHeadAttention";
  static constexpr auto package = "keras";

  int num_heads = 0;                  ///< has to be given
  int key_dim = 0;                    ///< features of a query and of a key in each head; has to be given
  std::optional<int> value_dim = {};  ///< features of a value in each head; by default key_dim
  float dropout = 0.0f;               ///< how many of the scores are dropped in training, from 0 to 1
  bool use_bias = true;
  bool use_gate = false;  ///< each head's result is multiplied with sigmoid(gate(query))
  std::optional<int> output_shape = {};
  std::optional<std::vector<int>> attention_axes = {};  ///< {1} is the only axis there is
  std::optional<int> sliding_window = {};               ///< query t sees key s only if |t - s| < sliding_window
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};  ///< of all projections: query, key, gate, value and output
  Constraint kernel_constraint = {};
  Constraint bias_constraint = {};
  std::optional<std::int64_t> seed = {};  ///< of dropout
  std::string name = {};
  bool trainable = true;
};

class MultiHeadAttention : public LayerOf<MultiHeadAttentionOptions, MultiHeadAttention> {
 public:
  using LayerOf::LayerOf;

  using Layer::operator();
  Tensor operator()(ArrayRef query, ArrayRef value, const AttentionOptions& options = {}) const;
  Tensor operator()(ArrayRef query, ArrayRef value, ArrayRef key, const AttentionOptions& options = {}) const;
  SymbolicTensor operator()(const SymbolicTensor& query, const SymbolicTensor& value,
                            const SymbolicAttentionOptions& options = {}) const;
  SymbolicTensor operator()(const SymbolicTensor& query, const SymbolicTensor& value, const SymbolicTensor& key,
                            const SymbolicAttentionOptions& options = {}) const;

  /// The output and the scores, as return_attention_scores = True in Keras.
  std::pair<Tensor, Tensor> with_scores(ArrayRef query, ArrayRef value, const AttentionOptions& options = {}) const;
  std::pair<Tensor, Tensor> with_scores(ArrayRef query, ArrayRef value, ArrayRef key,
                                        const AttentionOptions& options = {}) const;
  std::pair<SymbolicTensor, SymbolicTensor> with_scores(const SymbolicTensor& query, const SymbolicTensor& value,
                                                        const SymbolicAttentionOptions& options = {}) const;
  std::pair<SymbolicTensor, SymbolicTensor> with_scores(const SymbolicTensor& query, const SymbolicTensor& value,
                                                        const SymbolicTensor& key,
                                                        const SymbolicAttentionOptions& options = {}) const;
};
extern template class LayerOf<MultiHeadAttentionOptions, MultiHeadAttention>;

}  // namespace xl
