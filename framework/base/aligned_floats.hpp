#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "xlayers/framework/base/checked.hpp"

namespace xl {

/// Floats that begin on a cache line. Their values are not set. Throws std::bad_alloc where there is not so much memory.
class AlignedFloats {
 public:
  AlignedFloats() = default;
  explicit AlignedFloats(std::int64_t size) : data_(allocate(size)), size_(size) {}

  float* data() const { return data_.get(); }
  std::int64_t size() const { return size_; }

 private:
  static constexpr std::align_val_t line{64};
  static float* allocate(std::int64_t size) {
    if (size > most_elements) throw std::bad_alloc();
    return static_cast<float*>(::operator new(static_cast<std::size_t>(size) * sizeof(float), line));
  }
  struct Free {
    void operator()(float* data) const { ::operator delete(data, line); }
  };

  std::unique_ptr<float, Free> data_;
  std::int64_t size_ = 0;
};

}  // namespace xl
