#pragma once

#include <optional>
#include <string>
#include <vector>

#include "xlayers/framework/tensor/tensor.hpp"
#include "xlayers/models/callbacks/monitor_callback.hpp"

namespace xl {

/// Ends the training when a value of the logs has not become better for `patience` epochs.
///
/// Only epochs whose logs hold the value count, and the first of all never ends the training. An epoch that is the best
/// so far does not end it either, even if it falls short of the baseline.
///
/// As keras.callbacks.EarlyStopping, which only warns of an unknown mode, and finds the way of "auto" at the end of the
/// first epoch.
class EarlyStopping : public MonitorCallback {
 public:
  struct Options {
    std::string monitor = "val_loss";     ///< a name in the logs; if it is not there, a warning says so
    double min_delta = 0;                 ///< a change of no more than this is no improvement; its sign does not count
    int patience = 0;                     ///< epochs without improvement that are borne
    int verbose = 0;                      ///< 1: says that it stops, and which weights it restores
    std::string mode = "auto";            ///< "min": lower is better; "max": higher is; "auto": by what is monitored
    std::optional<double> baseline = {};  ///< only an improvement that also beats this starts the patience anew
    bool restore_best_weights = false;    ///< at the end, whether it came early or not, set those of the best epoch
    int start_from_epoch = 0;             ///< the epochs before do not count
  };

  EarlyStopping();
  /// Throws ValueError for a patience or a start_from_epoch below 0, an unknown mode, and what is not a number.
  explicit EarlyStopping(const Options& options);

  /// Throws ValueError as MonitorCallback.
  void on_train_begin(Logs& logs) override;
  void on_epoch_end(int epoch, Logs& logs) override;
  void on_train_end(Logs& logs) override;

  State state() const override;
  void restore(const State& state) override;

  /// The epoch, counted from 0, that the last run was stopped after; 0: it was not.
  int stopped_epoch() const { return stopped_epoch_; }
  /// The epoch of the best value, counted from 0.
  int best_epoch() const { return best_epoch_; }

 private:
  const Options options_;
  int stopped_epoch_ = 0, best_epoch_ = 0;
  std::vector<Tensor> best_weights_;
};

}  // namespace xl
