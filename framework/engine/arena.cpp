#include "xlayers/framework/engine/arena.hpp"

#include <algorithm>

namespace xl {

std::int64_t place(std::vector<Buffer>& buffers, std::int64_t samples, std::int64_t guard) {
  const auto size = [&](const Buffer* buffer) { return buffer->size(samples) + 2 * guard; };
  std::vector<Buffer*> by_size;
  for (Buffer& buffer : buffers) by_size.push_back(&buffer);
  std::stable_sort(by_size.begin(), by_size.end(), [&](const Buffer* a, const Buffer* b) { return size(a) > size(b); });
  std::int64_t total = 0;
  std::vector<Buffer*> placed;  // by offset
  for (Buffer* buffer : by_size) {
    std::int64_t offset = 0;
    for (const Buffer* other : placed) {
      if (other->birth > buffer->death || buffer->birth > other->death) continue;
      if (offset + size(buffer) <= *other->offset) break;
      offset = std::max(offset, *other->offset + size(other));
    }
    *buffer->offset = offset;
    total = std::max(total, checked_add(offset, size(buffer)));
    placed.insert(std::upper_bound(placed.begin(), placed.end(), buffer,
                                   [](const Buffer* a, const Buffer* b) { return *a->offset < *b->offset; }),
                  buffer);
  }
  for (Buffer& buffer : buffers) *buffer.offset += guard;
  return total;
}

}  // namespace xl
