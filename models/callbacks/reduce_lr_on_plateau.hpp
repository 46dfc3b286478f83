#pragma once

#include <string>

#include "xlayers/models/callbacks/monitor_callback.hpp"

namespace xl {

/// Lowers the learning rate when a value of the logs has not become better for `patience` epochs:
///
///     rate = max(rate * factor, min_lr)
///
/// Adds the rate with which the epoch was trained to its logs, as "learning_rate".
///
/// As keras.callbacks.ReduceLROnPlateau, which only warns of an unknown mode, and finds the way of "auto" at the end of the
/// first epoch.
class ReduceLROnPlateau : public MonitorCallback {
 public:
  struct Options {
    std::string monitor = "val_loss";  ///< a name in the logs; if it is not there, a warning says so
    double factor = 0.1;               ///< from 0 up to, but not including, 1
    int patience = 10;                 ///< epochs without improvement before the rate is lowered
    int verbose = 0;                   ///< 1: says what it does
    std::string mode = "auto";         ///< "min": lower is better; "max": higher is; "auto": by what is monitored
    double min_delta = 1e-4;           ///< a change of no more than this is no improvement; its sign does not count
    int cooldown = 0;                  ///< epochs after a reduction in which nothing is counted
    double min_lr = 0.0;               ///< the lowest rate
  };

  ReduceLROnPlateau();
  /// Throws ValueError for a factor outside of [0, 1), a patience, cooldown or min_lr below 0, an unknown mode, and what is
  /// not a number.
  explicit ReduceLROnPlateau(const Options& options);

  /// Throws ValueError as MonitorCallback.
  void on_train_begin(Logs& logs) override;
  State state() const override;
  void restore(const State& state) override;

  /// Throws ValueError if the rate is to be lowered and the optimizer has a schedule.
  void on_epoch_end(int epoch, Logs& logs) override;

 private:
  const Options options_;
  int cooldown_left_ = 0;
};

}  // namespace xl
