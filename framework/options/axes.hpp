#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "xlayers/framework/config/config.hpp"
#include "xlayers/framework/tensor/shape.hpp"

namespace xl {

/// The axes along which a layer or a norm works: the option `.axis`, one number or several, `{1, 2}`. They count from 0,
/// which is a tensor's batch axis, and from the end: -1 is the last one.
class Axes {
 public:
  Axes(int axis) : axes_{axis} {}
  Axes(std::initializer_list<int> axes) : Axes(std::vector<int>(axes)) {}
  Axes(std::vector<int> axes) : axes_(std::move(axes)), list_(true) {}

  const std::vector<int>& numbers() const { return axes_; }
  /// True if they were given as a list, and not as one number.
  bool is_list() const { return list_; }
  /// As a list in ascending order: what Keras' normalisations make of the option when they are built.
  Axes sorted() const;

  friend bool operator==(const Axes&, const Axes&) = default;

 private:
  std::vector<int> axes_;
  bool list_ = false;
};

/// As Keras: a number, or a list of numbers.
Value to_value(const Axes& axes);
void from_value(const Value& value, Axes& axes);

/// A permutation of the axes of a sample, or of a tensor with its batch axis: axis i of the result is axis order[i].
struct AxisOrder {
  std::array<std::size_t, Shape::max_rank> order{};
  std::size_t rank = 0;

  bool identity() const;
  Shape operator()(const Shape& shape) const;
};

/// A sample seen as rows along some of its axes: these stand behind the others then, each group in its order.
struct RowsAlong {
  /// `shape` has the batch axis. Throws ShapeError for an axis that `shape` does not have, or that comes twice, and for
  /// the batch axis.
  RowsAlong(const Axes& axes, const Shape& shape);

  AxisOrder order;  ///< of a sample's axes
  Shape along;      ///< the extents of the chosen axes
};

/// Copies `samples` samples of shape `shape` with their axes in this order. The elements may be floats or integers.
void permute(const AxisOrder& order, const Shape& shape, std::int64_t samples, const float* from, float* to);
/// The inverse: brings samples that `permute` wrote back to `shape`.
void permute_back(const AxisOrder& order, const Shape& shape, std::int64_t samples, const float* from, float* to);

}  // namespace xl
