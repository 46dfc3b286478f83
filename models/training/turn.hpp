#pragma once

#include <span>
#include <string>
#include <thread>

// Internal: who trains which weights.

namespace xl {

/// The right to train some weights. While one thread has it, another gets an error instead of a step whose gradients are
/// those of weights that have changed since: of one model, or of two that share layers. The thread that has it may train
/// within its run (a callback that trains on more data), but not within one of its batches (a loss that does).
class Turn {
 public:
  enum class Of { run, batch, saving };  ///< the last one writes nothing: several threads may save

  /// `changed` is what training writes, the weights among it, in the order of the addresses; it has to live as long. Throws
  /// ValueError, which begins with `label`, if it is another's turn.
  Turn(Of what, std::span<const void* const> changed, const std::string& label);
  ~Turn();
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  static void forget_others();

  const Of what_;
  const std::span<const void* const> changed_;
  const std::thread::id thread_ = std::this_thread::get_id();
  Turn* next_ = nullptr;  // in the list of all
};

}  // namespace xl
