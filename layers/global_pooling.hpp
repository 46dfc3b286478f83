#pragma once

#include <string>

#include "xlayers/framework/graph/layer_of.hpp"

namespace xl {

enum class Pooling { average, max };

/// The options of both poolings.
template <Pooling pooling>
struct GlobalPoolingOptions {
  static constexpr auto class_name = pooling == Pooling::average ? "GlobalAveragePooling1D" : "GlobalMaxPooling1D";
  static constexpr auto package = "keras";

  std::string data_format = "channels_last";  ///< or "channels_first": (batch, features, steps)
  bool keepdims = false;                      ///< leave an axis of 1 in the place of the steps
  std::string name = {};
  bool trainable = true;
};

/// The mean over the steps.
///
///   input    (batch, steps, features)
///   output   (batch, features), or (batch, 1, features) with keepdims
///   throws   ShapeError for an input that is not of rank 3; ValueError for an unknown data_format
///
/// If the input carries a mask, the mean is over the steps that count; of none it is 0 / 0, NaN, as in Keras. As
/// keras.layers.GlobalAveragePooling1D.
using GlobalAveragePooling1D = LayerOf<GlobalPoolingOptions<Pooling::average>>;
extern template class LayerOf<GlobalPoolingOptions<Pooling::average>>;

/// The largest value over the steps.
///
///   input    (batch, steps, features)
///   output   (batch, features), or (batch, 1, features) with keepdims
///   throws   ShapeError for an input that is not of rank 3 or has no steps; ValueError for an unknown data_format
///
/// A mask does not count, as in Keras. As keras.layers.GlobalMaxPooling1D.
using GlobalMaxPooling1D = LayerOf<GlobalPoolingOptions<Pooling::max>>;
extern template class LayerOf<GlobalPoolingOptions<Pooling::max>>;

}  // namespace xl
