#pragma once

// A loop over n floats, a vector at a time.

#include "xlayers/framework/kernels/impl/simd.hpp"

namespace xl::kernels::XL_KERNELS {

/// A whole vector.
struct Whole {
  XL_INLINE Batch load(const float* from) const { return XL_KERNELS::load(from); }
  XL_INLINE Batch load_or(const float* from, float) const { return XL_KERNELS::load(from); }
  XL_INLINE void store(float* to, const Batch& x) const { XL_KERNELS::store(to, x); }
};

/// The last vector, of which only `count` floats are there.
struct Tail {
  int count;
  XL_INLINE Batch load(const float* from) const { return load_partial(from, count); }
  /// With `rest` in the lanes that are not there.
  XL_INLINE Batch load_or(const float* from, float rest) const {
    alignas(64) static constexpr float lane[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const Mask there = Batch::load_aligned(lane) < Batch(static_cast<float>(count));
    return xsimd::select(there, load_partial(from, count), Batch(rest));
  }
  XL_INLINE void store(float* to, const Batch& x) const { store_partial(to, x, count); }
};

/// body(i, lanes) for i = 0, width, 2 width, ...; `lanes` loads and stores what is there.
template <class Body>
XL_INLINE void for_each_vector(std::int64_t n, Body body) {
  std::int64_t i = 0;
  for (; i + width <= n; i += width) body(i, Whole{});
  if (i < n) body(i, Tail{static_cast<int>(n - i)});
}

/// The sum of all lanes, always in the same order.
XL_INLINE float sum_of_lanes(const Batch& x) {
  const Quad four = fold(x);
  return (four[0] + four[2]) + (four[1] + four[3]);
}

XL_INLINE float largest_lane(const Batch& x) {
  alignas(64) float lanes[width];
  x.store_aligned(lanes);
  float largest = lanes[0];
  for (int i = 1; i < width; ++i) largest = lanes[i] > largest ? lanes[i] : largest;
  return largest;
}

}  // namespace xl::kernels::XL_KERNELS
