#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <type_traits>

#include "xlayers/framework/base/number.hpp"
#include "xlayers/framework/tensor/shape.hpp"
#include "xlayers/framework/tensor/xtensor.hpp"

namespace xl {

/// The tensor that goes in and out of every layer: `xt::xarray<float>`, row-major.
///
/// The layout and the allocator are written out so that the type stays one and the same, whatever
/// xtensor's macros or the instruction set of the including program say.
using Tensor = xt::xarray<float, xt::layout_type::row_major, std::allocator<float>>;

/// A tensor of indices: `xt::xarray<std::int32_t>`, row-major.
using IntTensor = xt::xarray<std::int32_t, xt::layout_type::row_major, std::allocator<std::int32_t>>;

template <class T>
concept AnyTensor = std::same_as<T, Tensor> || std::same_as<T, IntTensor>;

/// What a tensor's elements are.
enum class DType : std::uint8_t { float32, int32 };

/// "float32" or "int32".
const char* to_string(DType dtype);
/// The inverse. Throws ValueError for any other name.
DType dtype_from_string(const std::string& name);

/// The shape of a tensor, for comparing and printing: `std::cout << xl::shape(x)` gives `(32, 100, 64)`.
Shape shape(const Tensor& tensor);
Shape shape(const IntTensor& tensor);

namespace detail {
template <AnyTensor T>
T uninitialized(const Shape& shape);
}

/// A tensor of this shape whose elements are not set. Throws ShapeError if an axis is None, and for more elements than 2^48, or
/// than there is memory for.
Tensor empty(const Shape& shape);
/// A tensor of this shape filled with zeros. Throws as `empty`.
Tensor zeros(const Shape& shape);

// ---- numbers as they stand there

namespace detail {

[[noreturn]] void unequal_lists(std::size_t first, std::size_t other);

// What the lists hold, which have to be of equal lengths where they are of one depth.
template <class T>
xt::xarray<T, xt::layout_type::row_major, std::allocator<T>> nested(std::initializer_list<T> list) {
  return list;
}
template <class T>
xt::xarray<T, xt::layout_type::row_major, std::allocator<T>> nested(
    std::initializer_list<std::initializer_list<T>> lists) {
  for (const std::initializer_list<T>& list : lists)
    if (list.size() != lists.begin()->size()) unequal_lists(lists.begin()->size(), list.size());
  return lists;
}
template <class T>
xt::xarray<T, xt::layout_type::row_major, std::allocator<T>> nested(
    std::initializer_list<std::initializer_list<std::initializer_list<T>>> lists) {
  for (const std::initializer_list<std::initializer_list<T>>& list : lists) {
    if (list.size() != lists.begin()->size()) unequal_lists(lists.begin()->size(), list.size());
    for (const std::initializer_list<T>& inner : list)
      if (inner.size() != lists.begin()->begin()->size()) unequal_lists(lists.begin()->begin()->size(), inner.size());
  }
  return lists;
}

}  // namespace detail

/// The tensor of these numbers, which are of one type, `xl::tensor({{1.f}, {2.f}})` of shape (2, 1) and `xl::tensor({3})`.
/// (xtensor's own `xl::Tensor{{1.f}, {2.f}}` is ambiguous where a list has one number.) Throws ShapeError for lists of
/// unequal lengths.
template <Arithmetic T>
Tensor tensor(std::initializer_list<T> numbers) {
  return Tensor(detail::nested(numbers));
}
template <Arithmetic T>
Tensor tensor(std::initializer_list<std::initializer_list<T>> numbers) {
  return Tensor(detail::nested(numbers));
}
template <Arithmetic T>
Tensor tensor(std::initializer_list<std::initializer_list<std::initializer_list<T>>> numbers) {
  return Tensor(detail::nested(numbers));
}

/// The same as indices: `xl::int_tensor({{5}})`.
template <std::same_as<int> T>
IntTensor int_tensor(std::initializer_list<T> numbers) {
  return detail::nested(numbers);
}
template <std::same_as<int> T>
IntTensor int_tensor(std::initializer_list<std::initializer_list<T>> numbers) {
  return detail::nested(numbers);
}
template <std::same_as<int> T>
IntTensor int_tensor(std::initializer_list<std::initializer_list<std::initializer_list<T>>> numbers) {
  return detail::nested(numbers);
}

}  // namespace xl

namespace xt {

/// Prints the numbers as xtensor does: `{{ 1.,  2.}, { 3.,  4.}}`. Beside xtensor's types, where `<<` is looked for.
std::ostream& operator<<(std::ostream& out, const xl::Tensor& tensor);
std::ostream& operator<<(std::ostream& out, const xl::IntTensor& tensor);

}  // namespace xt
