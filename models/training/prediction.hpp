#pragma once

#include <memory>
#include <span>

#include "xlayers/models/model/model_base.hpp"

namespace xl {

/// One call of predict: checked, with all that it needs prepared.
class Forecast {
 public:
  /// Throws as Model::predict.
  Forecast(const Model& handle, ModelBase& model, const Data& x, const PredictOptions& options);

  /// Throws ValueError if the model has several outputs.
  void require_one_output() const;
  /// The shape of what comes out of output i; a batch of 1 for an output that is the same for all samples.
  Shape shape(std::size_t i) const;
  /// Writes each output.
  void write(std::span<float* const> outputs) const;

 private:
  bool batched(std::size_t i) const;
  void write_batch(std::span<float* const> outputs, std::int64_t first, std::int64_t count) const;

  const Model& handle_;
  const ModelBase& model_;
  const PredictOptions& options_;
  const std::shared_ptr<const Executor> executor_;
  const Inputs inputs_;
  const std::shared_ptr<PreparedPlan> prepared_;
};

}  // namespace xl
