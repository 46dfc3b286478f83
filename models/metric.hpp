#pragma once

#include <string>

#include "xlayers/framework/config.hpp"
#include "xlayers/models/loss.hpp"

namespace xl {

/// A number that says how good predictions are, averaged over all rows seen: accumulate over the
/// pieces of the data into a total and a count, then ask for the result. A metric keeps no state,
/// so the caller adds up the pieces in the order it likes.
class Metric {
 public:
  struct Kind;  // a row of the table in metric.cpp

  /// By name, as Keras spells it: "mse", "MSE", "mean_squared_error" or "MeanSquaredError";
  /// likewise "mae" and "rmse" (whose short form Keras does not have). Throws ValueError that lists
  /// the names.
  Metric(const char* name);
  Metric(const std::string& name);

  /// total += sum over rows of weight[row] * value[row],  count += sum over rows of weight[row],
  /// where value[row] is the mean over the row's features. `gradient` and `scale` of the call are
  /// not looked at.
  void accumulate(const LossCall& call, double& total, double& count) const;
  /// The metric of what was accumulated; 0 if that is nothing.
  double result(double total, double count) const;

  /// The metric's key in a History: the name it was made from.
  const std::string& name() const { return name_; }
  /// Keras' name of the class, such as "RootMeanSquaredError".
  const char* class_name() const;
  /// All options under Keras' keys.
  Config get_config() const;

 protected:
  Metric(const char* class_name, std::string name);

 private:
  friend Value to_value(const Metric& metric);
  friend void from_value(const Value& value, Metric& metric);

  const Kind* kind_;
  std::string name_;
  Loss error_;  // whose mean it takes
  bool by_name_ = false;
};

/// A metric made from a name of Keras is stored as that name; another as Keras stores it:
/// `{"module": "keras.metrics", "class_name": "MeanSquaredError", "config": {...}, ...}`.
Value to_value(const Metric& metric);
/// The inverse. Throws ValueError for an unknown name, class or key.
void from_value(const Value& value, Metric& metric);

/// The metrics by type. The classes in `xl` itself with these names are losses.
namespace metrics {

/// The mean of (prediction - target)^2. As keras.metrics.MeanSquaredError.
class MeanSquaredError : public Metric {
 public:
  struct Options {
    std::string name = "mean_squared_error";
  };
  MeanSquaredError();
  explicit MeanSquaredError(const Options& options);
};

/// The mean of |prediction - target|. As keras.metrics.MeanAbsoluteError.
class MeanAbsoluteError : public Metric {
 public:
  struct Options {
    std::string name = "mean_absolute_error";
  };
  MeanAbsoluteError();
  explicit MeanAbsoluteError(const Options& options);
};

/// The square root of the mean of (prediction - target)^2. As keras.metrics.RootMeanSquaredError.
class RootMeanSquaredError : public Metric {
 public:
  struct Options {
    std::string name = "root_mean_squared_error";
  };
  RootMeanSquaredError();
  explicit RootMeanSquaredError(const Options& options);
};

}  // namespace metrics
}  // namespace xl
