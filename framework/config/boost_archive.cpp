// Configs in streams: JSON as it is; Boost's archives behind one line that says what follows,
//
//     xlayers-config 1 text 123 0123456789abcdef
//
// magic, version, format, length of the archive in bytes, its FNV-1a checksum.

#include <bit>
#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/archive/text_iarchive.hpp>
#include <boost/archive/text_oarchive.hpp>
#include <charconv>
#include <istream>
#include <limits>
#include <ostream>
#include <sstream>

#include "xlayers/framework/config/config_boost.hpp"

namespace xl {
namespace {

// Boost writes a binary archive as the machine has it. So files move between machines.
static_assert(std::endian::native == std::endian::little && std::numeric_limits<double>::is_iec559);

constexpr std::string_view magic = "xlayers-config";
constexpr int version = 1;

const char* name_of(Format format) {
  switch (format) {
    case Format::json:
      return "json";
    case Format::text:
      return "text";
    case Format::binary:
      return "binary";
    case Format::xml:
      return "xml";
  }
  throw ValueError("expected a format of json, text, binary and xml, got number " +
                   std::to_string(static_cast<int>(format)));
}

/// FNV-1a: h = (h xor byte) * prime, modulo 2^64.
std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return hash;
}

std::string header(Format format, std::string_view archive) {
  char sum[17] = "0000000000000000";
  char digits[16];
  const char* end = std::to_chars(digits, digits + 16, checksum(archive), 16).ptr;
  std::copy(static_cast<const char*>(digits), end, sum + 16 - (end - digits));
  return std::string(magic) + ' ' + std::to_string(version) + ' ' + name_of(format) + ' ' +
         std::to_string(archive.size()) + ' ' + sum + '\n';
}

// ---- archives as strings

template <class BoostArchive>
std::string write(const Config& config) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  {
    BoostArchive archive(out, boost::archive::no_header);
    archive << boost::serialization::make_nvp("config", config);
  }
  return std::move(out).str();
}

template <class BoostArchive>
Config read(std::string bytes) {
  std::istringstream in(std::move(bytes));
  in.imbue(std::locale::classic());
  // Boost's check of closing tags reads behind the expected name if a hostile tag is longer.
  constexpr unsigned flags = boost::archive::no_header | boost::archive::no_xml_tag_checking;
  BoostArchive archive(in, flags);
  Config config;
  archive >> boost::serialization::make_nvp("config", config);
  return config;
}

// ---- streams

/// Up to `length` bytes, in pieces: what is allocated follows what is there.
std::string take(std::streambuf& in, std::uint64_t length) {
  std::string bytes;
  while (bytes.size() < length) {
    const std::size_t begin = bytes.size();
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(length - begin, 65536));
    bytes.resize(begin + piece);
    const auto got = static_cast<std::size_t>(in.sgetn(bytes.data() + begin, static_cast<std::streamsize>(piece)));
    bytes.resize(begin + got);
    if (got < piece) break;
  }
  return bytes;
}

/// The header line with its end; no more than a header can have.
std::string take_header(std::streambuf& in) {
  constexpr std::size_t longest = 80;
  std::string line;
  while (line.size() < longest && (line.empty() || line.back() != '\n')) {
    const int byte = in.sbumpc();
    if (byte == std::char_traits<char>::eof()) break;
    line += static_cast<char>(byte);
  }
  return line;
}

/// The archive behind the header, once both are known to be as they were written.
std::string take_archive(std::streambuf& in, Format format) {
  const std::string line = take_header(in);
  if (line.empty()) throw SerializationError("cannot read a config: the stream is empty");
  if (line.compare(0, magic.size() + 1, std::string(magic) + ' ') != 0)
    throw SerializationError("cannot read a config: the stream does not begin with '" + std::string(magic) + "'");

  std::istringstream fields(line.substr(magic.size()));
  fields.imbue(std::locale::classic());
  int its_version = 0;
  std::string its_format;
  std::uint64_t length = 0;
  fields >> its_version;
  if (fields && its_version > version)
    throw SerializationError(
        "cannot read a config: it was written by a newer version of xlayers "
        "(format " +
        std::to_string(its_version) + ", this one reads " + std::to_string(version) + ")");
  fields >> its_format;
  if (fields && its_format != name_of(format)) {
    for (const Format other : {Format::json, Format::text, Format::binary, Format::xml})
      if (its_format == name_of(other))
        throw SerializationError("cannot read a config: expected the format " + std::string(name_of(format)) +
                                 ", got " + its_format);
  }
  fields >> length;
  if (!fields || line.back() != '\n') throw SerializationError("cannot read a config: its header is damaged");

  std::string archive = take(in, length);
  if (archive.size() < length)
    throw SerializationError("cannot read a config: it is cut short, " + std::to_string(length) +
                             " bytes were written and " + std::to_string(archive.size()) + " are there");
  // Every header has exactly one spelling, so this also finds a change of the header itself.
  if (line != header(format, archive))
    throw SerializationError("cannot read a config: it was changed after it was written");
  return archive;
}

}  // namespace

void save_config(std::ostream& out, const Config& config, Format format) {
  std::string bytes;
  try {
    switch (format) {
      case Format::json:
        bytes = config.to_json(2) + '\n';
        break;
      case Format::text:
        bytes = write<boost::archive::text_oarchive>(config);
        break;
      case Format::binary:
        bytes = write<boost::archive::binary_oarchive>(config);
        break;
      case Format::xml:
        bytes = write<boost::archive::xml_oarchive>(config);
        break;
    }
  } catch (const boost::archive::archive_exception& error) {
    throw SerializationError(std::string("cannot write a config: ") + error.what());
  }
  if (format != Format::json) bytes = header(format, bytes) + bytes;
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size())).flush();
  if (!out) throw SerializationError("cannot write a config: the stream failed");
}

Config load_config(std::istream& in, Format format) {
  name_of(format);
  if (!in || in.rdbuf() == nullptr) throw SerializationError("cannot read a config: the stream failed");
  if (format == Format::json) return Config::from_json(take(*in.rdbuf(), std::numeric_limits<std::uint64_t>::max()));
  std::string archive = take_archive(*in.rdbuf(), format);
  try {
    if (format == Format::text) return read<boost::archive::text_iarchive>(std::move(archive));
    if (format == Format::xml) return read<boost::archive::xml_iarchive>(std::move(archive));
    return read<boost::archive::binary_iarchive>(std::move(archive));
  } catch (const SerializationError&) {
    throw;
  } catch (const std::exception& error) {
    throw SerializationError(std::string("cannot read a config: ") + error.what());
  }
}

}  // namespace xl
