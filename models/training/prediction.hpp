#pragma once

#include <memory>
#include <span>

#include "xlayers/framework/engine/executor.hpp"
#include "xlayers/models/training/options.hpp"
#include "xlayers/models/training/samples.hpp"
#include "xlayers/models/training/signature.hpp"

// Internal: what predict is made of.

namespace xl {

/// Throws ValueError that names the model for an option that is none, and if there are no samples.
void check(const Data& x, const PredictOptions& options, const LayerBase& model);

/// One call of predict: checked, with all that it needs prepared.
class Prediction {
 public:
  /// Throws as Model::predict. The options are checked, and have to live as long.
  Prediction(std::shared_ptr<const Signature> model, std::shared_ptr<const Executor> executor, const Data& x,
             const PredictOptions& options);

  /// Throws ValueError if the model has several outputs.
  void require_one_output() const;
  std::size_t outputs() const { return model_->outputs.size(); }
  /// The shape of what comes out of output i; a batch of 1 for an output that is the same for all samples.
  Shape shape(std::size_t i) const;
  /// Writes each output. `handle` is what callbacks see.
  void write(Model& handle, std::span<float* const> outputs) const;

 private:
  bool batched(std::size_t i) const;
  void write_batch(std::span<float* const> outputs, std::int64_t first, std::int64_t count) const;

  const std::shared_ptr<const Signature> model_;
  const std::shared_ptr<const Executor> executor_;
  const PredictOptions& options_;
  const Inputs inputs_;
  const std::shared_ptr<PreparedPlan> prepared_;
};

}  // namespace xl
