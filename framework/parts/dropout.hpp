#pragma once

#include <cstdint>
#include <optional>

#include "xlayers/framework/graph/primitive.hpp"

namespace xl {

/// Dropout of n numbers: y[i] = 0 with probability `rate`, which is rounded to a multiple of 2^-16, else x[i] / (1 - rate).
/// What drops is a function of the seed and of the position first + i alone. So nothing has to be kept for the backward,
/// which drops the same from the gradient. y may be x. `rate` is from 0 to 1; at 1 everything drops.
///
/// Srivastava et al. (2014), "Dropout: A Simple Way to Prevent Neural Networks from Overfitting".
void dropout(std::uint64_t seed, std::uint64_t first, float rate, std::int64_t n, const float* x, float* y);

/// The seed of a call: the run's; or, for a layer that has a seed of its own, one that depends on that and the step alone.
std::uint64_t dropout_seed(const ForwardCall& call, const std::optional<std::int64_t>& own);

}  // namespace xl
