#pragma once

#include <cstdint>

#include "xlayers/models/training/callback_run.hpp"
#include "xlayers/models/training/history.hpp"
#include "xlayers/models/training/trainer.hpp"

// Internal: where a fit stands, for a callback that keeps it and goes on from there another time.

namespace xl {

/// Between two batches, or two epochs.
struct FitPosition {
  int epoch = 0;             ///< the one that runs, or that comes next
  std::int64_t batch = 0;    ///< how many of its batches are done
  std::int64_t batches = 0;  ///< of how many
  Totals totals = {};        ///< of those that are done
  History history = {};      ///< of the epochs that are done
};

/// One call of fit, as a callback sees it.
class FitRun {
 public:
  virtual ~FitRun() = default;
  virtual const Callbacks& callbacks() const = 0;
  virtual FitPosition position() const = 0;
  /// Whether all its epochs are done, or a callback has stopped it: not if it ends because something threw.
  virtual bool complete() const = 0;
  /// Has the fit begin there, once on_train_begin of every callback has returned, and gives the callbacks their states, those
  /// of one class in their order. To be called in on_train_begin. Throws ValueError if an epoch had another number of batches.
  virtual void go_on(const FitPosition& position, std::vector<Callback::State> states) = 0;
};

}  // namespace xl
