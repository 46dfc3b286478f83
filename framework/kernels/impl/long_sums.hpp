#pragma once

// Long sums in vectors: see kernels/long_sums.hpp.

#include "xlayers/framework/kernels/impl/loop.hpp"
#include "xlayers/framework/kernels/long_sums.hpp"

namespace xl::kernels::XL_KERNELS {

inline void move_to_doubles(std::int64_t n, float* x, double* total) {
  for (std::int64_t i = 0; i < n; ++i) {
    total[i] += static_cast<double>(x[i]);
    x[i] = 0.0f;
  }
}

/// sums = the terms of rows 0, 1, ..., which add(row, sums) adds. A vector is a term of each of its lanes.
template <int Sums, class Add>
XL_INLINE void sum_rows(std::int64_t rows, Batch (&sums)[Sums], Add add) {
  const auto clear = [&]() XL_LAMBDA_INLINE { XL_UNROLL for (int s = 0; s < Sums; ++s) sums[s] = Batch(0.0f); };
  clear();
  if (rows <= short_sum) {
    for (std::int64_t row = 0; row < rows; ++row) add(row, sums);
    return;
  }
  constexpr int lanes = Sums * width;
  alignas(64) float chains[lanes];
  alignas(64) double totals[lanes];
  for (int lane = 0; lane < lanes; ++lane) totals[lane] = 0.0;
  for (std::int64_t begin = 0; begin < rows; begin += chain) {
    const std::int64_t end = smaller(begin + chain, rows);
    for (std::int64_t row = begin; row < end; ++row) add(row, sums);
    XL_UNROLL for (int s = 0; s < Sums; ++s) sums[s].store_aligned(chains + s * width);
    for (int lane = 0; lane < lanes; ++lane) totals[lane] += static_cast<double>(chains[lane]);
    clear();
  }
  for (int lane = 0; lane < lanes; ++lane) chains[lane] = static_cast<float>(totals[lane]);
  XL_UNROLL for (int s = 0; s < Sums; ++s) sums[s] = Batch::load_aligned(chains + s * width);
}

/// A row of at most so many vectors is one chain of vectors: its lanes have few terms, and each is short of the others' sum.
constexpr std::int64_t short_row = 64 * width;

/// visit(begin, count) for the parts of a row that are added up in vectors of floats.
template <class Visit>
XL_INLINE void for_each_chain(std::int64_t columns, Visit visit) {
  if (columns <= short_row) return visit(std::int64_t{0}, columns);
  for (std::int64_t begin = 0; begin < columns; begin += chain * width)
    visit(begin, smaller(chain * width, columns - begin));
}

/// The sum of term(i, lanes) over a row. Lanes behind its end must give 0.
template <class Term>
XL_INLINE double sum_of_row(std::int64_t columns, Term term) {
  double total = 0.0;
  for_each_chain(columns, [&](std::int64_t begin, std::int64_t count) XL_LAMBDA_INLINE {
    Batch sum(0.0f);
    for_each_vector(count, [&](std::int64_t i, auto lanes) XL_LAMBDA_INLINE { sum += term(begin + i, lanes); });
    total += static_cast<double>(sum_of_lanes(sum));
  });
  return total;
}

struct Sums {
  double first = 0.0, second = 0.0;
};

/// Two sums over a row, whose terms add(i, lanes, first, second) adds.
template <class Add>
XL_INLINE Sums sums_of_row(std::int64_t columns, Add add) {
  Sums sums;
  for_each_chain(columns, [&](std::int64_t begin, std::int64_t count) XL_LAMBDA_INLINE {
    Batch first(0.0f), second(0.0f);
    for_each_vector(count, [&](std::int64_t i, auto lanes) XL_LAMBDA_INLINE { add(begin + i, lanes, first, second); });
    sums.first += static_cast<double>(sum_of_lanes(first));
    sums.second += static_cast<double>(sum_of_lanes(second));
  });
  return sums;
}

}  // namespace xl::kernels::XL_KERNELS
