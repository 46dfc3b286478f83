#include "xlayers/framework/parts/row_gradients.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "xlayers/framework/base/parallel.hpp"
#include "xlayers/framework/kernels/long_sums.hpp"
#include "xlayers/framework/kernels/vector.hpp"

namespace xl {

using kernels::LongSums;

// True if the look-ups of a row may be a long sum: counted by the lowest byte.
bool RowGradients::often() const {
  if (count_ <= kernels::short_sum) return false;
  std::array<std::uint32_t, 256> counts{};
  for (std::int64_t i = 0; i < count_; ++i)
    if (++counts[look_ups_[i].row & 255] > kernels::short_sum) return true;
  return false;
}

// The look-ups by their row, each row's in the order in which they came: by the lowest byte first, then by the next one.
const RowGradients::LookUp* RowGradients::sort() const {
  LookUp *from = look_ups_, *to = look_ups_ + count_;
  std::uint32_t largest = 0;
  for (std::int64_t i = 0; i < count_; ++i) largest = std::max(largest, from[i].row);
  for (int shift = 0; shift < 32 && largest >> shift != 0; shift += 8) {
    const auto byte = [shift](const LookUp& look_up) { return look_up.row >> shift & 255; };
    std::array<std::int64_t, 257> places{};
    for (std::int64_t i = 0; i < count_; ++i) ++places[byte(from[i]) + 1];
    for (std::size_t k = 1; k < places.size(); ++k) places[k] += places[k - 1];
    for (std::int64_t i = 0; i < count_; ++i) to[places[byte(from[i])]++] = from[i];
    std::swap(from, to);
  }
  return from;
}

void RowGradients::add(std::int64_t columns, const float* dy, float* table) {
  const LookUp* const begin = often() ? sort() : look_ups_;
  const std::span<const LookUp> look_ups(begin, static_cast<std::size_t>(std::exchange(count_, 0)));
  parallel_ranges(columns, LongSums::columns, [&](std::int64_t first, std::int64_t last) {
    add_columns(look_ups, columns, first, last, dy, table);
  });
}

// Columns [first, last), which are independent of the others.
void RowGradients::add_columns(std::span<const LookUp> look_ups, std::int64_t columns, std::int64_t first,
                               std::int64_t last, const float* dy, float* table) {
  const auto row_of = [=](const LookUp& look_up) { return dy + look_up.t * columns; };
  for (auto at = look_ups.begin(); at != look_ups.end();) {
    auto next = at;
    while (next != look_ups.end() && next->row == at->row) ++next;
    float* const to = table + at->row * columns;
    if (next - at <= kernels::short_sum) {
      for (; at != next; ++at) kernels::add(last - first, row_of(*at) + first, to + first);
      continue;
    }
    for (std::int64_t begin = first; begin < last; begin += LongSums::columns) {
      const std::int64_t count = std::min(LongSums::columns, last - begin);
      LongSums sums(count, next - at);
      for (auto own = at; own != next; ++own) sums.add(row_of(*own) + begin);
      for (std::int64_t j = 0; j < count; ++j) to[begin + j] += static_cast<float>(sums.result(j));
    }
    at = next;
  }
}

}  // namespace xl
