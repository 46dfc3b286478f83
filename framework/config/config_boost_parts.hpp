#pragma once

// What config_boost.hpp is made of: the kinds of values, and how a text is stored.

#include <algorithm>
#include <boost/archive/xml_iarchive.hpp>
#include <boost/archive/xml_oarchive.hpp>
#include <boost/serialization/binary_object.hpp>
#include <boost/serialization/nvp.hpp>
#include <boost/serialization/string.hpp>
#include <cmath>
#include <cstdint>
#include <string>
#include <type_traits>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/config.hpp"

namespace xl::boost_archive {

using boost::serialization::make_nvp;

inline void check_depth(int depth) {
  if (depth >= Config::max_depth)
    throw SerializationError("a config is more than " + std::to_string(Config::max_depth) + " levels deep");
}

inline void check_items(std::uint64_t items) {
  if (items > Config::max_items)
    throw SerializationError("a list in a config has more than " + std::to_string(Config::max_items) + " items");
}

inline void check_finite(double number) {
  if (!std::isfinite(number))
    throw SerializationError("a config holds finite numbers only, got " + Value(number).to_text());
}

/// A text is an element's content in XML. Elsewhere it is its length and its bytes, in pieces, so
/// that a false length meets the end of the archive before much is allocated.
inline constexpr std::uint64_t piece = 4096;

template <class BoostArchive>
void write_text(BoostArchive& archive, const char* name, const std::string& text) {
  if constexpr (std::is_same_v<BoostArchive, boost::archive::xml_oarchive>) {
    archive << make_nvp(name, text);
  } else {
    const std::uint64_t size = text.size();
    archive << make_nvp("size", size);
    for (std::uint64_t begin = 0; begin < size; begin += piece)
      archive << make_nvp(name, boost::serialization::make_binary_object(const_cast<char*>(text.data() + begin),
                                                                         std::min(piece, size - begin)));
  }
}

template <class BoostArchive>
void read_text(BoostArchive& archive, const char* name, std::string& text) {
  text.clear();
  if constexpr (std::is_same_v<BoostArchive, boost::archive::xml_iarchive>) {
    archive >> make_nvp(name, text);
  } else {
    std::uint64_t size = 0;
    archive >> make_nvp("size", size);
    for (std::uint64_t begin = 0; begin < size; begin += piece) {
      const std::uint64_t length = std::min(piece, size - begin);
      text.resize(begin + length);
      archive >> make_nvp(name, boost::serialization::make_binary_object(text.data() + begin, length));
    }
  }
}

}  // namespace xl::boost_archive
