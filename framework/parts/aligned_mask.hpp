#pragma once

#include <utility>

#include "xlayers/framework/ops/broadcast.hpp"

namespace xl {

/// A mask (batch, steps) beside an input (batch, steps, features): the axes that it does not have are 1.
struct AlignedMask {
  AlignedMask(const Block* mask, const Block& input) {
    for (std::size_t axis = 0; axis < input.sample->rank(); ++axis)
      sample.push_back(mask != nullptr && axis < mask->sample->rank() ? (*mask->sample)[axis] : 1);
    block = mask == nullptr ? Block{const_cast<float*>(&one), &sample, 1} : Block{mask->data, &sample, mask->samples};
  }
  AlignedMask(const AlignedMask&) = delete;
  AlignedMask& operator=(const AlignedMask&) = delete;

  static constexpr float one = 1.0f;  // without a mask everything counts
  Shape sample;
  Block block;
};

/// y = f(y, operands ...), where the operands are broadcast to y.
template <class F, class... Operands>
void update_with(const Block& y, F f, const Operands&... operands) {
  const Walk<sizeof...(operands)> walk(y, {&operands...});
  walk.for_each_vector([&](const auto& at) {
    [&]<std::size_t... i>(std::index_sequence<i...>) {
      float* to = y.data + at[0];
      for (Dim j = 0; j < walk.length(); ++j) to[j] = f(to[j], operands.data[at[i + 1] + j * walk.step(i)]...);
    }
    (std::index_sequence_for<Operands...>());
  });
}

}  // namespace xl
