#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace xl {

/// A reference to a callable `void(std::int64_t index, int worker)`; it owns nothing and allocates nothing.
class IndexFunction {
 public:
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, IndexFunction>) IndexFunction(F&& function)
      : object_(const_cast<void*>(static_cast<const void*>(&function))),
        call_([](void* object, std::int64_t index, int worker) {
          (*static_cast<std::remove_reference_t<F>*>(object))(index, worker);
        }) {}
  void operator()(std::int64_t index, int worker) const { call_(object_, index, worker); }

 private:
  void* object_;
  void (*call_)(void*, std::int64_t, int);
};

/// Calls `function(index, worker)` once for each index below `count`, on up to num_threads() threads, and
/// returns when all calls have. `worker` is below `most_workers`, and no two calls that overlap in time have
/// the same. While another call of parallel_for runs, the calls are made one after the other by the calling
/// thread, as worker 0. If calls throw, the exception of the lowest index that threw is thrown again.
void parallel_for(std::int64_t count, int most_workers, IndexFunction function);
/// The same with as many workers as there are threads: for calls that do not look at `worker`.
void parallel_for(std::int64_t count, IndexFunction function);

/// False where parallel_for would make all calls by itself: with one thread, and within one of its calls.
bool runs_in_parallel();

/// Calls `function(begin, end)` for ranges that together are [0, count), each of at most `grain` indices; in one call where
/// nothing runs in parallel. So it is for what does the same to each index, whatever the range.
template <class Function>
void parallel_ranges(std::int64_t count, std::int64_t grain, const Function& function) {
  if (count <= grain || !runs_in_parallel()) {
    if (count > 0) function(std::int64_t{0}, count);
    return;
  }
  parallel_for((count + grain - 1) / grain,
               [&](std::int64_t range, int) { function(range * grain, std::min(count, (range + 1) * grain)); });
}

}  // namespace xl
