#pragma once

#include <optional>
#include <string>

#include "xlayers/framework/config/configured.hpp"
#include "xlayers/models/optimizers/optimizer.hpp"

namespace xl {

/// Gradient descent whose step each element scales by the root of its own running mean square.
///
///     v = rho * v + (1 - rho) * g^2
///     centered:      a = rho * a + (1 - rho) * g, and the variance v - a^2 instead of v in the root
///     momentum = 0:  w = w - rate * g / sqrt(v + epsilon)
///     otherwise:     m = momentum * m + rate * g / sqrt(v + epsilon),   w = w - m
///
/// `epsilon` is within the root; PyTorch's RMSprop adds it to the root. A variance below 0, which only rounding makes,
/// is 0. Throws ValueError for a rho or a momentum outside of [0, 1], an epsilon or a learning rate below 0, more than
/// one kind of clipping, or an option that is not a number.
///
/// Hinton (2012), "Neural networks for machine learning", lecture 6. As keras.optimizers.RMSprop.
struct RMSpropOptions {
  static constexpr auto class_name = "RMSprop";
  LearningRate learning_rate = 0.001;
  double rho = 0.9;
  double momentum = 0;
  double epsilon = 1e-7;
  bool centered = false;
  std::optional<double> weight_decay = {};     ///< every step: w = w - rate * weight_decay * w
  std::optional<double> clipnorm = {};         ///< the longest gradient of one weight
  std::optional<double> global_clipnorm = {};  ///< the longest gradient of all weights together
  std::optional<double> clipvalue = {};        ///< the largest element of a gradient
  std::string name = "rm_sprop";
};
using RMSprop = Configured<Optimizer, RMSpropOptions>;
extern template class Configured<Optimizer, RMSpropOptions>;

}  // namespace xl
