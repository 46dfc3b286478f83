#pragma once

#include <optional>
#include <string>

#include "xlayers/framework/config/configured.hpp"
#include "xlayers/models/optimizers/optimizer.hpp"

namespace xl {

/// Gradient descent whose step each element scales by its own running moments.
///
///     m = m + (1 - beta_1) (g - m),   v = v + (1 - beta_2) (g^2 - v)
///     w = w - rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon),   t = 1, 2, ...
///     amsgrad: the largest v so far instead of v
///
/// `epsilon` is the paper's epsilon hat, added to the uncorrected sqrt(v); PyTorch's Adam adds it
/// to the corrected one. Throws ValueError for a beta outside of [0, 1), an epsilon or a learning
/// rate below 0, more than one kind of clipping, or an option that is not a number.
///
/// Kingma, Ba (2015), "Adam: a method for stochastic optimization"; amsgrad: Reddi, Kale, Kumar (2018), "On the
/// convergence of Adam and beyond". As keras.optimizers.Adam.
struct AdamOptions {
  static constexpr auto class_name = "Adam";
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
  bool amsgrad = false;
  std::optional<double> weight_decay = {};     ///< every step: w = w - rate * weight_decay * w
  std::optional<double> clipnorm = {};         ///< the longest gradient of one weight
  std::optional<double> global_clipnorm = {};  ///< the longest gradient of all weights together
  std::optional<double> clipvalue = {};        ///< the largest element of a gradient
  std::string name = "adam";
};
using Adam = Configured<Optimizer, AdamOptions>;
extern template class Configured<Optimizer, AdamOptions>;

/// Adam with a decay of the weights that their gradients' moments do not see.
///
///     w = w - rate * weight_decay * w,   then as Adam
///
/// Adam with a `weight_decay` does the same; this one begins with 0.004. Throws ValueError as Adam.
///
/// Loshchilov, Hutter (2019), "Decoupled weight decay regularization". As keras.optimizers.AdamW.
struct AdamWOptions {
  static constexpr auto class_name = "AdamW";
  LearningRate learning_rate = 0.001;
  double weight_decay = 0.004;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
  bool amsgrad = false;
  std::optional<double> clipnorm = {};         ///< the longest gradient of one weight
  std::optional<double> global_clipnorm = {};  ///< the longest gradient of all weights together
  std::optional<double> clipvalue = {};        ///< the largest element of a gradient
  std::string name = "adam_w";
};
using AdamW = Configured<Optimizer, AdamWOptions>;
extern template class Configured<Optimizer, AdamWOptions>;

}  // namespace xl
