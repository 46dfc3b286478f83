#pragma once

#include <span>

#include "xlayers/framework/engine/executor.hpp"
#include "xlayers/models/training/compiled_outputs.hpp"
#include "xlayers/models/training/samples.hpp"

// Internal: what the loss of a batch is divided by.

namespace xl {

/// Sets for each output whose loss does not count all rows of the batch how many it does: those that the output's mask
/// keeps and whose target the loss does not ignore. `plan` is that of the batch, `masks` the program of the outputs' masks alone, or null if there
/// are none. It has to be known before the first gradient.
void count_rows(const CompiledOutputs& outputs, const Plan& plan, const Executor* masks, const Batch& batch,
                std::span<double> counted);

}  // namespace xl
