#pragma once

#include <string>

#include "xlayers/framework/graph/layer.hpp"

namespace xl {

/// What becomes of an index that is no whole number.
enum class Fraction { error, dropped };

/// A part of a layer that looks rows up: numbers that come as float32 become int32. On one that has more than 32 bits, or
/// a fraction that is an error, its call throws ValueError in the name of the layer, of which this is the class.
Layer to_indices(std::string class_name, Fraction fraction = Fraction::error);

}  // namespace xl
