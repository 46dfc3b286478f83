#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace xl {

namespace detail {

/// `i` of `size` things, -1 for the last one. Throws ValueError if there is none.
std::size_t index_in_list(std::int64_t i, std::size_t size);

}  // namespace detail

/// What the library gives several of: a std::vector that says so where something is not there, and counts from the end as
/// Python does, `model.layers()[-1]`.
template <class T>
class List : public std::vector<T> {
 public:
  using std::vector<T>::vector;
  List(std::vector<T> items) : std::vector<T>(std::move(items)) {}

  /// Throws ValueError.
  const T& operator[](std::int64_t i) const { return this->data()[detail::index_in_list(i, this->size())]; }
  T& operator[](std::int64_t i) { return this->data()[detail::index_in_list(i, this->size())]; }
};

}  // namespace xl
