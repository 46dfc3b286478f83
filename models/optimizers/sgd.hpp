#pragma once

#include <optional>
#include <string>

#include "xlayers/framework/config/configured.hpp"
#include "xlayers/models/optimizers/optimizer.hpp"

namespace xl {

/// Stochastic gradient descent, with momentum.
///
///     momentum = 0:  w = w - rate * g
///     otherwise:     v = momentum * v - rate * g,   w = w + v
///     nesterov:      v as above,                    w = w + momentum * v - rate * g
///
/// Throws ValueError for a momentum outside of [0, 1], a learning rate below 0, more than one kind
/// of clipping, or an option that is not a number. As keras.optimizers.SGD.
struct SGDOptions {
  static constexpr auto class_name = "SGD";
  LearningRate learning_rate = 0.01;
  double momentum = 0;
  bool nesterov = false;
  std::optional<double> weight_decay = {};     ///< every step: w = w - rate * weight_decay * w
  std::optional<double> clipnorm = {};         ///< the longest gradient of one weight
  std::optional<double> global_clipnorm = {};  ///< the longest gradient of all weights together
  std::optional<double> clipvalue = {};        ///< the largest element of a gradient
  std::string name = "sgd";
};
using SGD = Configured<Optimizer, SGDOptions>;
extern template class Configured<Optimizer, SGDOptions>;

}  // namespace xl
