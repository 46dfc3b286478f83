#include "xlayers/framework/tensor/shape.hpp"

#include <algorithm>
#include <ostream>

#include "xlayers/framework/base/checked.hpp"
#include "xlayers/framework/base/errors.hpp"

namespace xl {

void Shape::push_back(Dim dim) {
  if (rank_ == max_rank) throw ShapeError("a shape has at most " + std::to_string(max_rank) + " axes");
  if (dim < 0 && dim != None)
    throw ShapeError("an axis has an extent of 0 or more, or None, got " + std::to_string(dim));
  dims_[rank_++] = dim;
}

Shape Shape::with_batch(Dim batch) const {
  Shape result{batch};
  for (Dim dim : *this) result.push_back(dim);
  return result;
}

bool Shape::known() const { return std::find(begin(), end(), None) == end(); }

std::int64_t Shape::elements() const {
  std::int64_t product = 1;
  bool any_zero = false;
  for (Dim dim : *this) {
    if (dim == None) throw ShapeError("the size of " + to_string(*this) + " is not known yet");
    if (dim == 0)
      any_zero = true;
    else if (__builtin_mul_overflow(product, dim, &product) || product > most_elements)
      check_size();
  }
  return any_zero ? 0 : product;
}

void Shape::check_size() const {
  std::int64_t product = 1;
  for (Dim dim : *this)
    if (dim > 0 && (__builtin_mul_overflow(product, dim, &product) || product > most_elements))
      throw ShapeError("a tensor of shape " + to_string(*this) +
                       " is too large: expected extents whose product, without those of 0, is at most 2^48");
}

bool Shape::compatible(const Shape& other) const {
  return std::equal(begin(), end(), other.begin(), other.end(),
                    [](Dim a, Dim b) { return a == b || a == None || b == None; });
}

bool operator==(const Shape& a, const Shape& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

std::string to_string(const Shape& shape) {
  std::string text = "(";
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    if (axis > 0) text += ", ";
    text += shape[axis] == None ? "None" : std::to_string(shape[axis]);
  }
  return text + (shape.rank() == 1 ? ",)" : ")");
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << to_string(shape); }

Shape broadcast(const Shape& a, const Shape& b) {
  const Shape& longer = a.rank() >= b.rank() ? a : b;
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  const std::size_t offset = longer.rank() - shorter.rank();
  Shape result = longer;
  for (std::size_t axis = 0; axis < shorter.rank(); ++axis) {
    Dim& to = result[axis + offset];
    const Dim from = shorter[axis];
    if (to == from || from == 1) continue;
    if (to == 1 || to == None)
      to = from;
    else if (from != None)
      throw ShapeError("shapes " + to_string(a) + " and " + to_string(b) + " do not broadcast");
  }
  return result;
}

}  // namespace xl
