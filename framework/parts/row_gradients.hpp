#pragma once

#include <cstdint>
#include <span>

namespace xl {

/// The gradient of rows that are looked up in a table: table[row[t]] += dy[t], where dy is (t, columns). A row that is looked
/// up often is a long sum: see kernels/long_sums.hpp.
class RowGradients {
 public:
  /// Floats of scratch for so many look-ups.
  static constexpr std::int64_t scratch(std::int64_t look_ups) { return 4 * look_ups; }

  explicit RowGradients(float* scratch) : look_ups_(reinterpret_cast<LookUp*>(scratch)) {}

  /// The next look-up is of this row.
  void look_up(std::int64_t row) {
    look_ups_[count_] = {static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(count_)};
    ++count_;
  }
  /// Adds all of them up, and begins anew.
  void add(std::int64_t columns, const float* dy, float* table);

 private:
  struct LookUp {
    std::uint32_t row, t;
  };

  static void add_columns(std::span<const LookUp> look_ups, std::int64_t columns, std::int64_t first, std::int64_t last,
                          const float* dy, float* table);
  const LookUp* sort() const;
  bool often() const;

  LookUp* look_ups_;  // and behind them as many places to sort them
  std::int64_t count_ = 0;
};

}  // namespace xl
