#pragma once

#include <string>

#include "xlayers/framework/layer.hpp"

namespace xl {

/// A part of a layer that looks rows up: whole numbers that come as float32 become int32. On a number that is none, or
/// has more than 32 bits, its call throws ValueError in the name of the layer, of which this is the class.
Layer to_indices(std::string class_name);

}  // namespace xl
