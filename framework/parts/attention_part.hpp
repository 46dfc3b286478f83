#pragma once

// How attention is cut: a block of queries of one head of one sample at a time.

#include <algorithm>
#include <cstdint>

#include "xlayers/framework/graph/primitive.hpp"

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
  std::int64_t scores() const { return N * T * S; }
  bool kept() const { return scores() <= most_kept; }
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

}  // namespace xl::attention
