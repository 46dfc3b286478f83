#include "xlayers/framework/parts/dropout.hpp"

#include <cmath>

#include "xlayers/framework/base/random.hpp"
#include "xlayers/framework/kernels/dropout.hpp"

namespace xl {

void dropout(std::uint64_t seed, std::uint64_t first, float rate, std::int64_t n, const float* x, float* y) {
  // The numbers are those of Random(seed, Purpose::dropout), taken as twice as many of 16 bits.
  kernels::dropout(n,
                   {.seed = seed,
                    .stream = (static_cast<std::uint64_t>(Purpose::dropout) + 1) << 56,
                    .first = first,
                    .dropped = static_cast<std::uint32_t>(std::lround(rate * 65536.0f)),
                    .scale = rate < 1 ? 1 / (1 - rate) : 0.0f},
                   x, y);
}

std::uint64_t dropout_seed(const ForwardCall& call, const std::optional<std::int64_t>& own) {
  return own ? Random(static_cast<std::uint64_t>(*own), Purpose::dropout, call.step).bits64(0) : call.seed;
}

}  // namespace xl
