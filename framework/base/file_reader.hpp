#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <streambuf>
#include <string>

#include "xlayers/framework/base/checksum.hpp"

// Internal: how files are read.

namespace xl {

/// A file that is read from front to back, as a stream buffer.
class FileReader : public std::streambuf {
 public:
  /// Throws SerializationError that names the path if there is no such file, if it is a folder or anything else that has
  /// no size, or if it cannot be opened.
  explicit FileReader(const std::string& path);
  /// A file that lies in memory already; `path` is what errors call it.
  FileReader(const std::string& path, std::string bytes);
  ~FileReader() override;
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  const std::string& path() const { return path_; }
  /// The bytes of the file, and those before the next one.
  std::uint64_t size() const { return size_; }
  std::uint64_t position() const;

  /// Passes over bytes, which then count for no checksum.
  void skip(std::uint64_t count);

  /// The next `length` bytes are a part of their own: the stream ends behind them, and `checksum` is theirs.
  void begin_part(std::uint64_t length);
  /// The checksum of the whole part, of which what is left is read.
  std::uint64_t checksum();

  /// Throws SerializationError if the file could not be read: a stream only knows that it has ended.
  void check() const;

 protected:
  int_type underflow() override;
  std::streamsize xsgetn(char* bytes, std::streamsize count) override;

 private:
  [[noreturn]] void fail(int error) const;
  std::size_t read(char* bytes, std::size_t count);
  std::ptrdiff_t read_some(char* bytes, std::size_t count);
  void seek();

  const std::string path_;
  int file_ = -1;
  const std::string memory_;  // where there is no file
  int error_ = 0;
  std::uint64_t size_ = 0, read_ = 0, end_ = 0;  // read_ of the file are in the buffer or behind it
  Checksum hash_;
  std::array<char, 1 << 16> buffer_;
};

/// The bytes of a file. Throws SerializationError as FileReader.
std::string read_whole_file(const std::string& path);

}  // namespace xl
