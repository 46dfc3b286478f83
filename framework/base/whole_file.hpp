#pragma once

#include <array>
#include <cstdint>
#include <streambuf>
#include <string>
#include <string_view>

#include "xlayers/framework/base/checksum.hpp"

// Internal: how files are written.

namespace xl {

/// A file that is written whole or not at all, as a stream buffer. What is put into it stands beside the old file, in
/// `path` + ".part", until `commit` has flushed it to the disk and renames it: whoever reads `path`, at any moment and after
/// any crash, sees the old file or the new one. Two that write one path, in two processes too, do it one after the other.
///
/// The mode of a file that is there stays; a symbolic link stays one, and what it leads to is written.
class WholeFile : public std::streambuf {
 public:
  /// Leaves room for `front` bytes at the beginning. Throws SerializationError that names the path if it is empty, a
  /// folder or anything else that is no file, or cannot be written.
  explicit WholeFile(const std::string& path, std::size_t front = 0);
  /// Without commit nothing has happened.
  ~WholeFile() override;
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  /// How many bytes were put in, and their XXH3 checksum of 64 bits; without those of the front.
  std::uint64_t size();
  std::uint64_t checksum();

  /// Throws SerializationError if something could not be written: a stream only knows that it failed.
  void check() const;
  /// Ends the writing; `front` comes first. Throws SerializationError, and then the old file is as it was.
  void commit(std::string_view front = {});

 protected:
  std::streamsize xsputn(const char* bytes, std::streamsize count) override;
  int_type overflow(int_type byte) override;
  int sync() override;

 private:
  [[noreturn]] void fail(int error) const;
  bool flush();
  bool write(const char* bytes, std::size_t count);

  std::string path_, target_, part_;  // as given; behind a link; beside it
  int file_ = -1;
  int error_ = 0;  // the first one of writing
  std::size_t front_;
  std::uint64_t size_ = 0;
  Checksum hash_;
  std::array<char, 1 << 16> buffer_;
};

/// Writes a file of these bytes. Throws SerializationError as WholeFile.
void write_whole_file(const std::string& path, std::string_view bytes);

}  // namespace xl
