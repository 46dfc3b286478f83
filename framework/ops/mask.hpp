#pragma once

#include "xlayers/framework/graph/symbolic.hpp"

namespace xl {

/// `x` with another mask, or with its first one: steps where `mask`, which has the leading axes of `x`, is not 0 count. Throws
/// ShapeError if the shapes do not fit.
SymbolicTensor with_mask(const SymbolicTensor& x, const SymbolicTensor& mask);

}  // namespace xl
