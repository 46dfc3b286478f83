#pragma once

#include <optional>
#include <string>

#include "xlayers/models/callbacks/save_frequency.hpp"
#include "xlayers/models/training/callback.hpp"

namespace xl {

/// Keeps where a training stands, so that a program that was killed and is started again goes on from there:
///
///     model.fit(x, y, {.epochs = 100, .callbacks = {xl::BackupAndRestore({.backup_dir = "backup"})}});
///
/// It goes on with the same bits as if it had never been away: weights, the optimizer's state, the order of the samples,
/// dropout, the History that fit returns, and what EarlyStopping, ReduceLROnPlateau and ModelCheckpoint know; a callback of
/// one's own may say what it knows in `state`. The program has to come with the same data and options. (A CSVLogger begins
/// its file anew unless it appends.)
///
/// The backup is made before an epoch or a batch begins, when all callbacks have seen the one before, and is whole at any
/// moment. As keras.callbacks.BackupAndRestore, which goes on with another order of the samples, and from the beginning of
/// an epoch, without its History.
class BackupAndRestore : public Callback {
 public:
  struct Options {
    std::string backup_dir = {};        ///< has to be given; made if it is not there; for this training alone
    SaveFrequency save_freq = "epoch";  ///< or a number of batches
    bool double_checkpoint = false;     ///< keeps the backup before the last one too, for when the last cannot be read
    bool delete_checkpoint = true;      ///< at the end of the training; else it can go on another day, for more epochs
  };

  /// Throws ValueError if there is no backup_dir.
  explicit BackupAndRestore(const Options& options);

  /// Reads the backup if there is one. Throws SerializationError, and then the model is as it was, if it cannot be read or is
  /// of another model.
  void on_train_begin(Logs& logs) override;
  void on_epoch_begin(int epoch, Logs& logs) override;
  void on_train_batch_begin(int batch, Logs& logs) override;
  void on_train_batch_end(int batch, Logs& logs) override;
  void on_train_end(Logs& logs) override;

 private:
  void save();
  void restore_from(const std::string& path);
  std::string file(const char* name) const;

  const Options options_;
  SaveFrequency frequency_;
  std::optional<int> first_epoch_;
  bool due_ = false;
};

}  // namespace xl
