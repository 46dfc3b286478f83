#include "xlayers/framework/parts/masks.hpp"

#include <algorithm>

#include "xlayers/framework/base/errors.hpp"

namespace xl {

void check_masks(const LayerBase& layer, const TensorSpecs& inputs) {
  for (const TensorSpec& input : inputs) {
    if (!input.mask) continue;
    const Shape& mask = *input.mask;
    const bool fits = mask.rank() > 0 && mask.rank() <= input.shape.rank() &&
                      mask.sample().compatible(Shape(input.shape.begin() + 1, input.shape.begin() + mask.rank()));
    if (!fits)
      throw ShapeError(layer.label() + "expected a mask of the leading axes of its input " + to_string(input.shape) +
                       ", got " + to_string(mask));
  }
}

std::size_t count_masks(const TensorSpecs& inputs) {
  return static_cast<std::size_t>(
      std::count_if(inputs.begin(), inputs.end(), [](const TensorSpec& input) { return input.mask.has_value(); }));
}

}  // namespace xl
