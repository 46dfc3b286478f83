#pragma once

#include <cstdint>
#include <vector>

#include "xlayers/framework/graph/primitive.hpp"

namespace xl {

/// In builds with XLAYERS_GUARDS, as those with sanitizers are, so many floats stand free before and behind each buffer of
/// an arena. Numbers are set there before a layer is called and looked at afterwards: a layer that has written outside of
/// what it was given is found and named. No sanitizer sees that, since an arena is one block of memory.
#ifdef XLAYERS_GUARDS
inline constexpr std::int64_t guard_floats = 16;
#else
inline constexpr std::int64_t guard_floats = 0;
#endif

/// A buffer of an arena that a call of a layer may write: a tensor, or memory of the layer's own.
struct GuardedBuffer {
  const char* name = nullptr;  ///< in errors: "scratch"
  float* data = nullptr;
  std::int64_t per_sample = 0, fixed = 0;  ///< floats
  const Block* tensor = nullptr;  ///< whose data may be somewhere else for a run: then there is nothing to guard
};

/// What the forward, or the backward, of an operation may write; nothing in builds without guards.
class Guards {
 public:
  void add(const GuardedBuffer& buffer) {
    if (guard_floats > 0) buffers_.push_back(buffer);
  }
  /// Before a call: sets the numbers around each buffer.
  void set(std::int64_t samples) const;
  /// After it: throws ValueError that names the layer and the buffer if one of them is another.
  void check(std::int64_t samples, const PrimitiveLayer& layer) const;

 private:
  std::vector<GuardedBuffer> buffers_;
};

}  // namespace xl
