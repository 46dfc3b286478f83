#include "xlayers/framework/tensor/tensor.hpp"

#include <new>

#include "xlayers/framework/base/errors.hpp"

namespace xl {

const char* to_string(DType dtype) { return dtype == DType::float32 ? "float32" : "int32"; }

DType dtype_from_string(const std::string& name) {
  if (name == "float32") return DType::float32;
  if (name == "int32") return DType::int32;
  throw ValueError("unknown dtype '" + name + "'; known are float32, int32");
}

Shape shape(const Tensor& tensor) { return Shape(tensor.shape().begin(), tensor.shape().end()); }
Shape shape(const IntTensor& tensor) { return Shape(tensor.shape().begin(), tensor.shape().end()); }

template <AnyTensor T>
T detail::uninitialized(const Shape& shape) {
  shape.elements();  // throws if an axis is not known, or if it is too large
  try {
    return T::from_shape(typename T::shape_type(shape.begin(), shape.end()));
  } catch (const std::bad_alloc&) {
    throw ShapeError("a tensor of shape " + to_string(shape) + " does not fit into memory");
  }
}

template Tensor detail::uninitialized(const Shape&);
template IntTensor detail::uninitialized(const Shape&);

Tensor empty(const Shape& shape) { return detail::uninitialized<Tensor>(shape); }

Tensor zeros(const Shape& shape) {
  Tensor tensor = empty(shape);
  std::fill(tensor.data(), tensor.data() + tensor.size(), 0.0f);
  return tensor;
}

void detail::unequal_lists(std::size_t first, std::size_t other) {
  throw ShapeError("expected lists of equal lengths, got one of " + std::to_string(first) + " numbers and one of " +
                   std::to_string(other));
}

}  // namespace xl
