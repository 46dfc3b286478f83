#pragma once

#include <string>

#include "xlayers/framework/graph/layer_of.hpp"

namespace xl {

/// Takes level and scale of a series away before a model, and gives them back to what the model makes of it.
///
///     norm:    y = (x - m) / s * w + b        with m the mean of x over its steps, s = sqrt(variance + eps)
///     denorm:  y = (z - b) / w * s + m        with m and s of the series x that was normalised
///
///   input    norm: the series x (batch, steps, num_features); denorm: z (batch, any steps, num_features) and x
///   output   the shape of the first input
///   weights  affine_weight w, ones, and affine_bias b, zeros, both (num_features), if affine
///   throws   ShapeError for inputs that are not such; ValueError for num_features below 1, a negative eps, and a mode
///            other than "norm" and "denorm"
///
///     auto z = model(rev(x));
///     auto forecast = rev.denorm(z, x);
///
/// Each feature of each series has a level and a scale of its own, and gradients pass through both. The layer keeps
/// nothing from one call to the next, so `denorm` is told the series, from which the same two are computed again: the
/// call's arguments are {"mode": "denorm"}.
///
/// Kim et al. (2022), "Reversible Instance Normalization for Accurate Time-Series Forecasting against Distribution
/// Shift". As kerasfactory.layers.ReversibleInstanceNorm, whose "denorm" takes what its last "norm" left behind.
struct ReversibleInstanceNormOptions {
  static constexpr auto class_name = "ReversibleInstanceNorm";

  int num_features = 0;        ///< features of the series; has to be given
  float eps = 1e-5f;           ///< added to the variance
  bool affine = false;         ///< scale and shift what is normalised
  bool subtract_last = false;  ///< m is the last step and not the mean; s is the same
  bool non_norm = false;       ///< do nothing
  std::string name = {};
  bool trainable = true;
};

class ReversibleInstanceNorm : public LayerOf<ReversibleInstanceNormOptions, ReversibleInstanceNorm> {
 public:
  using LayerOf::LayerOf;

  /// `z` with the level and the scale of `x`.
  SymbolicTensor denorm(const SymbolicTensor& z, const SymbolicTensor& x) const;
  Tensor denorm(ArrayRef z, ArrayRef x) const;
};
extern template class LayerOf<ReversibleInstanceNormOptions, ReversibleInstanceNorm>;

}  // namespace xl
