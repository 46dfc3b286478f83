#include "xlayers/framework/parts/masked_inputs.hpp"

#include "xlayers/framework/base/errors.hpp"

namespace xl {

void check_masks(const LayerBase& layer, const TensorSpecs& inputs) {
  const std::size_t count = without_masks(inputs);
  for (std::size_t i = 0, place = count; i < count; ++i) {
    if (!inputs[i].masked) continue;
    const Shape &input = inputs[i].shape, &mask = inputs[place++].shape;
    const bool fits = mask.rank() > 0 && mask.rank() <= input.rank() &&
                      mask.sample().compatible(Shape(input.begin() + 1, input.begin() + mask.rank()));
    if (!fits)
      throw ShapeError(layer.label() + "expected a mask of the leading axes of its input " + to_string(input) +
                       ", got " + to_string(mask));
  }
}

}  // namespace xl
