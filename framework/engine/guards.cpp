#include "xlayers/framework/engine/guards.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "xlayers/framework/base/errors.hpp"

namespace xl {

namespace {

// A NaN, so that whoever reads it sees one; a signalling one, so that arithmetic with it gives another.
constexpr std::uint32_t number = 0x7f85a5a5;

// visit(float) for each float before and behind a buffer.
template <class Visit>
void around(const GuardedBuffer& buffer, std::int64_t samples, Visit visit) {
  if (buffer.tensor != nullptr && buffer.tensor->data != buffer.data) return;
  float* const end = buffer.data + buffer.per_sample * samples + buffer.fixed;
  for (float* x = buffer.data - guard_floats; x < buffer.data; ++x) visit(*x);
  for (float* x = end; x < end + guard_floats; ++x) visit(*x);
}

}  // namespace

void Guards::set(std::int64_t samples) const {
  for (const GuardedBuffer& buffer : buffers_)
    around(buffer, samples, [](float& x) { std::memcpy(&x, &number, sizeof x); });
}

void Guards::check(std::int64_t samples, const PrimitiveLayer& layer) const {
  for (const GuardedBuffer& buffer : buffers_)
    around(buffer, samples, [&](const float& x) {
      if (std::memcmp(&x, &number, sizeof x) != 0)
        throw ValueError(layer.label() + "wrote outside of its " + buffer.name);
    });
}

}  // namespace xl
