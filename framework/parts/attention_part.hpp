#pragma once

// How attention is cut: a block of queries of one head of one sample at a time.

#include <algorithm>
#include <cstdint>

#include "xlayers/framework/base/checked.hpp"
#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/framework/kernels/long_sums.hpp"

namespace xl::attention {

/// The scores of a block of queries are computed together: as many as stay in the first-level cache.
inline constexpr std::int64_t block_floats = 8192;
/// Backward finds the scores of one sample kept if they are few enough to stay in the second-level cache; else it
/// computes them again.
inline constexpr std::int64_t most_kept = std::int64_t{1} << 17;

/// One sample: T queries, S keys, N heads, H features of a query or a key, V of a value.
struct Sizes {
  std::int64_t T, S, N, H, V;

  Sizes(const Shape& query, const Shape& value) : T(query[0]), S(value[0]), N(query[1]), H(query[2]), V(value[2]) {}
  /// Throws ShapeError if they are too many.
  std::int64_t scores() const { return checked_mul(checked_mul(N, T), S); }
  bool kept() const { return scores() <= most_kept; }
  /// Doubles for the gradients of one sample's keys and values, to which each block of queries adds, if there are many.
  std::int64_t totals() const { return T > kernels::chain * block_rows() ? S * N * (H + V) : 0; }
  std::int64_t block_rows() const {
    return std::min(T, std::max<std::int64_t>(8, block_floats / std::max<std::int64_t>(1, S)));
  }
};

/// Sample i of a tensor; one without a batch is the same for all.
inline float* at(const Block& x, std::int64_t i) { return x.data + (x.samples == 1 ? 0 : i * x.sample_size()); }

/// Queries [t, t + rows) of one head of one sample, and the keys that any of them may see: [first, first + keys). The
/// pointers to matrices (rows, S) are to their column `first`.
struct Part {
  Sizes size;
  std::int64_t sample = 0, head = 0, t = 0, rows = 0, first = 0, keys = 0;
  std::int64_t begin = 0, end = 0;  // query t + i sees no keys but those of [begin + i, end + i)
  float* scores = nullptr;
  const float* visible = nullptr;  // (rows, keys), as AttentionRows has it

  float* from_query(const Block& x, std::int64_t features) const {
    return at(x, sample) + (t * size.N + head) * features;
  }
  float* from_key(const Block& x, std::int64_t features) const {
    return at(x, sample) + (first * size.N + head) * features;
  }
};

/// Sets to 0 what a mask, whose elements lie `step` apart, does not let be seen.
template <class Number>
void erase_unseen(std::int64_t n, const Number* mask, std::int64_t step, float* row) {
  for (std::int64_t j = 0; j < n; ++j) row[j] = mask[j * step] == Number{0} ? 0.0f : row[j];
}

/// When all heads of a block of queries have added to dx, the gradient of the keys or the values: where there are many blocks,
/// it is a long sum, see kernels/long_sums.hpp.
inline void end_block(const Part& part, const Block* dx, std::int64_t features, double* totals) {
  const Sizes& size = part.size;
  if (dx == nullptr || size.totals() == 0 || part.head + 1 < size.N) return;
  const std::int64_t n = size.S * size.N * features, blocks = part.t / size.block_rows() + 1;
  const bool last = part.t + part.rows == size.T;
  float* const x = at(*dx, part.sample);
  if (blocks == 1) std::fill_n(totals, n, 0.0);
  if (last || blocks % kernels::chain == 0) kernels::move_to_doubles(n, x, totals);
  if (last) std::transform(totals, totals + n, x, [](double sum) { return static_cast<float>(sum); });
}

}  // namespace xl::attention
