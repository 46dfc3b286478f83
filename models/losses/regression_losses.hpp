#pragma once

#include <string>

#include "xlayers/framework/config/configured.hpp"
#include "xlayers/models/losses/loss.hpp"

namespace xl {

// Losses for predictions that are numbers. t is the target, p the prediction, e = p - t.

/// The mean of e^2. As keras.losses.MeanSquaredError; "mse".
struct MeanSquaredErrorOptions {
  static constexpr auto class_name = "MeanSquaredError";
  std::string name = "mean_squared_error";
};
using MeanSquaredError = Configured<Loss, MeanSquaredErrorOptions>;
extern template class Configured<Loss, MeanSquaredErrorOptions>;

/// The mean of |e|; where e = 0 the gradient is that from below, as with JAX. As
/// keras.losses.MeanAbsoluteError; "mae".
struct MeanAbsoluteErrorOptions {
  static constexpr auto class_name = "MeanAbsoluteError";
  std::string name = "mean_absolute_error";
};
using MeanAbsoluteError = Configured<Loss, MeanAbsoluteErrorOptions>;
extern template class Configured<Loss, MeanAbsoluteErrorOptions>;

/// The mean of 100 |e| / max(|t|, 1e-7). As keras.losses.MeanAbsolutePercentageError; "mape".
struct MeanAbsolutePercentageErrorOptions {
  static constexpr auto class_name = "MeanAbsolutePercentageError";
  std::string name = "mean_absolute_percentage_error";
};
using MeanAbsolutePercentageError = Configured<Loss, MeanAbsolutePercentageErrorOptions>;
extern template class Configured<Loss, MeanAbsolutePercentageErrorOptions>;

/// The mean of (ln(p + 1) - ln(t + 1))^2, where p and t below 1e-7 count as 1e-7. As
/// keras.losses.MeanSquaredLogarithmicError; "msle".
struct MeanSquaredLogarithmicErrorOptions {
  static constexpr auto class_name = "MeanSquaredLogarithmicError";
  std::string name = "mean_squared_logarithmic_error";
};
using MeanSquaredLogarithmicError = Configured<Loss, MeanSquaredLogarithmicErrorOptions>;
extern template class Configured<Loss, MeanSquaredLogarithmicErrorOptions>;

/// Quadratic for errors up to `delta`, linear beyond: the mean of e^2 / 2 if |e| <= delta, else
/// delta |e| - delta^2 / 2. As keras.losses.Huber; "huber".
///
/// Throws ValueError unless delta is a positive number.
struct HuberOptions {
  static constexpr auto class_name = "Huber";
  double delta = 1;
  std::string name = "huber_loss";
};
using Huber = Configured<Loss, HuberOptions>;
extern template class Configured<Loss, HuberOptions>;

/// The mean of ln(cosh(e)): about e^2 / 2 for small errors, |e| - ln(2) for large ones. As
/// keras.losses.LogCosh; "log_cosh".
struct LogCoshOptions {
  static constexpr auto class_name = "LogCosh";
  std::string name = "log_cosh";
};
using LogCosh = Configured<Loss, LogCoshOptions>;
extern template class Configured<Loss, LogCoshOptions>;

}  // namespace xl
