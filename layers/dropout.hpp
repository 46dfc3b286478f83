#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "xlayers/framework/graph/layer_of.hpp"

namespace xl {

/// Sets a part of its input to 0 in training, another in each step, and scales up the rest, so that its sum stays the same
/// on average. In inference, the input is passed on as it is.
///
///     y = x / (1 - rate) with probability 1 - rate, else 0
///
///   input    (batch, ...)
///   output   the same shape
///   weights  none
///   throws   ValueError for a rate that is not from 0 to 1, and an extent in noise_shape below 1; ShapeError for an
///            input that noise_shape does not fit
///
/// Srivastava et al. (2014), "Dropout: A Simple Way to Prevent Neural Networks from Overfitting". As keras.layers.Dropout.
struct DropoutOptions {
  static constexpr auto class_name = "Dropout";
  static constexpr auto package = "keras";

  float rate = -1;                        ///< how much to drop, 0 to 1; has to be given
  std::optional<std::int64_t> seed = {};  ///< then what drops depends on it and the step alone
  /// The shape of what is drawn, batch included: on an axis where it has a 1, one number decides for all. Else it has
  /// the input's extent, or None (null in a config); for the batch any number. Empty: the input's shape.
  std::vector<Dim> noise_shape = {};
  Regularizer activity_regularizer = {};
  std::string name = {};
  bool trainable = true;
};

class Dropout : public LayerOf<DropoutOptions, Dropout> {
 public:
  using LayerOf::LayerOf;

  explicit Dropout(double rate) : Dropout(Options{.rate = static_cast<float>(rate)}) {}
};
extern template class LayerOf<DropoutOptions, Dropout>;

}  // namespace xl
