#pragma once

#include "xlayers/models/console/progress_bar.hpp"
#include "xlayers/models/training/callback_run.hpp"
#include "xlayers/models/training/options.hpp"
#include "xlayers/models/training/trainer.hpp"

// Internal: the loop over batches that evaluate is made of.

namespace xl {

/// Writes the scores into the logs; names that are there already allocate nothing.
void log(const Scores& scores, Logs& logs);

/// The loss and the metrics over all samples, with the weights as they are. `bar` may be null.
Scores evaluate_samples(const Trainer& trainer, const Samples& samples, int batch_size, const Callbacks& callbacks,
                        ProgressBar* bar);

/// See Model::evaluate. The options are checked. `handle` is what callbacks see.
Scores evaluate(Model& handle, const Trainer& trainer, const Data& x, const Data& y, const EvaluateOptions& options);

}  // namespace xl
