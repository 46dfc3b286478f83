#pragma once

// Numbers of tensors in an archive of Boost: as they lie in memory, in pieces; in XML as decimals that tell them from any other
// number.

#include <algorithm>
#include <bit>
#include <boost/archive/xml_iarchive.hpp>
#include <boost/archive/xml_oarchive.hpp>
#include <boost/serialization/binary_object.hpp>
#include <boost/serialization/nvp.hpp>
#include <boost/serialization/string.hpp>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/tensor/tensor.hpp"

namespace xl::boost_archive {

using boost::serialization::make_nvp;

static_assert(std::endian::native == std::endian::little && std::numeric_limits<float>::is_iec559);

inline constexpr std::uint64_t number_size = 4;  // of a float and of an integer
static_assert(sizeof(float) == number_size && sizeof(std::int32_t) == number_size);

template <class BoostArchive>
constexpr bool is_xml = std::is_same_v<BoostArchive, boost::archive::xml_oarchive> ||
                        std::is_same_v<BoostArchive, boost::archive::xml_iarchive>;

inline constexpr std::uint64_t numbers_in_piece = 1 << 18, decimals_in_piece = 1 << 10;

template <class T>
void append_decimals(std::string& text, const T* numbers, std::uint64_t count) {
  char digits[24];
  for (std::uint64_t i = 0; i < count; ++i) {
    if (i > 0) text += ' ';
    text.append(digits,
                static_cast<std::size_t>(std::to_chars(digits, digits + sizeof digits, numbers[i]).ptr - digits));
  }
}

template <class T>
void parse_decimals(const std::string& text, T* numbers, std::uint64_t count) {
  const char *at = text.data(), *const end = at + text.size();
  for (std::uint64_t i = 0; i < count; ++i) {
    if (i > 0 && (at == end || *at++ != ' ')) throw SerializationError("its numbers are damaged");
    const auto [next, error] = std::from_chars(at, end, numbers[i]);
    if (error != std::errc()) throw SerializationError("its numbers are damaged");
    at = next;
  }
  if (at != end) throw SerializationError("its numbers are damaged");
}

template <class BoostArchive>
void write_numbers(BoostArchive& archive, DType dtype, const void* numbers, std::int64_t size) {
  const auto count = static_cast<std::uint64_t>(size);
  constexpr std::uint64_t most = is_xml<BoostArchive> ? decimals_in_piece : numbers_in_piece;
  for (std::uint64_t begin = 0; begin < count; begin += most) {
    const std::uint64_t piece = std::min(most, count - begin);
    if constexpr (is_xml<BoostArchive>) {
      std::string text;
      if (dtype == DType::float32)
        append_decimals(text, static_cast<const float*>(numbers) + begin, piece);
      else
        append_decimals(text, static_cast<const std::int32_t*>(numbers) + begin, piece);
      archive << make_nvp("numbers", text);
    } else {
      const char* bytes = static_cast<const char*>(numbers) + begin * number_size;
      archive << make_nvp("numbers",
                          boost::serialization::make_binary_object(const_cast<char*>(bytes), piece * number_size));
    }
  }
}

template <class BoostArchive>
void read_numbers(BoostArchive& archive, DType dtype, void* numbers, std::int64_t size) {
  const auto count = static_cast<std::uint64_t>(size);
  constexpr std::uint64_t most = is_xml<BoostArchive> ? decimals_in_piece : numbers_in_piece;
  for (std::uint64_t begin = 0; begin < count; begin += most) {
    const std::uint64_t piece = std::min(most, count - begin);
    if constexpr (is_xml<BoostArchive>) {
      std::string text;
      archive >> make_nvp("numbers", text);
      if (dtype == DType::float32)
        parse_decimals(text, static_cast<float*>(numbers) + begin, piece);
      else
        parse_decimals(text, static_cast<std::int32_t*>(numbers) + begin, piece);
    } else {
      char* bytes = static_cast<char*>(numbers) + begin * number_size;
      archive >> make_nvp("numbers", boost::serialization::make_binary_object(bytes, piece * number_size));
    }
  }
}

}  // namespace xl::boost_archive
