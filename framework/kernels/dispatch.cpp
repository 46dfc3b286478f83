#include "xlayers/framework/kernels/dispatch.hpp"

#include <atomic>
#include <cstdlib>
#include <string>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/kernels/table.hpp"

namespace xl::kernels {
namespace {

constexpr InstructionSet all_sets[] = {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512};

// Null where the build has no kernels for the set.
const Table* table_of(InstructionSet set) {
  if (set == InstructionSet::baseline) return baseline_table();
#if defined(__x86_64__)
  return set == InstructionSet::avx2 ? avx2_table() : avx512_table();
#else
  return nullptr;
#endif
}

// __builtin_cpu_supports also asks the operating system whether it saves the wide registers.
bool processor_has(InstructionSet set) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  switch (set) {
    case InstructionSet::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case InstructionSet::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case InstructionSet::baseline:
      break;
  }
#endif
  return set == InstructionSet::baseline;
}

std::string supported_names() {
  std::string names;
  for (InstructionSet set : all_sets) {
    if (supported(set)) names += (names.empty() ? "" : ", ") + std::string(to_string(set));
  }
  return names;
}

void require_supported(InstructionSet set) {
  if (supported(set)) return;
  throw ValueError("this processor or build cannot run the instruction set '" + std::string(to_string(set)) +
                   "'; it can run: " + supported_names());
}

InstructionSet choose() {
  if (const char* name = std::getenv("XLAYERS_INSTRUCTION_SET"); name != nullptr && *name != '\0') {
    for (InstructionSet set : all_sets) {
      if (std::string(name) != to_string(set)) continue;
      require_supported(set);
      return set;
    }
    throw ValueError("XLAYERS_INSTRUCTION_SET is '" + std::string(name) + "'; known names: baseline, avx2, avx512");
  }
  InstructionSet best = InstructionSet::baseline;
  for (InstructionSet set : all_sets) {
    if (supported(set)) best = set;
  }
  return best;
}

// The first call chooses; threads that race there choose the same.
std::atomic<const Table*> current{nullptr};

}  // namespace

const char* to_string(InstructionSet set) {
  switch (set) {
    case InstructionSet::avx2:
      return "avx2";
    case InstructionSet::avx512:
      return "avx512";
    case InstructionSet::baseline:
      break;
  }
  return "baseline";
}

bool supported(InstructionSet set) { return processor_has(set) && table_of(set) != nullptr; }

const Table& table() {
  const Table* chosen = current.load(std::memory_order_acquire);
  if (chosen == nullptr) {
    chosen = table_of(choose());
    const Table* none = nullptr;
    if (!current.compare_exchange_strong(none, chosen, std::memory_order_acq_rel)) chosen = none;
  }
  return *chosen;
}

InstructionSet instruction_set() {
  const Table* chosen = &table();
  for (InstructionSet set : all_sets) {
    if (table_of(set) == chosen) return set;
  }
  return InstructionSet::baseline;
}

void set_instruction_set(InstructionSet set) {
  require_supported(set);
  current.store(table_of(set), std::memory_order_release);
}

}  // namespace xl::kernels
