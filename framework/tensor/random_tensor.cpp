#include "xlayers/framework/tensor/random_tensor.hpp"

#include <vector>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/random.hpp"

namespace xl {

namespace {

Random numbers(Seed seed) { return Random(seed.value() ? *seed.value() : next_seed()); }

}  // namespace

Tensor random_normal(const Shape& shape, Seed seed) {
  Tensor tensor = empty(shape);
  numbers(seed).fill_normal({tensor.data(), tensor.size()});
  return tensor;
}

Tensor random_uniform(const Shape& shape, float low, float high, Seed seed) {
  Tensor tensor = empty(shape);
  numbers(seed).fill_uniform({tensor.data(), tensor.size()}, low, high);
  return tensor;
}

IntTensor random_integers(const Shape& shape, Int low, Int high, Seed seed) {
  if (low >= high)
    throw ValueError("random_integers: expected a low below high, got " + std::to_string(low) + " and " +
                     std::to_string(high));
  IntTensor tensor = detail::uninitialized<IntTensor>(shape);
  const auto range = static_cast<std::uint64_t>(static_cast<std::int64_t>(high) - low);
  const Random random = numbers(seed);
  for (std::size_t i = 0; i < tensor.size(); ++i)
    tensor.data()[i] = static_cast<std::int32_t>(low + static_cast<std::int64_t>(random.below(range, i)));
  return tensor;
}

}  // namespace xl
