#pragma once

#include <cstddef>
#include <cstdint>

// Internal: what tells that a file is as it was written.

namespace xl {

/// The XXH3 checksum, of 64 bits, of bytes that come one after the other. Fast enough not to be noticed beside the disk.
class Checksum {
 public:
  Checksum();
  ~Checksum();
  Checksum(const Checksum&) = delete;
  Checksum& operator=(const Checksum&) = delete;

  void reset();
  void add(const void* bytes, std::size_t count);
  std::uint64_t value() const;

 private:
  void* const state_;
};

}  // namespace xl
