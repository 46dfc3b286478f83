#pragma once

#include <string>

#include "xlayers/framework/graph/layer_of.hpp"
#include "xlayers/framework/parts/positions.hpp"

namespace xl {

/// Sinusoids of the positions, in the shape of the input, of which nothing else counts. They are not added to it.
///
///     y[.., t, 2i] = sin(p / max_wavelength^(2i / features)),   y[.., t, 2i + 1] = cos(the same)
///
///   input      (batch, ..., steps, features)
///   positions  may be given as a second input: (batch, steps), int32 or float32; else p = start_index + t
///   output     the input's shape; an odd number of features ends with a sine
///   throws     ShapeError for an input of fewer than 3 axes, and positions of another shape; ValueError for a
///              max_wavelength that is not from 1 to 1e30, a start_index below 0, and positions of steps from 2^24 on
///
/// Vaswani et al. (2017), "Attention Is All You Need", section 3.5. As keras_hub.layers.SinePositionEncoding.
struct SinePositionEncodingOptions {
  static constexpr auto class_name = "SinePositionEncoding";
  static constexpr auto package = "keras_hub";
  static constexpr auto module = "keras_hub.src.layers.modeling.sine_position_encoding";

  float max_wavelength = 10000.0f;
  std::string name = {};
  bool trainable = true;
};
using SinePositionEncoding = LayerOf<SinePositionEncodingOptions, void, PositionsLayer>;
extern template class LayerOf<SinePositionEncodingOptions, void, PositionsLayer>;

}  // namespace xl
