#include "xlayers/models/training/turn.hpp"

#include <functional>
#include <mutex>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/mutex.hpp"

namespace xl {

namespace {

Mutex mutex;
Turn* turns = nullptr;

bool share(std::span<const void* const> a, std::span<const void* const> b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (a[i] == b[j]) return true;
    std::less<>()(a[i], b[j]) ? ++i : ++j;
  }
  return false;
}

}  // namespace

Turn::Turn(Of what, std::span<const void* const> changed, const std::string& label) : what_(what), changed_(changed) {
  [[maybe_unused]] static const bool known = (in_child_of_fork(forget_others), true);

  const std::lock_guard lock(mutex);
  for (const Turn* other = turns; other != nullptr; other = other->next_) {
    if (!share(changed, other->changed_) || (what == Of::saving && other->what_ == Of::saving)) continue;
    if (other->thread_ != thread_)
      throw ValueError(
          label +
          "is being trained or saved by another thread, or a model that shares weights with it is: expected "
          "one call of fit, train_on_batch, save or load_weights at a time");
    if (other->what_ == Of::batch)
      throw ValueError(
          label +
          "cannot be trained or saved within a loss, a metric or a layer that a batch of its own training runs");
  }
  next_ = turns;
  turns = this;
}

Turn::~Turn() {
  const std::lock_guard lock(mutex);
  Turn** link = &turns;
  while (*link != nullptr && *link != this) link = &(*link)->next_;
  if (*link != nullptr) *link = next_;
}

// The threads of the parent of a fork, and what they train, are not in the child.
void Turn::forget_others() {
  for (Turn** link = &turns; *link != nullptr;)
    if ((*link)->thread_ != std::this_thread::get_id())
      *link = (*link)->next_;
    else
      link = &(*link)->next_;
}

}  // namespace xl
