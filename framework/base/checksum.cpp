#include "xlayers/framework/base/checksum.hpp"

#define XXH_INLINE_ALL  // no library to link
#include <xxhash.h>

#include <new>

namespace xl {

Checksum::Checksum() : state_(XXH3_createState()) {
  if (state_ == nullptr) throw std::bad_alloc();
  reset();
}
Checksum::~Checksum() { XXH3_freeState(static_cast<XXH3_state_t*>(state_)); }
void Checksum::reset() { XXH3_64bits_reset(static_cast<XXH3_state_t*>(state_)); }
void Checksum::add(const void* bytes, std::size_t count) {
  XXH3_64bits_update(static_cast<XXH3_state_t*>(state_), bytes, count);
}
std::uint64_t Checksum::value() const { return XXH3_64bits_digest(static_cast<const XXH3_state_t*>(state_)); }

}  // namespace xl
