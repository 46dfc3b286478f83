#pragma once

#include <algorithm>

#include "xlayers/framework/graph/primitive.hpp"

namespace xl {

/// The inputs of a call of a layer that takes masks, each with its mask.
class MaskedInputs {
 public:
  explicit MaskedInputs(const ForwardCall& call) : call_(call) {
    for (const Block* input : call.inputs) masks_ += input->masked;
  }

  std::size_t count() const { return call_.inputs.size() - masks_; }
  std::size_t masks() const { return masks_; }
  const Block& operator[](std::size_t i) const { return call_.input(i); }
  /// The mask of input i, or null.
  const Block* mask(std::size_t i) const {
    if (!call_.input(i).masked) return nullptr;
    std::size_t place = count();
    for (std::size_t k = 0; k < i; ++k) place += call_.input(k).masked;
    return &call_.input(place);
  }

 private:
  const ForwardCall& call_;
  std::size_t masks_ = 0;
};

/// Throws ShapeError unless each mask behind the inputs has the leading axes of the input that it belongs to.
void check_masks(const LayerBase& layer, const TensorSpecs& inputs);

/// Nobody learns from a mask.
inline void set_mask_gradients_zero(const BackwardCall& call) {
  for (std::size_t i = MaskedInputs(call).count(); i < call.inputs.size(); ++i)
    if (const Block* dx = call.input_gradient(i)) std::fill_n(dx->data, dx->size(), 0.0f);
}

}  // namespace xl
