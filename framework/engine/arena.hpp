#pragma once

// Where the tensors of a piece lie in one block of memory.

#include <cstdint>
#include <vector>

#include "xlayers/framework/base/checked.hpp"

namespace xl {

constexpr std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// So many floats, up to the end of a cache line.
constexpr std::int64_t round_up(std::int64_t floats) {
  constexpr std::int64_t line = 16;
  return divide_up(floats, line) * line;
}

/// A place in the arena that is needed from one point in time to another, both included.
struct Buffer {
  std::int64_t per_sample = 0, fixed = 0;  // floats
  int birth = 0, death = 0;
  std::int64_t* offset = nullptr;

  /// Throws ShapeError if it is too large.
  std::int64_t size(std::int64_t samples) const {
    return round_up(checked_add(checked_mul(per_sample, samples), fixed));
  }
};

/// Gives every buffer a place so that no two that live at the same time overlap; the largest first, each as
/// low as it fits. Gives the size of the whole. `guard` floats before and behind each buffer stay free. Throws ShapeError if the
/// whole is too large.
std::int64_t place(std::vector<Buffer>& buffers, std::int64_t samples, std::int64_t guard);

}  // namespace xl
