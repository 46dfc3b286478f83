#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "xlayers/framework/config/config.hpp"
#include "xlayers/framework/tensor/data.hpp"

// Internal: what an .xl file is made of, whatever stands in it: a config, and tensors with names.
//
//     xlayers-model 1 binary 0000000000001234 0123456789abcdef    the envelope
//     config, number of tensors, then of each: name, dtype, shape
//     the numbers of all tensors, in the same order
//
// behind the first line as an archive of Boost: binary, text or XML. Numbers in a binary archive lie there as in memory.

namespace xl {

/// A tensor in a file: what stands of it in the table.
struct TensorEntry {
  std::string name;
  DType dtype = DType::float32;
  Shape shape;
};

/// The same with its numbers, floats or 32-bit integers.
struct StoredTensor : TensorEntry {
  const void* numbers = nullptr;
};

/// An array that lives as long as it is written.
StoredTensor stored(std::string name, const Array& array);

/// How many tensors a file may have.
inline constexpr std::size_t most_tensors = 1 << 18;

/// Writes the file, whole or not at all. Throws SerializationError that names the path if it cannot be written, ValueError
/// for the format json and for too many tensors.
void write_xl_file(const std::string& path, Format format, const Config& config, std::span<const StoredTensor> tensors);

/// Reads one. Every error is a SerializationError that names the path. What is in memory is never much more than the file.
class XlFile {
 public:
  /// Reads the config and the table.
  explicit XlFile(const std::string& path);
  ~XlFile();

  const std::string& path() const;
  const Config& config() const;
  const std::vector<TensorEntry>& tensors() const;

  /// Reads the numbers of the next tensor of the table, as many as its shape says.
  void read(void* numbers);
  /// Reads the next tensor, whichever it is; the second has to be float32. Throw if there is none.
  Array read_array();
  Tensor read_tensor();
  void skip();
  /// Skips what stands before the last `count` tensors.
  void skip_to_last(std::size_t count);
  /// Throws unless all has been read and was as it was written.
  void finish();

  /// Runs `use` of what was read, and throws what it throws; but if the file was changed after it was written, says that.
  template <class Use>
  auto checked(Use use) {
    try {
      return use();
    } catch (...) {
      require_unchanged();
      throw;
    }
  }

 private:
  class Reader;
  template <class BoostArchive>
  class ReaderOf;
  void require_unchanged();
  const TensorEntry& next();

  std::unique_ptr<Reader> reader_;
};

}  // namespace xl
