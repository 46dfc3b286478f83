#pragma once

#include "xlayers/framework/config/config.hpp"

// Internal: what of a model's config is other in a file for Keras.

namespace xl {

/// The config of a model with each layer that KerasFactory has as its class, where that does the same: then the file opens where
/// KerasFactory is imported. Others stay classes of xlayers, which xlayers.py beside this file has for Keras.
Config keras_config(const Config& model);

}  // namespace xl
