#include "xlayers/framework/options/axes.hpp"

#include <algorithm>
#include <cstring>

#include "xlayers/framework/base/errors.hpp"

namespace xl {

Axes Axes::sorted() const {
  Axes result(axes_);
  std::sort(result.axes_.begin(), result.axes_.end());
  return result;
}

Value to_value(const Axes& axes) {
  return axes.is_list() ? to_value(axes.numbers()) : to_value(axes.numbers().front());
}

void from_value(const Value& value, Axes& axes) {
  if (value.is_list()) {
    std::vector<int> numbers;
    from_value(value, numbers);
    axes = Axes(std::move(numbers));
  } else {
    int number = 0;
    from_value(value, number);
    axes = Axes(number);
  }
}

bool AxisOrder::identity() const {
  for (std::size_t i = 0; i < rank; ++i)
    if (order[i] != i) return false;
  return true;
}

Shape AxisOrder::operator()(const Shape& shape) const {
  Shape result;
  for (std::size_t i = 0; i < rank; ++i) result.push_back(shape[order[i]]);
  return result;
}

RowsAlong::RowsAlong(const Axes& axes, const Shape& shape) {
  if (axes.numbers().empty()) throw ShapeError("expected an axis or several, got none");
  const int rank = static_cast<int>(shape.rank());
  std::array<bool, Shape::max_rank> chosen{};
  for (const int axis : axes.numbers()) {
    const int positive = axis < 0 ? axis + rank : axis;
    if (positive < 0 || positive >= rank)
      throw ShapeError("expected an input that has an axis " + std::to_string(axis) + ", got " + to_string(shape));
    if (positive == 0)
      throw ShapeError("axis " + std::to_string(axis) + " of an input " + to_string(shape) +
                       " is the batch axis; a layer treats samples independently");
    if (chosen[positive])
      throw ShapeError("axis " + std::to_string(axis) + " of an input " + to_string(shape) + " is given twice");
    chosen[positive] = true;
  }
  for (const bool along_it : {false, true})
    for (std::size_t axis = 1; axis < shape.rank(); ++axis) {
      if (chosen[axis] != along_it) continue;
      order.order[order.rank++] = axis - 1;
      if (along_it) along.push_back(shape[axis]);
    }
}

namespace {

// Visits the elements of a sample in the order of the permuted one: visit(place there, place in the sample).
template <class Visit>
void for_each_permuted(const AxisOrder& order, const Shape& shape, Visit visit) {
  const Shape extents = order(shape);
  std::array<std::int64_t, Shape::max_rank> strides{}, at{};
  for (std::size_t i = 0; i < order.rank; ++i) {
    strides[i] = 1;
    for (std::size_t axis = order.order[i] + 1; axis < shape.rank(); ++axis) strides[i] *= shape[axis];
  }
  const std::int64_t size = shape.elements();
  for (std::int64_t k = 0, offset = 0; k < size; ++k) {
    visit(k, offset);
    for (std::size_t i = order.rank; i-- > 0;) {
      offset += strides[i];
      if (++at[i] < extents[i]) break;
      offset -= strides[i] * extents[i];
      at[i] = 0;
    }
  }
}

}  // namespace

// Bytes, not floats: an integer's bits may be no float that survives a copy.
void permute(const AxisOrder& order, const Shape& shape, std::int64_t samples, const float* from, float* to) {
  const std::int64_t size = shape.elements();
  for (std::int64_t sample = 0; sample < samples; ++sample, from += size, to += size)
    for_each_permuted(order, shape,
                      [&](std::int64_t k, std::int64_t offset) { std::memcpy(to + k, from + offset, sizeof(float)); });
}

void permute_back(const AxisOrder& order, const Shape& shape, std::int64_t samples, const float* from, float* to) {
  const std::int64_t size = shape.elements();
  for (std::int64_t sample = 0; sample < samples; ++sample, from += size, to += size)
    for_each_permuted(order, shape,
                      [&](std::int64_t k, std::int64_t offset) { std::memcpy(to + offset, from + k, sizeof(float)); });
}

}  // namespace xl
