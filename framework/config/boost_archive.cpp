// Configs in streams: JSON as it is; Boost's archives behind an envelope, whose checksum is FNV-1a.

#include <bit>
#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/archive/text_iarchive.hpp>
#include <boost/archive/text_oarchive.hpp>
#include <istream>
#include <limits>
#include <ostream>
#include <sstream>

#include "xlayers/framework/config/config_boost.hpp"
#include "xlayers/framework/config/envelope.hpp"

namespace xl {
namespace {

// Boost writes a binary archive as the machine has it. So files move between machines.
static_assert(std::endian::native == std::endian::little && std::numeric_limits<double>::is_iec559);

constexpr Envelope envelope{.magic = "xlayers-config", .what = "a config", .from = "stream", .version = 1};

/// FNV-1a: h = (h xor byte) * prime, modulo 2^64.
std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return hash;
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

/// The archive behind the header, once both are known to be as they were written.
std::string take_archive(std::streambuf& in, Format format) {
  const Envelope::Header header = envelope.read(in, &format);
  std::string archive = take(in, header.length);
  if (archive.size() < header.length) envelope.cut_short(header, archive.size());
  if (checksum(archive) != header.checksum) envelope.changed();
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
  if (format != Format::json) bytes = envelope.write({envelope.version, format, bytes.size(), checksum(bytes)}) + bytes;
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
