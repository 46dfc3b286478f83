#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "xlayers/framework/graph/layer_of.hpp"
#include "xlayers/framework/parts/positional_encoding.hpp"

namespace xl {

/// Fixed sinusoidal positional encodings: a pattern that tells the steps of a sequence apart, added to what is
/// embedded there.
///
///     PE(pos, 2i) = sin(pos / max_wavelength^(2i / d_model)),   PE(pos, 2i + 1) = cos(the same)
///
///   input    (batch, seq_len, ...)
///   output   (1, seq_len, d_model), the encodings; where they are added to the input: (batch, seq_len, d_model)
///   weights  none
///   throws   ValueError for max_len or d_model below 1, an unknown layout or merge_mode, steps beyond 2^24, and
///            a table that does not fit in memory; ShapeError for more steps than max_len, unless extrapolate, and
///            where it adds, for an input that is not (batch, seq_len, d_model)
///
/// The table is made when it is first needed, for max_len steps at once, and all layers of the process with the
/// same d_model, layout and max_wavelength share it.
///
/// Vaswani et al. (2017), "Attention Is All You Need", section 3.5. As kerasfactory.layers.PositionalEmbedding;
/// the page positional_embedding.md says where the two differ.
struct PositionalEmbeddingOptions {
  static constexpr auto class_name = "PositionalEmbedding";
  /// What KerasFactory\'s layer does where its config does not say.
  static Config kerasfactory() { return {{"layout", "halves"}, {"merge_mode", "none"}}; }

  int max_len = 5000;  ///< the most steps there may be
  int d_model = 512;   ///< the width of the encoding; an odd one ends with a sine
  /// "interleaved": sine and cosine in turn. "halves": all sines, then all cosines, as KerasFactory has it.
  std::string layout = "interleaved";
  /// "none": the output is the encoding. "add": it is the input plus the encoding. "auto": "add" in a Sequential,
  /// which passes a signal on, else "none".
  std::string merge_mode = "auto";
  bool extrapolate = false;         ///< serve sequences longer than max_len too
  float max_wavelength = 10000.0f;  ///< from 1 to 1e30
  std::string name = {};
  bool trainable = true;
};

class PositionalEmbedding : public LayerOf<PositionalEmbeddingOptions, PositionalEmbedding> {
 public:
  using LayerOf::LayerOf;

  /// The encodings of steps 0 ... seq_len - 1, (seq_len, d_model) row-major, as they lie in the shared table:
  /// nothing is copied. They stay as they are while the pointer lives, even if the table grows meanwhile; any
  /// number of threads may call it. Throws as a call does.
  std::shared_ptr<const float[]> encoding(std::int64_t seq_len) const;
};
extern template class LayerOf<PositionalEmbeddingOptions, PositionalEmbedding>;

}  // namespace xl
