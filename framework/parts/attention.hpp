#pragma once

#include <optional>

#include "xlayers/framework/graph/layer.hpp"

namespace xl {

/// The core of attention: each query takes a weighted mean of the values, and sees how much of each from the keys.
///
///   inputs   query (batch, T, heads, H), key (batch, S, heads, H), value (batch, S, heads, V), and then, if the options
///            say so, an attention mask (1 or batch, [1 or heads,] 1 or T, 1 or S) of floats or integers
///   masks    of the query (batch, T), of the key and of the value (batch, S): all of them must be 1
///   outputs  O (batch, T, heads, V); the scores P (batch, heads, T, S), if asked for
///   throws   ShapeError if the shapes do not fit
///
/// For each head, P = softmax(Q K^T / sqrt(H)) over the keys that a query sees, and O = P V. A query that sees no key has
/// the scores 0, and so O = 0. In training, `dropout` sets weights of the mean to 0 and scales the others; the
/// scores that are given out are those before.
struct AttentionCore {
  bool causal = false;                     ///< query t sees no key behind t
  std::optional<int> sliding_window = {};  ///< query t sees key s only if |t - s| < sliding_window
  float dropout = 0.0f;
  std::optional<std::int64_t> seed = {};     ///< of dropout
  std::optional<DType> attention_mask = {};  ///< what it is made of, if there is one
  bool scores = false;
  std::string name = {};  ///< of the layer that it is a part of
  bool trainable = true;
};
/// A new layer, without weights.
Layer attention_core(AttentionCore options);

}  // namespace xl
