#pragma once

#include <cstddef>
#include <cstdint>

#include "xlayers/framework/tensor/data.hpp"

// Internal: numbers as the files of others hold them.

namespace xl {

class FileReader;

enum class StoredType : std::uint8_t {
  float16,
  bfloat16,
  float32,
  float64,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  boolean
};

/// The bytes of one number.
std::size_t size_of(StoredType type);

/// In which order the bytes of a number and the numbers of an array stand.
struct StoredOrder {
  bool big_endian = false;
  bool fortran = false;  ///< the first axis is the innermost one
};

/// Reads the next numbers of the file as an array of this shape: floats as float32, whole numbers and bools as an Array takes
/// them from a program. Throws SerializationError before it allocates if there are not as many.
Array read_numbers(FileReader& file, StoredType type, const Shape& shape, const StoredOrder& order = {});

/// The numbers of a tensor of `shape` whose first axis is the innermost one, as C orders them: the tensor of the reversed
/// shape, transposed.
void from_fortran_order(const float* from, const Shape& shape, float* to);

}  // namespace xl
