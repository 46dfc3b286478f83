#pragma once

// How attention is cut: blocks of queries times blocks of keys, of one head of one sample.

#include <algorithm>
#include <cstdint>

#include "xlayers/framework/base/checked.hpp"
#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/framework/kernels/long_sums.hpp"

namespace xl::attention {

/// The scores of a block stay in the first-level cache, on the stack of the thread that computes them.
inline constexpr std::int64_t block_floats = 8192;
/// Backward finds the scores of one sample kept if they are few enough to stay in the second-level cache, and if blocks of whole
/// rows have some rows; else it computes them again.
inline constexpr std::int64_t most_kept = std::int64_t{1} << 17, most_kept_keys = block_floats / 8;
/// Otherwise, the sides of a block; and what a block's keys, or values, may take to be copied, transposed, for several products.
inline constexpr std::int64_t block_rows = 64, most_block_keys = block_floats / block_rows, panel_floats = 8192;
/// So many queries at a time go through the keys: enough to make copies of those cheap, few enough to occupy several threads.
inline constexpr std::int64_t most_queries = 8 * block_rows;
/// Sums of the products of more keys than that are long: see kernels/long_sums.hpp.
inline constexpr std::int64_t long_sum = 8192;

/// One sample: T queries, S keys, N heads, H features of a query or a key, V of a value.
struct Sizes {
  std::int64_t T, S, N, H, V;

  Sizes(const Shape& query, const Shape& value) : T(query[0]), S(value[0]), N(query[1]), H(query[2]), V(value[2]) {}
  /// Throws ShapeError if they are too many.
  std::int64_t scores() const { return checked_mul(checked_mul(N, T), S); }
  bool kept() const { return scores() <= most_kept && S <= most_kept_keys; }

  std::int64_t rows() const { return kept() ? block_floats / std::max<std::int64_t>(1, S) : block_rows; }
  std::int64_t keys() const {
    if (kept()) return std::max<std::int64_t>(1, S);
    return std::clamp<std::int64_t>(panel_floats / std::max<std::int64_t>({1, H, V}) / 16 * 16, 32, most_block_keys);
  }
  std::int64_t queries() const { return kept() ? std::max<std::int64_t>(1, T) : most_queries; }
  bool many_keys() const { return S > long_sum; }
  bool many_queries() const { return T > kernels::chain * rows(); }
};

/// Sample i of a tensor; one without a batch is the same for all.
inline float* at(const Block& x, std::int64_t i) { return x.data + (x.samples == 1 ? 0 : i * x.sample_size()); }

/// Queries [t, t + rows) of one head of one sample, and a block of keys, of which they see [first, first + keys) at most.
struct Part {
  Sizes size;
  std::int64_t sample = 0, head = 0, t = 0, rows = 0, first = 0, keys = 0;
  std::int64_t begin = 0, end = 0;  // query t + i sees no keys but those of [begin + i, end + i)
  // As AttentionRows has it, for [first, first + keys).
  const float* visible = nullptr;
  std::int64_t visible_stride = 0;

  float* from_query(const Block& x, std::int64_t features) const {
    return at(x, sample) + (t * size.N + head) * features;
  }
  float* from_key(const Block& x, std::int64_t features) const {
    return at(x, sample) + (first * size.N + head) * features;
  }
  /// Where the part's scores begin in all of them, (batch, N, T, S).
  std::int64_t place() const { return ((sample * size.N + head) * size.T + t) * size.S + first; }
};

/// What the blocks of a sum add to, rows of `columns` floats that lie `stride` apart: where there are many blocks, their chains
/// are added up in doubles, `totals`, contiguous. See kernels/long_sums.hpp.
struct Sums {
  std::int64_t rows, columns;
  float* x;
  std::int64_t stride;
  double* totals = nullptr;

  explicit operator bool() const { return x != nullptr; }
  float* row(std::int64_t i) const { return x + i * stride; }
  Sums part(std::int64_t first, std::int64_t count) const {
    return {count, columns, row(first), stride, totals == nullptr ? nullptr : totals + first * columns};
  }
  void clear() const {
    for (std::int64_t i = 0; i < rows; ++i) std::fill_n(row(i), columns, 0.0f);
    if (totals != nullptr) std::fill_n(totals, rows * columns, 0.0);
  }
  /// Row i is multiplied with factors[i].
  void scale(const float* factors) const {
    for (std::int64_t i = 0; i < rows; ++i) {
      if (factors[i] == 1.0f) continue;
      kernels::scale(columns, factors[i], row(i));
      if (totals == nullptr) continue;
      double* const total = totals + i * columns;
      std::transform(total, total + columns, total, [=](double sum) { return sum * static_cast<double>(factors[i]); });
    }
  }
  /// Block `index` has added.
  void end_block(std::int64_t index) const {
    if (totals != nullptr && (index + 1) % kernels::chain == 0) move();
  }
  void finish() const {
    if (totals == nullptr) return;
    move();
    for (std::int64_t i = 0; i < rows; ++i)
      std::transform(totals + i * columns, totals + (i + 1) * columns, row(i),
                     [](double sum) { return static_cast<float>(sum); });
  }

 private:
  void move() const {
    for (std::int64_t i = 0; i < rows; ++i) kernels::move_to_doubles(columns, row(i), totals + i * columns);
  }
};

}  // namespace xl::attention
