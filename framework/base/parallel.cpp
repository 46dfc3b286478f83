#include "xlayers/framework/base/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/mutex.hpp"
#include "xlayers/framework/base/threads.hpp"

namespace xl {

namespace {

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// A job is handed out through one word: which job it is, whether one may still join, and how many workers are
// in it. A worker that wakes up too late finds the job closed and goes back to sleep; nobody waits for it.
using State = std::uint64_t;
constexpr State one_worker = 1;
constexpr State open = State{1} << 31;
constexpr State one_job = State{1} << 32;
constexpr State workers_in(State state) { return state & (open - 1); }
constexpr State job_of(State state) { return state / one_job; }

// About as long as a futex call takes: longer only burns the time of whoever else wants the core.
constexpr int spins = 2000;

// Waits, first spinning and then blocked, until `done(state)`; gives the state that was seen.
template <class Done>
State wait_until(const std::atomic<State>& state, Done done) {
  State seen = state.load(std::memory_order_acquire);
  for (int i = 0; i < spins && !done(seen); ++i) {
    pause();
    seen = state.load(std::memory_order_acquire);
  }
  while (!done(seen)) {
    state.wait(seen, std::memory_order_acquire);
    seen = state.load(std::memory_order_acquire);
  }
  return seen;
}

// What this thread is within: a call that parallel_for makes by itself, or one that the pool makes.
enum class Within { nothing, call, job };
thread_local Within within = Within::nothing;

class Entered {
 public:
  explicit Entered(Within what) : before_(std::exchange(within, std::max(within, what))) {}
  ~Entered() { within = before_; }

 private:
  const Within before_;
};

class Pool {
 public:
  // With fewer threads if the system does not give that many.
  explicit Pool(int threads) {
    threads_.reserve(static_cast<std::size_t>(threads));
    try {
      for (int worker = 1; worker < threads; ++worker) threads_.emplace_back([this, worker] { serve(worker); });
    } catch (const std::system_error&) {
    }
  }

  ~Pool() {
    stop_ = true;
    state_.fetch_add(one_job, std::memory_order_release);
    state_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void run(std::int64_t count, int most_workers, IndexFunction function) {
    count_ = count;
    most_workers_ = most_workers;
    function_ = &function;
    next_ = 0;
    failed_index_ = count;
    failure_ = nullptr;
    state_.store((job_of(state_) + 1) * one_job | open, std::memory_order_release);
    state_.notify_all();

    work(0);

    state_.fetch_and(~open, std::memory_order_acq_rel);
    wait_until(state_, [](State state) { return workers_in(state) == 0; });
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    if (abandoned_) throw ValueError("what runs on several threads cannot go on in the child of a fork");
  }

  // In the child of a fork, where the threads are not.
  void abandon() {
    abandoned_ = true;
    state_.fetch_and(~(open - 1));
  }

 private:
  void serve(int worker) {
    State job = 0;
    while (true) {
      State seen = wait_until(state_, [&](State state) { return job_of(state) != job; });
      if (stop_) return;
      job = job_of(seen);
      if (worker >= most_workers_) continue;
      while ((seen & open) != 0 && job_of(seen) == job) {
        if (!state_.compare_exchange_weak(seen, seen + one_worker, std::memory_order_acq_rel)) continue;
        work(worker);
        const State before = state_.fetch_sub(one_worker, std::memory_order_acq_rel);
        if ((before & open) == 0 && workers_in(before) == 1) state_.notify_all();
        break;
      }
    }
  }

  void work(int worker) {
    const Entered entered(Within::job);
    for (std::int64_t index; (index = next_.fetch_add(1, std::memory_order_relaxed)) < count_;) {
      try {
        (*function_)(index, worker);
      } catch (...) {
        const std::lock_guard lock(failure_mutex_);
        if (index < failed_index_) {
          failed_index_ = index;
          failure_ = std::current_exception();
        }
      }
    }
  }

  std::vector<std::thread> threads_;
  std::atomic<State> state_ = 0;
  std::atomic<bool> stop_ = false;
  bool abandoned_ = false;

  std::int64_t count_ = 0;
  std::atomic<int> most_workers_ = 0;
  const IndexFunction* function_ = nullptr;
  std::atomic<std::int64_t> next_ = 0;
  std::mutex failure_mutex_;
  std::int64_t failed_index_ = 0;
  std::exception_ptr failure_;
};

struct Threads {
  Threads() { in_child_of_fork(begin_anew); }

  std::mutex busy;  // held while a job runs
  std::atomic<int> number = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  std::unique_ptr<Pool> pool;  // made by the first job that wants more than one thread

  static void begin_anew();
};

Threads& threads() {
  static Threads instance;
  return instance;
}

// The child of a fork has none of the pool's threads, and nobody in it ends a job of another one. The old pool stays where
// it is: its threads cannot be waited for.
void Threads::begin_anew() {
  static Pool* old;
  old = threads().pool.release();
  if (old != nullptr) old->abandon();
  if (within != Within::job) new (&threads().busy) std::mutex;
}

}  // namespace

void set_num_threads(int number) {
  constexpr int most = 1024;
  if (number < 1 || number > most)
    throw ValueError("the number of threads is from 1 to " + std::to_string(most) + ", got " + std::to_string(number));
  if (within != Within::nothing)
    throw ValueError(
        "the number of threads cannot change within a loss, a layer or another function that runs on them: "
        "call set_num_threads before or after");
  const std::lock_guard lock(threads().busy);
  if (number == threads().number) return;
  threads().pool.reset();
  threads().number = number;
}

int num_threads() { return threads().number; }

// Within a job, this thread may hold the pool already.
bool runs_in_parallel() { return num_threads() > 1 && within != Within::job; }

void parallel_for(std::int64_t count, int most_workers, IndexFunction function) {
  if (count > 1 && most_workers > 1 && runs_in_parallel()) {
    const std::unique_lock lock(threads().busy, std::try_to_lock);
    if (lock && num_threads() > 1) {
      if (!threads().pool) threads().pool = std::make_unique<Pool>(num_threads());
      threads().pool->run(count, most_workers, function);
      return;
    }
  }
  const Entered entered(Within::call);
  for (std::int64_t index = 0; index < count; ++index) function(index, 0);
}

void parallel_for(std::int64_t count, IndexFunction function) { parallel_for(count, num_threads(), function); }

}  // namespace xl
