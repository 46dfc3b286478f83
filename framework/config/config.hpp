#pragma once

#include <cstdint>
#include <iosfwd>

#include "xlayers/framework/config/archive.hpp"
#include "xlayers/framework/config/value.hpp"

namespace xl {

/// The formats in which a config can be stored.
enum class Format : std::uint8_t { json, text, binary, xml };

/// Writes `config`. JSON is plain text; the other three are Boost archives behind a header with
/// magic, format version, length and checksum. Throws SerializationError if the stream fails.
void save_config(std::ostream& out, const Config& config, Format format);
/// Reads what save_config wrote. Throws SerializationError for a stream that is cut short, changed,
/// of another format or from a newer version; never crashes, and never allocates more than the
/// stream holds.
Config load_config(std::istream& in, Format format);

}  // namespace xl
