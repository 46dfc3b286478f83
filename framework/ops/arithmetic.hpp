#pragma once

#include "xlayers/framework/graph/primitive.hpp"

namespace xl {

/// True for the operation that `a + b` makes of two symbolic tensors.
bool is_addition(const PrimitiveLayer& layer);

}  // namespace xl
