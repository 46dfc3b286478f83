#pragma once

#include "xlayers/framework/engine/prepared_plan.hpp"
#include "xlayers/framework/engine/run.hpp"

// Internal: the two ways of a run. The memory has so many workers, and for a backward run room for each group's sums.

namespace xl {

/// Each piece goes through the whole program by itself.
void run_deep(const Plan& plan, PreparedPlan::Memory& memory, const Run& run, int workers);
/// The samples of a chunk go through the program together, a stage after the other.
void run_wide(const Plan& plan, const Program& program, PreparedPlan::Memory& memory, const Run& run, int workers);

}  // namespace xl
