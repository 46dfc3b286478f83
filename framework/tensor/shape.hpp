#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <string>

#include "xlayers/framework/base/number.hpp"

namespace xl {

/// The extent of one axis.
using Dim = std::int64_t;

/// An axis whose extent is only known when data arrives, as the batch axis of a model's input.
inline constexpr Dim None = -1;

/// The extents of a tensor's axes, outermost first; `None` stands where an extent is not known yet.
/// Prints as Python prints a tuple: `(None, 100, 64)`, `(5,)`, `()`. Never allocates.
class Shape {
 public:
  static constexpr std::size_t max_rank = 8;

  Shape() = default;
  /// Throws ShapeError for more than `max_rank` axes, or for an extent below 0 that is not `None`; ValueError for one that
  /// is not whole.
  Shape(std::initializer_list<Number<Dim>> dims) : Shape(dims.begin(), dims.end()) {}
  template <class Iterator>
  Shape(Iterator first, Iterator last) {
    for (; first != last; ++first) push_back(static_cast<Dim>(*first));
  }

  std::size_t rank() const { return rank_; }
  std::size_t size() const { return rank_; }
  bool empty() const { return rank_ == 0; }
  Dim operator[](std::size_t axis) const { return dims_.data()[axis]; }
  Dim& operator[](std::size_t axis) { return dims_.data()[axis]; }
  const Dim* begin() const { return dims_.data(); }
  const Dim* end() const { return dims_.data() + rank_; }
  Dim front() const { return (*this)[0]; }
  Dim back() const { return (*this)[rank_ - 1]; }
  Dim& back() { return (*this)[rank_ - 1]; }
  void push_back(Dim dim);

  /// Without the first axis: the shape of one sample.
  Shape sample() const { return Shape(begin() + 1, end()); }
  /// With `batch` in front.
  Shape with_batch(Dim batch) const;
  /// True if no axis is `None`.
  bool known() const;
  /// The product of all extents, 1 for rank 0. Throws ShapeError if an axis is `None`, and as `check_size` does.
  std::int64_t elements() const;
  /// Throws ShapeError if the product of the extents is more than 2^48, leaving out those that are 0 or None: no part of such a
  /// tensor can be counted. (So does NumPy, at another limit.)
  void check_size() const;
  /// True if each pair of axes is equal or has a `None`.
  bool compatible(const Shape& other) const;

  friend bool operator==(const Shape& a, const Shape& b);

 private:
  std::array<Dim, max_rank> dims_{};
  std::size_t rank_ = 0;
};

std::string to_string(const Shape& shape);
std::ostream& operator<<(std::ostream& out, const Shape& shape);

/// The shape that `a` and `b` have after broadcasting as NumPy does. An axis `None` meets 1 or `None`
/// as `None`, and a known extent as that extent. Throws ShapeError if they do not fit.
Shape broadcast(const Shape& a, const Shape& b);

}  // namespace xl
