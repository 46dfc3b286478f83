#include "xlayers/framework/parts/row_gradients.hpp"

#include <algorithm>
#include <array>
#include <utility>

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
  const auto row_of = [=](const LookUp& look_up) { return dy + look_up.t * columns; };
  const LookUp* at = often() ? sort() : look_ups_;
  const LookUp* const end = at + std::exchange(count_, 0);
  while (at < end) {
    const LookUp* next = at;
    while (next < end && next->row == at->row) ++next;
    float* const to = table + at->row * columns;
    if (next - at <= kernels::short_sum) {
      for (; at < next; ++at) kernels::add(columns, row_of(*at), to);
      continue;
    }
    for (std::int64_t begin = 0; begin < columns; begin += LongSums::columns) {
      const std::int64_t count = std::min(LongSums::columns, columns - begin);
      LongSums sums(count, next - at);
      for (const LookUp* own = at; own < next; ++own) sums.add(row_of(*own) + begin);
      for (std::int64_t j = 0; j < count; ++j) to[begin + j] += static_cast<float>(sums.result(j));
    }
    at = next;
  }
}

}  // namespace xl
