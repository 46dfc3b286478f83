#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "xlayers/models/console/progress_bar.hpp"
#include "xlayers/models/model/model.hpp"
#include "xlayers/models/model/model_base.hpp"
#include "xlayers/models/training/trainer.hpp"

// Internal: the loops over batches that fit, evaluate and predict are made of.

namespace xl {

using Callbacks = std::vector<std::shared_ptr<Callback>>;

/// Throw ValueError that names the model.
void check_batch_size(const ModelBase& model, int batch_size);
void check_verbose(const ModelBase& model, int verbose);
void check_callbacks(const ModelBase& model, const Callbacks& callbacks);

/// How many batches `count` samples make.
inline std::int64_t batches(std::int64_t count, int batch_size) { return (count + batch_size - 1) / batch_size; }

/// What trains the model, which is built if it is not yet, but not for data that does not fit together.
std::shared_ptr<Trainer> trainer_for(ModelBase& model, const Data& x, const Data& y);

/// The loss and the metrics over all samples, with the weights as they are. `bar` may be null.
Scores evaluate_samples(const Trainer& trainer, const Samples& samples, int batch_size, const Callbacks& callbacks,
                        ProgressBar* bar);

/// See Model::fit.
History fit(const Model& handle, ModelBase& model, const Data& x, const Data& y, const FitOptions& options);

}  // namespace xl
