#pragma once

#include <optional>
#include <string>

#include "xlayers/models/training/callback.hpp"

namespace xl {

class Value;

/// A callback that watches one value of an epoch's logs, and tells whether it became better. As Keras' MonitorCallback.
class MonitorCallback : public Callback {
 public:
  /// Finds out which way is better. Throws ValueError if the mode is "auto" and the value is neither a loss nor a metric
  /// that the model is compiled with, or such a metric does not know: one of one's own.
  void on_train_begin(Logs& logs) override;

  State state() const override;
  void restore(const State& state) override;

  /// The best value of this run so far; none before the first.
  std::optional<double> best() const { return best_; }
  /// The epochs since the best one, as far as they count.
  int wait() const { return wait_; }

 protected:
  /// `mode` is "min", "max" or "auto". Throws ValueError for another, and for a min_delta that is not a number.
  MonitorCallback(const char* class_name, std::string monitor, std::string mode, double min_delta);

  /// The value in the logs. If it is not there: nothing, and one warning a run on the standard error, which begins with
  /// `what`, such as "Early stopping conditioned".
  std::optional<double> monitored(const Logs& logs, const char* what);

  /// Whether the value is better than the reference by more than min_delta; any is better than none. A NaN is no better,
  /// and nothing is better than a NaN.
  ///
  ///     min: value + |min_delta| < reference        max: value - |min_delta| > reference
  ///
  /// in single precision, as in Keras.
  bool improves(double value, std::optional<double> reference) const;

  /// Throws ValueError that names the class and the option, unless it is valid.
  void check(const char* option, const Value& value, bool valid, const char* expected) const;

  std::optional<double> best_;
  int wait_ = 0;

 private:
  bool higher_is_better() const;

  const char* class_name_;
  std::string monitor_, mode_;
  double min_delta_;
  bool higher_is_better_ = false;
  bool warned_ = false;
};

}  // namespace xl
