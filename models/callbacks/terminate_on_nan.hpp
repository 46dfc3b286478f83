#pragma once

#include "xlayers/models/training/callback.hpp"

namespace xl {

/// Ends the training, and says so, after a batch at which the loss is NaN or infinite; `fit` then returns what it has
/// instead of throwing. The weights are those of the batch before. As keras.callbacks.TerminateOnNaN.
class TerminateOnNaN : public Callback {
 public:
  struct Options {
    bool raise_error = false;  ///< throw a ValueError at once
  };

  TerminateOnNaN();
  explicit TerminateOnNaN(const Options& options);

  void on_train_batch_end(int batch, Logs& logs) override;

 private:
  const Options options_;
};

}  // namespace xl
