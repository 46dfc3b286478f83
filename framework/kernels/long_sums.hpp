#pragma once

#include <algorithm>
#include <cstdint>

#include "xlayers/framework/kernels/vector.hpp"

// How long sums of floats are added up, everywhere in this library.
//
// A float that takes in one number after another rounds each time: after n equal numbers it can be off by n/2 of 2^-24, and
// beyond 2^24 of them it no longer grows. So no more than `chain` numbers, or products, are added up in a float, which is fast;
// chains are added up in doubles, whose own roundings do not count at any length.
//
// A sum of up to `short_sum` numbers stays one chain, which is fastest: of numbers that round up as often as down it is as
// good, and the sum of many short ones, as of the pieces of a batch, is a long sum again.

namespace xl::kernels {

/// The most numbers that are added up in a float before it goes into a double, where a sum is long.
constexpr std::int64_t chain = 16;
/// The most numbers of a sum that is not long.
constexpr std::int64_t short_sum = 64;

/// total = total + x, x = 0: the end of a chain of n sums at once.
void move_to_doubles(std::int64_t n, float* x, double* total);

/// The sums of the rows of a matrix, for up to `columns` of its columns at once:
///
///     for (first = 0; first < all; first += LongSums::columns) {
///       LongSums sums(std::min(LongSums::columns, all - first), rows);
///       for (each row) sums.add(row + first);
///       sums.result(j);
///     }
class LongSums {
 public:
  static constexpr std::int64_t columns = 64;

  LongSums(std::int64_t count, std::int64_t rows) : count_(count), chain_(rows <= short_sum ? rows : chain) {
    std::fill_n(sums_, count, 0.0f);
    std::fill_n(totals_, count, 0.0);
  }

  /// Adds row[j] to sum j.
  void add(const float* row) {
    kernels::add(count_, row, sums_);
    if (++added_ == chain_) end_chain();
  }
  /// Adds term(j) to sum j.
  template <class Term>
  void add(Term term) {
    for (std::int64_t j = 0; j < count_; ++j) sums_[j] += term(j);
    if (++added_ == chain_) end_chain();
  }

  double result(std::int64_t j) const { return totals_[j] + static_cast<double>(sums_[j]); }

 private:
  void end_chain() {
    move_to_doubles(count_, sums_, totals_);
    added_ = 0;
  }

  std::int64_t count_, chain_, added_ = 0;
  float sums_[columns];
  double totals_[columns];
};

}  // namespace xl::kernels
