#pragma once

#include <concepts>
#include <cstdint>

#include "xlayers/framework/base/text.hpp"

namespace xl {

/// How often something is saved: "epoch", or a number of batches, which are counted from one epoch to the next.
class SaveFrequency {
 public:
  /// Throws ValueError for another text.
  SaveFrequency(const Text& text);
  SaveFrequency(const char* text) : SaveFrequency(Text(text)) {}
  /// Throws ValueError for a number below 1.
  SaveFrequency(std::integral auto batches) : SaveFrequency(static_cast<std::int64_t>(batches), 0) {}

  bool each_epoch() const { return batches_ == 0; }
  /// Counts a batch. True, and counted anew, if it is time to save.
  bool count_batch();
  std::int64_t counted() const { return counted_; }
  void count_from(std::int64_t counted) { counted_ = counted; }

 private:
  SaveFrequency(std::int64_t batches, int);

  std::int64_t batches_ = 0, counted_ = 0;
};

}  // namespace xl
