#pragma once

#include <cstdint>

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

/// What a tensor's elements are.
enum class DType : std::uint8_t { float32, int32 };

/// "float32" or "int32".
const char* to_string(DType dtype);
/// The inverse. Throws ValueError for any other name.
DType dtype_from_string(const std::string& name);

/// The shape of a tensor, for comparing and printing: `std::cout << xl::shape(x)` gives `(32, 100, 64)`.
Shape shape(const Tensor& tensor);
Shape shape(const IntTensor& tensor);

/// A tensor of this shape whose elements are not set. Throws ShapeError if an axis is None.
Tensor empty(const Shape& shape);
/// A tensor of this shape filled with zeros. Throws ShapeError if an axis is None.
Tensor zeros(const Shape& shape);

}  // namespace xl
