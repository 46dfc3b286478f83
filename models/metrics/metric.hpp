#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "xlayers/framework/config/config.hpp"
#include "xlayers/models/losses/loss.hpp"

namespace xl {

/// A number that says how good predictions are, averaged over all rows seen: accumulate over the
/// pieces of the data into a total and a count, then ask for the result. A metric keeps no state,
/// so the caller adds up the pieces in the order it likes. The metrics themselves stand in
/// accuracy.hpp and loss_metrics.hpp.
///
/// A copy is cheap; a metric never changes.
class Metric {
 public:
  class Impl;  // models/metrics/metric_impl.hpp

  /// By name, as Keras spells it: "mse", "MSE", "mean_squared_error" or "MeanSquaredError", and so on, with
  /// Keras' defaults, "rmse" (which Keras does not have), or the name of a registered metric of one's own.
  /// "accuracy" and "acc" are what fits the shapes. Throws ValueError that lists the names.
  Metric(const char* name);
  Metric(const std::string& name);
  Metric(const Metric&) = default;  // what is moved is copied, and of use afterwards
  Metric& operator=(const Metric&) = default;

  /// The value for one row.
  using Function = std::function<double(std::span<const float> target, std::span<const float> prediction)>;
  /// A metric of one's own: the mean over the rows of a function. It may run on several threads at once.
  /// `target_features` is what a row of the target has, if not as many as the prediction.
  ///
  ///     auto bias = xl::Metric::own("bias", [](auto target, auto prediction) { return prediction[0] - target[0]; });
  ///     xl::register_metric(bias);  // so that a stored model that names it can be read
  ///
  /// Throws ValueError if the name is empty or one of Keras', or if there is no function.
  static Metric own(std::string name, Function function, std::int64_t target_features = 0);

  /// total += sum over rows of weight[row] * value[row],  count += sum over rows of weight[row].
  /// `gradient` and `scale` of the call are not looked at. Throws as Loss::operator().
  void accumulate(const LossCall& call, double& total, double& count) const;
  /// The metric of what was accumulated; 0 if that is nothing.
  double result(double total, double count) const;

  /// How many numbers a row of the target has for a prediction of so many features: as many, or 1 where
  /// the target is the label of a class. "accuracy" takes either.
  std::int64_t target_features(std::int64_t features) const;
  /// The metric for rows of these sizes. "accuracy" is BinaryAccuracy for a prediction of one feature,
  /// SparseCategoricalAccuracy for a target of one, else CategoricalAccuracy, under its own name; any other metric
  /// is itself. Throws ShapeError if a target's row does not fit.
  Metric resolved(std::int64_t features, std::int64_t target_features) const;
  /// Which way is better; none if that is not known, as for a metric of one's own.
  std::optional<bool> higher_is_better() const;

  /// The metric's key in a History: the name it was made from.
  const std::string& name() const;
  /// Keras' name of the class, such as "RootMeanSquaredError"; "MeanMetricWrapper" for one's own.
  const char* class_name() const;
  /// All options under Keras' keys.
  Config get_config() const;

 protected:
  explicit Metric(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

 private:
  friend Value to_value(const Metric& metric);

  std::shared_ptr<const Impl> impl_;
  std::string spelled_;  // the name it was made from, if it was
};

/// Makes a metric of one's own known by its name, in place of one that had the name before. Throws ValueError for
/// one of Keras'.
void register_metric(const Metric& metric);

/// A metric made from a name of Keras and one of one's own are stored as that name; another as Keras stores it:
/// `{"module": "keras.metrics", "class_name": "MeanSquaredError", "config": {...}, ...}`.
Value to_value(const Metric& metric);
/// The inverse; a function of Keras (`{"class_name": "function", "config": "binary_accuracy", ...}`) is what its
/// name means. Throws ValueError for an unknown name, class or key.
void from_value(const Value& value, Metric& metric);

}  // namespace xl
