#include "xlayers/framework/parts/attention_sight.hpp"

#include <algorithm>

namespace xl::attention {

namespace {

// Sets to 0 what a mask, whose elements lie `step` apart, does not let be seen.
template <class Number>
void erase_unseen(std::int64_t n, const Number* mask, std::int64_t step, float* row) {
  for (std::int64_t j = 0; j < n; ++j) row[j] = mask[j * step] == Number{0} ? 0.0f : row[j];
}

}  // namespace

Sight::Sight(const AttentionCore& options, const ForwardCall& call)
    : options_(options),
      query_(call.input(0).mask),
      key_(call.input(1).mask),
      value_(call.input(2).mask),
      pairs_(options.attention_mask ? &call.input(3) : nullptr) {}

Part Sight::part(const Sizes& size, std::int64_t sample, std::int64_t head, std::int64_t t, std::int64_t rows,
                 std::int64_t first, std::int64_t end, float* buffer) const {
  const std::int64_t window = options_.sliding_window.value_or(size.S + size.T);
  Part part{.size = size, .sample = sample, .head = head, .t = t, .rows = rows};
  part.begin = t - window + 1;
  part.end = t + (options_.causal ? 1 : window);
  part.first = std::clamp(part.begin, first, end);
  part.keys = std::clamp(part.end + rows - 1, part.first, end) - part.first;
  look(part, buffer);
  return part;
}

void Sight::look(Part& part, float* buffer) const {
  if (part.keys == 0 || (query_ == nullptr && key_ == nullptr && value_ == nullptr && pairs_ == nullptr)) return;
  const bool rows_differ = query_ != nullptr || pairs_ != nullptr;
  const std::int64_t rows = rows_differ ? part.rows : 1;
  for (std::int64_t i = 0; i < rows; ++i) write_row(part, i, buffer + i * part.keys);
  const auto unseen = std::count(buffer, buffer + rows * part.keys, 0.0f);
  if (unseen == rows * part.keys) part.keys = 0;
  if (unseen == 0 || part.keys == 0) return;
  part.visible = buffer;
  part.visible_stride = rows_differ ? part.keys : 0;
}

void Sight::write_row(const Part& part, std::int64_t i, float* row) const {
  std::fill_n(row, part.keys, query_ != nullptr ? at(*query_, part.sample)[part.t + i] : 1.0f);
  if (pairs_ != nullptr) {
    const Shape& shape = *pairs_->sample;
    const std::int64_t columns = shape.back(), rows = shape[shape.rank() - 2];
    const std::int64_t head = shape.rank() == 3 && shape[0] > 1 ? part.head * rows : 0;
    const float* const from =
        at(*pairs_, part.sample) + (head + (rows > 1 ? part.t + i : 0)) * columns + (columns > 1 ? part.first : 0);
    if (*options_.attention_mask == DType::int32)
      erase_unseen(part.keys, reinterpret_cast<const std::int32_t*>(from), columns > 1, row);
    else
      erase_unseen(part.keys, from, columns > 1, row);
  }
  for (const Block* mask : {value_, key_})
    if (mask != nullptr) erase_unseen(part.keys, at(*mask, part.sample) + part.first, true, row);
}

}  // namespace xl::attention
