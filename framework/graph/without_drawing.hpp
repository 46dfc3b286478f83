#pragma once

#include <cstdint>

// Internal: layers whose weights come from a file.

namespace xl {

/// While one of these lives, layers that this thread builds get weights whose numbers are not set, and no more of them than
/// `most`: a config must not ask for more memory than the file that it stands in has numbers for.
class WithoutDrawing {
 public:
  explicit WithoutDrawing(std::int64_t most);
  ~WithoutDrawing();
  WithoutDrawing(const WithoutDrawing&) = delete;
  WithoutDrawing& operator=(const WithoutDrawing&) = delete;

  /// Whether one lives. Then `count` more numbers are taken; throws SerializationError if there are no more.
  static bool takes(std::int64_t count);

 private:
  const std::int64_t most_;
  std::int64_t taken_ = 0;
  WithoutDrawing* const before_;
};

}  // namespace xl
