#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "xlayers/framework/config/configured.hpp"
#include "xlayers/models/optimizers/learning_rate_schedule.hpp"

namespace xl {

/// The rate falls by the same factor in each `decay_steps` steps.
///
///     rate = initial_learning_rate * decay_rate ^ (step / decay_steps)
///     staircase: the exponent is rounded down
///
/// Throws ValueError for a rate below 0 or not finite, or decay_steps below 1. As
/// keras.optimizers.schedules.ExponentialDecay.
struct ExponentialDecayOptions {
  static constexpr auto class_name = "ExponentialDecay";
  static constexpr bool without_defaults = true;
  double initial_learning_rate = std::numeric_limits<double>::quiet_NaN();  ///< has to be given
  std::int64_t decay_steps = 0;                                             ///< has to be given
  double decay_rate = std::numeric_limits<double>::quiet_NaN();             ///< has to be given
  bool staircase = false;
  std::string name = "ExponentialDecay";
};
using ExponentialDecay = Configured<LearningRateSchedule, ExponentialDecayOptions>;
extern template class Configured<LearningRateSchedule, ExponentialDecayOptions>;

/// The rate falls along half a cosine, after a linear warm-up if there is a `warmup_target`.
///
///     s = min(step, decay_steps)
///     rate = initial_learning_rate * ((1 - alpha) * (1 + cos(pi * s / decay_steps)) / 2 + alpha)
///
///     with warmup_target, while step < warmup_steps:
///     rate = initial_learning_rate + (warmup_target - initial_learning_rate) * step / warmup_steps
///     and from there on as above with warmup_target for initial_learning_rate and step - warmup_steps for step
///
/// Without warmup_target, warmup_steps means nothing. Throws ValueError for a rate or alpha below 0 or not finite,
/// decay_steps below 1, or warmup_steps below 0.
///
/// Loshchilov, Hutter (2017), "SGDR: stochastic gradient descent with warm restarts". As
/// keras.optimizers.schedules.CosineDecay.
struct CosineDecayOptions {
  static constexpr auto class_name = "CosineDecay";
  static constexpr bool without_defaults = true;
  double initial_learning_rate = std::numeric_limits<double>::quiet_NaN();  ///< has to be given
  std::int64_t decay_steps = 0;                                             ///< has to be given
  double alpha = 0;  ///< the rate at the end, as a part of that at the beginning
  std::optional<double> warmup_target = {};
  std::int64_t warmup_steps = 0;  ///< before the decay_steps
  std::string name = "CosineDecay";
};
using CosineDecay = Configured<LearningRateSchedule, CosineDecayOptions>;
extern template class Configured<LearningRateSchedule, CosineDecayOptions>;

/// The rate is values[i] up to and including step boundaries[i], and the last of the values after all of them.
///
/// Throws ValueError unless there is one value more than boundaries, the boundaries rise, and the values are finite
/// numbers from 0 on. As keras.optimizers.schedules.PiecewiseConstantDecay.
struct PiecewiseConstantDecayOptions {
  static constexpr auto class_name = "PiecewiseConstantDecay";
  static constexpr bool without_defaults = true;
  std::vector<std::int64_t> boundaries = {};
  std::vector<double> values = {};
  std::string name = "PiecewiseConstant";
};
using PiecewiseConstantDecay = Configured<LearningRateSchedule, PiecewiseConstantDecayOptions>;
extern template class Configured<LearningRateSchedule, PiecewiseConstantDecayOptions>;

}  // namespace xl
