#pragma once

#include <string>

#include "xlayers/framework/graph/layer.hpp"

namespace xl {

/// The options of both poolings.
struct GlobalPoolingOptions {
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
class GlobalAveragePooling1D : public Layer {
 public:
  using Options = GlobalPoolingOptions;

  explicit GlobalAveragePooling1D(Options options);
  GlobalAveragePooling1D() : GlobalAveragePooling1D(Options()) {}
  /// The inverse of get_config. Throws ValueError for an unknown key or a value that does not fit.
  static GlobalAveragePooling1D from_config(const Config& config);
};

/// The largest value over the steps.
///
///   input    (batch, steps, features)
///   output   (batch, features), or (batch, 1, features) with keepdims
///   throws   ShapeError for an input that is not of rank 3 or has no steps; ValueError for an unknown data_format
///
/// A mask does not count, as in Keras. As keras.layers.GlobalMaxPooling1D.
class GlobalMaxPooling1D : public Layer {
 public:
  using Options = GlobalPoolingOptions;

  explicit GlobalMaxPooling1D(Options options);
  GlobalMaxPooling1D() : GlobalMaxPooling1D(Options()) {}
  /// The inverse of get_config. Throws ValueError for an unknown key or a value that does not fit.
  static GlobalMaxPooling1D from_config(const Config& config);
};

}  // namespace xl
