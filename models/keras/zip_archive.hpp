#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Internal: .keras files are zip archives; by libzip.

struct zip;  // libzip's

namespace xl {

/// The members of a zip archive, read whole. Every error is a SerializationError that names the path.
class ZipReader {
 public:
  /// Throws if the file cannot be read or is no zip archive, or if it has members that are encrypted, of one name, compressed
  /// by anything but deflate, or in all more than 64 MiB and four times as large as the file.
  explicit ZipReader(const std::string& path);
  ~ZipReader();
  ZipReader(const ZipReader&) = delete;
  ZipReader& operator=(const ZipReader&) = delete;

  const std::vector<std::string>& names() const { return names_; }
  /// Throws if there is no such member, or if its checksum is wrong.
  std::string read(const std::string& name) const;

 private:
  [[noreturn]] void fail(const std::string& text) const;

  const std::string path_;
  zip* archive_ = nullptr;
  std::vector<std::string> names_;
  std::vector<std::uint64_t> sizes_;
};

/// A zip archive of these members, which are stored, not compressed. Throws SerializationError.
std::string make_zip(const std::vector<std::pair<std::string, std::string>>& members);

}  // namespace xl
