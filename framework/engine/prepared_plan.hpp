#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "xlayers/framework/base/aligned_floats.hpp"
#include "xlayers/framework/base/mutex.hpp"
#include "xlayers/framework/engine/plan.hpp"
#include "xlayers/framework/engine/worker.hpp"

// Internal: the memory of runs.

namespace xl {

/// A plan together with the memory of runs that are over, kept for the next ones.
///
/// All plans of the process together keep at most as many bytes as are in use at that moment, or 64 MiB if that is more;
/// what was not used for the longest time is given back first. So a run that is made again and again allocates nothing, and
/// memory that was needed once does not stay.
class PreparedPlan {
 public:
  PreparedPlan(const Program& program, std::span<const Shape> inputs, RunMode mode, std::int64_t batch);
  ~PreparedPlan();
  PreparedPlan(const PreparedPlan&) = delete;
  PreparedPlan& operator=(const PreparedPlan&) = delete;

  const Plan plan;

  /// The memory of one run.
  struct Memory {
    ~Memory();

    AlignedFloats shared, wide;
    AlignedFloats gradients;  ///< one sum a group
    AlignedFloats totals;     ///< doubles, one sum a worker, where a group has many pieces
    std::vector<std::unique_ptr<Worker>> workers;

    std::int64_t bytes = 0;        ///< as counted last
    std::uint64_t period = 0;      ///< in which it was used last
    std::unique_ptr<Memory> next;  ///< that waits
  };
  struct GiveBack {
    PreparedPlan* plan;
    void operator()(Memory* memory) const { plan->give_back(std::unique_ptr<Memory>(memory)); }
  };
  using Lease = std::unique_ptr<Memory, GiveBack>;
  /// Memory for a run by so many workers, or more; it comes back by itself.
  Lease take(int workers);

 private:
  std::unique_ptr<Memory> take_waiting();
  void give_back(std::unique_ptr<Memory> memory);
  void count(Memory& memory) const;
  // Of all plans, what was used least lately first, but not what was given back just now.
  static void free_down_to(std::int64_t bytes, const Memory* given);
  // What waits for the longest time, or nothing.
  std::unique_ptr<Memory>& last();

  const Program& program_;
  Mutex mutex_;                                         // guards waiting_
  std::unique_ptr<Memory> waiting_;                     // what was used last, and behind it the others
  PreparedPlan *next_ = nullptr, *previous_ = nullptr;  // in the list of all plans
};

}  // namespace xl
