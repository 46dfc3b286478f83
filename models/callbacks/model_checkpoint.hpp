#pragma once

#include <optional>
#include <string>

#include "xlayers/models/callbacks/monitor_callback.hpp"
#include "xlayers/models/callbacks/save_frequency.hpp"

namespace xl {

/// Saves the model, or its weights alone, each epoch or every so many batches; with `save_best_only`, only if a value of the
/// logs has become better.
///
///     model.fit(x, y, {.epochs = 50, .callbacks = {xl::ModelCheckpoint({.filepath = "best.xl", .monitor = "loss",
///                                                                       .save_best_only = true})}});
///
/// The path may have numbers in it, `"{epoch:02d}-{val_loss:.2f}.xl"`: epoch and batch, counted from 1, and what the logs
/// hold, in the forms of Python's str.format with a width, a precision and one of d, f, e and g. Its folder is made if it is
/// not there. A file is whole at any moment.
///
/// As keras.callbacks.ModelCheckpoint, whose files are .keras and .weights.h5.
class ModelCheckpoint : public MonitorCallback {
 public:
  struct Options {
    std::string filepath = {};          ///< has to be given, and to end in .xl
    std::string monitor = "val_loss";   ///< a name in the logs; if it is not there, a warning says so, and all is saved
    int verbose = 0;                    ///< 1: says what it does
    bool save_best_only = false;        ///< only if what is monitored is better than ever before
    bool save_weights_only = false;     ///< model.save_weights instead of model.save
    std::string mode = "auto";          ///< "min": lower is better; "max": higher is; "auto": by what is monitored
    SaveFrequency save_freq = "epoch";  ///< or a number of batches
    /// What the first value has to be better than.
    std::optional<double> initial_value_threshold = {};
  };

  /// Throws ValueError for a path that does not end in .xl or is no pattern, an unknown mode, and what is no number.
  explicit ModelCheckpoint(const Options& options);

  /// With save_best_only, throws ValueError as MonitorCallback.
  void on_train_begin(Logs& logs) override;
  void on_epoch_begin(int epoch, Logs& logs) override;
  /// Throws ValueError if the path names what the logs do not hold, and as Model::save.
  void on_train_batch_end(int batch, Logs& logs) override;
  void on_epoch_end(int epoch, Logs& logs) override;

  State state() const override;
  void restore(const State& state) override;

 private:
  void save(std::optional<int> batch, const Logs& logs);
  bool wanted(const std::string& path, const Logs& logs);

  const Options options_;
  SaveFrequency frequency_;
  int epoch_ = 0;
};

}  // namespace xl
