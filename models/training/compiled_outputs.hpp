#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "xlayers/models/training/options.hpp"
#include "xlayers/models/training/signature.hpp"

// Internal: what compile says about each output of a model.

namespace xl {

/// How one output is judged.
struct CompiledOutput {
  std::optional<Loss> loss;  ///< none: it is not trained on
  double loss_weight = 1.0;
  std::vector<Metric> metrics, weighted_metrics;
  bool masked = false;  ///< it carries a mask, if the steps of the data are those that it belongs to
};

/// The outputs of a model in their order, with Keras' names for what they are judged by.
class CompiledOutputs {
 public:
  /// Throws ValueError for an option that is for no output, or not for every one.
  CompiledOutputs(const Signature& model, const CompileOptions& options);

  std::size_t size() const { return outputs_.size(); }
  const CompiledOutput& operator[](std::size_t i) const { return outputs_[i]; }
  auto begin() const { return outputs_.begin(); }
  auto end() const { return outputs_.end(); }
  /// How many metrics they have together.
  std::size_t metrics() const { return metrics_; }
  /// True if each loss has a name of its own: there is more than one.
  bool names_losses() const { return names_losses_; }
  /// "loss"; of several, each output's; the metrics, output by output; and those with weights.
  const std::shared_ptr<const std::vector<std::string>>& names() const { return names_; }

 private:
  std::vector<CompiledOutput> outputs_;
  std::size_t metrics_ = 0;
  bool names_losses_ = false;
  std::shared_ptr<const std::vector<std::string>> names_;
};

}  // namespace xl
