#include "xlayers/framework/engine/prepared_plan.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"

namespace xl {

namespace {

constexpr std::int64_t always_kept = std::int64_t{64} << 20;

// Bytes of all memory there is, and of what is kept for later runs.
std::atomic<std::int64_t> all_bytes = 0, kept_bytes = 0;
// Counts how often memory was freed: what was used last between the same two times is about as old.
std::atomic<std::uint64_t> period = 0;

Mutex plans_mutex;  // guards the list; taken before the mutex of a plan
PreparedPlan* plans = nullptr;

}  // namespace

PreparedPlan::Memory::~Memory() { all_bytes -= bytes; }

void PreparedPlan::count(Memory& memory) const {
  const std::int64_t floats = memory.shared.size() + memory.wide.size() + memory.gradients.size() +
                              memory.totals.size() + plan.arena() * static_cast<std::int64_t>(memory.workers.size());
  const std::int64_t bytes = floats * static_cast<std::int64_t>(sizeof(float));
  if (bytes == memory.bytes) return;
  all_bytes += bytes - memory.bytes;
  memory.bytes = bytes;
}

PreparedPlan::PreparedPlan(const Program& program, std::span<const Shape> inputs, RunMode mode, std::int64_t batch)
    : plan(program, inputs, mode, batch), program_(program) {
  const std::lock_guard lock(plans_mutex);
  next_ = plans;
  if (next_ != nullptr) next_->previous_ = this;
  plans = this;
}

PreparedPlan::~PreparedPlan() {
  {
    const std::lock_guard lock(plans_mutex);
    (previous_ == nullptr ? plans : previous_->next_) = next_;
    if (next_ != nullptr) next_->previous_ = previous_;
  }
  while (waiting_) {
    kept_bytes -= waiting_->bytes;
    waiting_ = std::move(waiting_->next);
  }
}

PreparedPlan::Lease PreparedPlan::take(int workers) {
  Lease memory(take_waiting().release(), {this});
  try {
    if (!memory) {
      auto made = std::make_unique<Memory>();
      made->shared = AlignedFloats(plan.shared_arena());
      made->wide = AlignedFloats(plan.wide_arena());
      memory.reset(made.release());
    }
    while (static_cast<int>(memory->workers.size()) < workers)
      memory->workers.push_back(std::make_unique<Worker>(plan, program_, memory->shared.data(), memory->wide.data()));
  } catch (const std::bad_alloc&) {
    throw ValueError("what a sample " + joined(plan.inputs(), [](const Shape& shape) { return to_string(shape); }) +
                     " needs on its way through the layers, " +
                     std::to_string(plan.arena() + plan.shared_arena() + plan.wide_arena()) +
                     " floats, does not fit into memory");
  }
  count(*memory);
  return memory;
}

std::unique_ptr<PreparedPlan::Memory> PreparedPlan::take_waiting() {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<Memory> memory = std::move(waiting_);
  if (memory) {
    waiting_ = std::move(memory->next);
    kept_bytes.fetch_sub(memory->bytes, std::memory_order_relaxed);
  }
  return memory;
}

void PreparedPlan::give_back(std::unique_ptr<Memory> memory) {
  count(*memory);
  memory->period = period.load(std::memory_order_relaxed);
  const Memory* const given = memory.get();
  const std::int64_t others = kept_bytes.fetch_add(memory->bytes, std::memory_order_relaxed);
  const std::int64_t kept = others + memory->bytes, in_use = all_bytes.load(std::memory_order_relaxed) - others;
  {
    const std::lock_guard lock(mutex_);
    memory->next = std::move(waiting_);
    waiting_ = std::move(memory);
  }
  // Somewhat further down than has to be, so that it is not looked for in each run.
  if (const std::int64_t most = std::max(always_kept, in_use); kept > most) free_down_to(most / 4 * 3, given);
}

void PreparedPlan::free_down_to(std::int64_t bytes, const Memory* given) {
  std::unique_ptr<Memory> freed;  // once no mutex is held
  {
    const std::lock_guard lock(plans_mutex);
    period.fetch_add(1, std::memory_order_relaxed);
    while (kept_bytes.load(std::memory_order_relaxed) > bytes) {
      PreparedPlan* from = nullptr;
      std::uint64_t oldest = 0;
      for (PreparedPlan* plan = plans; plan != nullptr; plan = plan->next_) {
        const std::lock_guard its_own(plan->mutex_);
        const Memory* const last = plan->last().get();
        if (last == nullptr || last == given || (from != nullptr && last->period > oldest)) continue;
        from = plan;
        oldest = last->period;
      }
      if (from == nullptr) break;
      const std::lock_guard its_own(from->mutex_);
      std::unique_ptr<Memory>& last = from->last();
      if (!last || last.get() == given) continue;  // a run has taken it meanwhile
      kept_bytes.fetch_sub(last->bytes, std::memory_order_relaxed);
      last->next = std::move(freed);
      freed = std::move(last);
    }
  }
  while (freed) freed = std::move(freed->next);
}

std::unique_ptr<PreparedPlan::Memory>& PreparedPlan::last() {
  std::unique_ptr<Memory>* last = &waiting_;
  while (*last && (*last)->next) last = &(*last)->next;
  return *last;
}

}  // namespace xl
