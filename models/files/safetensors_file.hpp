#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "xlayers/framework/base/file_reader.hpp"
#include "xlayers/framework/tensor/stored_numbers.hpp"
#include "xlayers/models/files/xl_file.hpp"

// Internal: what a .safetensors file is made of, https://github.com/huggingface/safetensors:
//
//     length of the header (8 bytes, little endian)
//     {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}, and spaces up to a multiple of 8
//     the numbers, without holes; the offsets count from here

namespace xl {

class SafetensorsFile {
 public:
  struct Entry {
    std::string name;
    StoredType type = StoredType::float32;
    std::string type_name;  ///< "F32"
    Shape shape;
    std::uint64_t begin = 0, end = 0;
  };

  /// Reads the table. Throws as load_safetensors.
  explicit SafetensorsFile(const std::string& path);

  /// In the order in which their numbers stand.
  const std::vector<Entry>& tensors() const { return tensors_; }
  /// Reads the numbers of the next one.
  Array read();
  void skip();

 private:
  [[noreturn]] void fail(const std::string& text) const;
  Entry read_entry(const std::string& name, const Config& config) const;

  FileReader file_;
  std::vector<Entry> tensors_;
  std::size_t next_ = 0;
};

/// Writes tensors in this order. Throws as save_safetensors.
void write_safetensors_file(const std::string& path, std::span<const StoredTensor> tensors);

}  // namespace xl
