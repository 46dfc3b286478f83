#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "xlayers/framework/tensor/shape.hpp"

// Internal: weights in HDF5, by the C library; one thread at a time.

namespace xl {

/// An HDF5 file that lies in memory, read. Every error is a SerializationError that begins with `label`. Links to elsewhere,
/// data in other files, and filters but gzip are refused.
class Hdf5Reader {
 public:
  /// Throws if the bytes are no HDF5 file.
  Hdf5Reader(std::string bytes, std::string label);
  ~Hdf5Reader();
  Hdf5Reader(const Hdf5Reader&) = delete;
  Hdf5Reader& operator=(const Hdf5Reader&) = delete;

  /// Every dataset, "layers/dense/vars/0", in the order of the names. Throws for what is neither a group nor a dataset, and for
  /// more than 100,000 of them or more than 64 levels.
  const std::vector<std::string>& datasets() const { return datasets_; }
  bool contains(const std::string& dataset) const;
  /// The extents. Throws if there is no such dataset, or if it has more than 8 axes.
  Shape shape(const std::string& dataset) const;
  /// Reads floats or whole numbers of any width as floats, or as whole numbers: as many as the shape says.
  void read(const std::string& dataset, float* numbers) const;
  std::int64_t read_whole(const std::string& dataset) const;

 private:
  [[noreturn]] void fail(const std::string& text) const;
  void list(std::int64_t group, const std::string& path, int depth);
  std::int64_t open(const std::string& dataset) const;

  const std::string bytes_, label_;
  std::int64_t file_ = -1;
  std::vector<std::string> datasets_;
};

/// An HDF5 file made in memory.
class Hdf5Writer {
 public:
  Hdf5Writer();
  ~Hdf5Writer();
  Hdf5Writer(const Hdf5Writer&) = delete;
  Hdf5Writer& operator=(const Hdf5Writer&) = delete;

  /// Makes the group and those on the way to it, if they are not there, with an attribute "name".
  void group(const std::string& path, const std::string& name);
  void write(const std::string& dataset, const Shape& shape, const float* numbers);
  void write_whole(const std::string& dataset, std::int32_t number);
  /// The file. Nothing more is written.
  std::string bytes();

 private:
  std::int64_t file_ = -1;
};

}  // namespace xl
