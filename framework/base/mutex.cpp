#include "xlayers/framework/base/mutex.hpp"

#include <pthread.h>

#include <atomic>
#include <thread>

namespace xl {

namespace {

// How many threads hold mutexes, or are about to. Counted in several places, so that threads do not fight for one.
struct alignas(64) Count {
  std::atomic<int> threads = 0;
};
constexpr unsigned places = 16;
Count counts[places];
std::atomic<bool> forking = false;

std::atomic<unsigned> next_place = 0;
thread_local Count* place = nullptr;
thread_local int held = 0;  // by this thread

// A thread that holds a mutex may take others, or the fork would wait for it and it for the fork.
void enter() {
  if (held++ > 0) return;
  if (place == nullptr) place = &counts[next_place++ % places];
  while (true) {
    ++place->threads;  // seen before `forking` is looked at, as `forking` is set before the counts are
    if (!forking) return;
    --place->threads;
    while (forking) std::this_thread::yield();
  }
}

void leave() {
  if (--held == 0) place->threads.fetch_sub(1, std::memory_order_release);
}

// A thread that forks while it holds a mutex cannot wait for the others.
void before_fork() {
  if (held > 0) return;
  bool free = false;
  while (!forking.compare_exchange_weak(free, true)) {  // one fork at a time
    free = false;
    std::this_thread::yield();
  }
  for (const Count& count : counts)
    while (count.threads > 0) std::this_thread::yield();
}

void after_fork_in_parent() {
  if (held == 0) forking = false;
}

// Only this thread is left.
void after_fork_in_child() {
  for (Count& count : counts) count.threads = 0;
  if (held > 0) ++place->threads;
  forking = false;
}

[[maybe_unused]] const int registered = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);

}  // namespace

void Mutex::lock() {
  enter();
  mutex_.lock();
}

void Mutex::unlock() {
  mutex_.unlock();
  leave();
}

void in_child_of_fork(void (*function)()) { pthread_atfork(nullptr, nullptr, function); }

}  // namespace xl
