#pragma once

#include "xlayers/models/training/history.hpp"
#include "xlayers/models/training/options.hpp"
#include "xlayers/models/training/trainer.hpp"

// Internal: the loop over epochs and batches that fit is made of.

namespace xl {

/// Throws ValueError that names the model for an option that is none.
void check(const FitOptions& options, const LayerBase& model);

/// See Model::fit. The options are checked. `handle` is what callbacks see.
History fit(Model& handle, Trainer& trainer, const Data& x, const Data& y, const FitOptions& options);

}  // namespace xl
