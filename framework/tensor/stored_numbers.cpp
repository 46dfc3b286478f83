#include "xlayers/framework/tensor/stored_numbers.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/file_reader.hpp"
#include "xlayers/framework/base/half.hpp"

namespace xl {
namespace {

static_assert(std::endian::native == std::endian::little);

template <class T>
void to_c_order(const T* from, const Shape& shape, T* to) {
  std::array<std::int64_t, Shape::max_rank> index{}, stride{};
  std::int64_t product = 1;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) stride[axis] = product, product *= shape[axis];
  for (std::int64_t i = 0; i < product; ++i) {
    std::int64_t place = 0;
    for (std::size_t axis = 0; axis < shape.rank(); ++axis) place += index[axis] * stride[axis];
    to[i] = from[place];
    for (std::size_t axis = shape.rank(); axis-- > 0 && ++index[axis] == shape[axis];) index[axis] = 0;
  }
}

template <class T>
using Numbers = xt::xarray<T, xt::layout_type::row_major, std::allocator<T>>;

template <class T>
Numbers<T> read(FileReader& file, const Shape& shape, const StoredOrder& order) {
  const std::vector<std::size_t> extents(shape.begin(), shape.end());
  Numbers<T> numbers = Numbers<T>::from_shape(extents);
  const auto bytes = static_cast<std::streamsize>(numbers.size() * sizeof(T));
  auto* const begin = reinterpret_cast<char*>(numbers.data());
  const bool whole = file.sgetn(begin, bytes) == bytes;
  file.check();
  if (!whole) throw SerializationError("cannot read '" + file.path() + "': it is cut short");
  if (order.big_endian && sizeof(T) > 1)
    for (std::streamsize i = 0; i < bytes; i += sizeof(T)) std::reverse(begin + i, begin + i + sizeof(T));
  if (!order.fortran || shape.rank() < 2) return numbers;
  Numbers<T> ordered = Numbers<T>::from_shape(extents);
  to_c_order(numbers.data(), shape, ordered.data());
  return ordered;
}

Array read_halves(FileReader& file, const Shape& shape, const StoredOrder& order, float (*to_float)(std::uint16_t)) {
  const Numbers<std::uint16_t> halves = read<std::uint16_t>(file, shape, order);
  Tensor tensor = empty(shape);
  std::transform(halves.data(), halves.data() + halves.size(), tensor.data(), to_float);
  return tensor;
}

}  // namespace

std::size_t size_of(StoredType type) {
  switch (type) {
    case StoredType::int8:
    case StoredType::uint8:
    case StoredType::boolean:
      return 1;
    case StoredType::float16:
    case StoredType::bfloat16:
    case StoredType::int16:
    case StoredType::uint16:
      return 2;
    case StoredType::float32:
    case StoredType::int32:
    case StoredType::uint32:
      return 4;
    case StoredType::float64:
    case StoredType::int64:
    case StoredType::uint64:
      break;
  }
  return 8;
}

Array read_numbers(FileReader& file, StoredType type, const Shape& shape, const StoredOrder& order) {
  shape.check_size();
  const std::uint64_t there = file.size() - std::min(file.size(), file.position());
  if (static_cast<std::uint64_t>(shape.elements()) > there / size_of(type))
    throw SerializationError("cannot read '" + file.path() + "': it is cut short");
  switch (type) {
    case StoredType::float16:
      return read_halves(file, shape, order, from_half);
    case StoredType::bfloat16:
      return read_halves(file, shape, order, from_bfloat16);
    case StoredType::float32:
      return read<float>(file, shape, order);
    case StoredType::float64:
      return read<double>(file, shape, order);
    case StoredType::int8:
      return read<std::int8_t>(file, shape, order);
    case StoredType::int16:
      return read<std::int16_t>(file, shape, order);
    case StoredType::int32:
      return read<std::int32_t>(file, shape, order);
    case StoredType::int64:
      return read<std::int64_t>(file, shape, order);
    case StoredType::uint8:
    case StoredType::boolean:
      return read<std::uint8_t>(file, shape, order);
    case StoredType::uint16:
      return read<std::uint16_t>(file, shape, order);
    case StoredType::uint32:
      return read<std::uint32_t>(file, shape, order);
    case StoredType::uint64:
      break;
  }
  return read<std::uint64_t>(file, shape, order);
}

void from_fortran_order(const float* from, const Shape& shape, float* to) { to_c_order(from, shape, to); }

}  // namespace xl
