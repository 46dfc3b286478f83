#pragma once

#include <cstdint>
#include <iosfwd>

namespace xl {

/// What a model takes in memory, in bytes, with batches of some size on num_threads() threads. Not in it: the data, and the
/// program itself.
struct MemoryUse {
  std::int64_t weights = 0;    ///< the values of all weights
  std::int64_t gradients = 0;  ///< of the trained ones; 0 before compile, as the next two
  std::int64_t optimizer = 0;  ///< its state
  std::int64_t step = 0;       ///< what one training step computes on its way, forward and backward
  std::int64_t predict = 0;    ///< what one prediction computes on its way

  /// Of a model that is trained, and of one that only predicts.
  std::int64_t training() const { return weights + gradients + optimizer + step; }
  std::int64_t serving() const { return weights + predict; }
};

/// "training 12.3 MiB: weights 3.0, gradients 3.0, optimizer 6.0, step 0.3; serving 3.1 MiB: weights 3.0, predict 0.1"
std::ostream& operator<<(std::ostream& out, const MemoryUse& use);

}  // namespace xl
