#include "xlayers/framework/ops/broadcast.hpp"

#include <algorithm>

#include "xlayers/framework/base/errors.hpp"

namespace xl {

Shape expanded(const Shape& shape, std::size_t rank) {
  Shape result{shape[0]};
  for (std::size_t missing = shape.rank(); missing < rank; ++missing) result.push_back(1);
  for (std::size_t axis = 1; axis < shape.rank(); ++axis) result.push_back(shape[axis]);
  return result;
}

TensorSpec broadcast(const TensorSpecs& inputs) {
  TensorSpec result{{}, DType::float32, false};
  std::size_t rank = 0;
  for (const TensorSpec& input : inputs) {
    if (input.dtype != DType::float32)
      throw ShapeError(std::string("expected float32 inputs, got ") + to_string(input.dtype));
    if (input.shape.rank() == 0) throw ShapeError("expected an input with a batch axis, got ()");
    rank = std::max(rank, input.shape.rank());
    result.batched = result.batched || input.batched;
  }
  for (const TensorSpec& input : inputs) {
    const Shape shape = expanded(input.shape, rank);
    result.shape = result.shape.rank() == 0 ? shape : broadcast(result.shape, shape);
  }
  if (result.batched) result.shape[0] = None;
  return result;
}

void set_zero(const Block& to) { std::fill_n(to.data, to.size(), 0.0f); }

}  // namespace xl
