#pragma once

#include <mutex>

namespace xl {

/// A mutex that no other thread holds while the process forks: a fork waits until those that are held are free, so the
/// child finds free mutexes, and whole what they guard. For what is over soon, and waits for nothing but other mutexes of
/// this kind.
class Mutex {
 public:
  void lock();
  void unlock();

 private:
  std::mutex mutex_;
};

/// Calls `function` in the child of each fork, before fork returns there. No other thread is left then.
void in_child_of_fork(void (*function)());

}  // namespace xl
