#pragma once

#include <string>

#include "xlayers/models/losses/loss.hpp"

namespace xl {

// Losses for predictions that are numbers. t is the target, p the prediction, e = p - t.

/// The mean of e^2. As keras.losses.MeanSquaredError; "mse".
class MeanSquaredError : public Loss {
 public:
  struct Options {
    std::string name = "mean_squared_error";
  };
  MeanSquaredError();
  explicit MeanSquaredError(const Options& options);
  /// Throws ValueError for a key that is not known; so do those of the other losses.
  static MeanSquaredError from_config(const Config& config);
};

/// The mean of |e|; where e = 0 the gradient is that from below, as with JAX. As
/// keras.losses.MeanAbsoluteError; "mae".
class MeanAbsoluteError : public Loss {
 public:
  struct Options {
    std::string name = "mean_absolute_error";
  };
  MeanAbsoluteError();
  explicit MeanAbsoluteError(const Options& options);
  static MeanAbsoluteError from_config(const Config& config);
};

/// The mean of 100 |e| / max(|t|, 1e-7). As keras.losses.MeanAbsolutePercentageError; "mape".
class MeanAbsolutePercentageError : public Loss {
 public:
  struct Options {
    std::string name = "mean_absolute_percentage_error";
  };
  MeanAbsolutePercentageError();
  explicit MeanAbsolutePercentageError(const Options& options);
  static MeanAbsolutePercentageError from_config(const Config& config);
};

/// The mean of (ln(p + 1) - ln(t + 1))^2, where p and t below 1e-7 count as 1e-7. As
/// keras.losses.MeanSquaredLogarithmicError; "msle".
class MeanSquaredLogarithmicError : public Loss {
 public:
  struct Options {
    std::string name = "mean_squared_logarithmic_error";
  };
  MeanSquaredLogarithmicError();
  explicit MeanSquaredLogarithmicError(const Options& options);
  static MeanSquaredLogarithmicError from_config(const Config& config);
};

/// Quadratic for errors up to `delta`, linear beyond: the mean of e^2 / 2 if |e| <= delta, else
/// delta |e| - delta^2 / 2. As keras.losses.Huber; "huber".
class Huber : public Loss {
 public:
  struct Options {
    double delta = 1;
    std::string name = "huber_loss";
  };
  Huber();
  /// Throws ValueError unless delta is a positive number.
  explicit Huber(const Options& options);
  static Huber from_config(const Config& config);
};

/// The mean of ln(cosh(e)): about e^2 / 2 for small errors, |e| - ln(2) for large ones. As
/// keras.losses.LogCosh; "log_cosh".
class LogCosh : public Loss {
 public:
  struct Options {
    std::string name = "log_cosh";
  };
  LogCosh();
  explicit LogCosh(const Options& options);
  static LogCosh from_config(const Config& config);
};

}  // namespace xl
