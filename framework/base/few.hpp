#pragma once

#include <boost/container/small_vector.hpp>
#include <span>

namespace xl {

/// A list that takes no allocation for as many inputs as most models have.
template <class T>
struct Few : boost::container::small_vector<T, 4> {
  operator std::span<const T>() const { return {this->data(), this->size()}; }
};

}  // namespace xl
