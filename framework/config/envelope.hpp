#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

#include "xlayers/framework/config/config.hpp"

// Internal: the line in front of an archive, which says what follows.

namespace xl {

/// "json", "text", "binary" or "xml". Throws ValueError for any other number.
const char* name_of(Format format);

/// One kind of archive, whose first line is
///
///     xlayers-config 1 text 123 0123456789abcdef
///
/// magic, version, format, length of the archive in bytes, its checksum.
struct Envelope {
  std::string_view magic;
  std::string_view what;  ///< "a config": errors begin with "cannot read a config: "
  std::string_view from;  ///< "stream" or "file"
  int version = 1;        ///< the newest that is read, and the one that is written
  int length_digits = 1;  ///< the length has at least so many

  struct Header {
    int version = 1;
    Format format = Format::binary;
    std::uint64_t length = 0, checksum = 0;
  };

  /// The line, with its end. It has exactly one spelling.
  std::string write(const Header& header) const;
  /// The header that stands next in the stream. Throws SerializationError if it is damaged, of another format than
  /// `expected`, if one is given, or of a version that is not known.
  Header read(std::streambuf& in, const Format* expected = nullptr) const;

  /// Throws SerializationError: "cannot read a config: TEXT".
  [[noreturn]] void fail(const std::string& text) const;
  /// Throws for an archive of which only so many bytes are there, and for one that is not what was written.
  [[noreturn]] void cut_short(const Header& header, std::uint64_t there) const;
  [[noreturn]] void changed() const;
};

}  // namespace xl
