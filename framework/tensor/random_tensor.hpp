#pragma once

#include "xlayers/framework/tensor/tensor.hpp"

namespace xl {

/// A tensor of normal numbers of mean 0 and deviation 1. With a seed, the same numbers each time; without, they follow
/// `set_random_seed`. Throws ShapeError if an axis is None. As keras.random.normal.
Tensor random_normal(const Shape& shape, Seed seed = {});

/// A tensor of numbers in [low, high), each as likely as the others. As keras.random.uniform.
Tensor random_uniform(const Shape& shape, float low = 0.0f, float high = 1.0f, Seed seed = {});

/// A tensor of whole numbers from low up to, but not including, high. Throws ValueError unless low is below high. As
/// keras.random.randint.
IntTensor random_integers(const Shape& shape, Int low, Int high, Seed seed = {});

}  // namespace xl
