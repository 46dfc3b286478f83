#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "xlayers/models/training/callback.hpp"

namespace xl {

/// Writes the logs of each epoch into a CSV file, a line an epoch:
///
///     epoch,loss,mae,val_loss,val_mae
///     0,0.25,0.5,0.3125,0.5
///
/// The columns are the epoch, counted from 0, and what the logs of the first epoch hold, in order of their names; if
/// nothing of it is of a validation, there are columns for that too, since it may come in a later epoch. What an epoch
/// does not have is NA. Numbers have the digits that tell them from any other number; a number that is none is nan, inf
/// or -inf. Lines end with CR LF, as RFC 4180 says. Each line is in the file once its epoch is over.
///
/// A logger serves one `fit` at a time. As keras.callbacks.CSVLogger, byte by byte.
class CSVLogger : public Callback {
 public:
  struct Options {
    std::string filename = {};  ///< has to be given; its folder has to be there
    char separator = ',';
    bool append = false;  ///< write behind what is there, without a header, instead of over it
  };

  /// Throws ValueError if there is no filename, or if the separator is a quote or the end of a line.
  explicit CSVLogger(const Options& options);

  /// Opens the file. Throws SerializationError that names it if it cannot be opened.
  void on_train_begin(Logs& logs) override;
  /// Throws SerializationError if the line cannot be written, for one because the disk is full.
  void on_epoch_end(int epoch, Logs& logs) override;
  void on_train_end(Logs& logs) override;

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  void write(const std::vector<std::string>& cells);
  [[noreturn]] void fail(const char* what) const;

  const Options options_;
  std::unique_ptr<std::FILE, Close> file_;
  bool header_ = true;                // whether it is still to be written
  std::vector<std::string> columns_;  // without the epoch; empty before the first line
};

}  // namespace xl
