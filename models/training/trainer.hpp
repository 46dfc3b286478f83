#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "xlayers/framework/base/mutex.hpp"
#include "xlayers/framework/engine/executor.hpp"
#include "xlayers/models/training/compiled_outputs.hpp"
#include "xlayers/models/training/measure.hpp"
#include "xlayers/models/training/options.hpp"
#include "xlayers/models/training/samples.hpp"
#include "xlayers/models/training/scores.hpp"
#include "xlayers/models/training/signature.hpp"
#include "xlayers/models/training/turn.hpp"

namespace xl {

/// Sums over the batches of an epoch, from which its loss and metrics follow.
struct Totals {
  double loss = 0.0;  ///< each batch's loss times its samples
  double samples = 0.0;
  Scores::Values losses;  ///< the same for each output
  Scores::Values metric_totals, metric_counts;
};

/// What chance decides in a training, and how far it has come. With the weights and the optimizer's state, a training goes
/// on from here as if it had never stopped.
struct TrainingState {
  std::uint64_t seed = 0;
  std::uint64_t epochs_shuffled = 0, steps = 0;
};

/// Trains and evaluates one compiled and built model.
class Trainer {
 public:
  /// `masks` is the program of the outputs' masks alone, or null if no output has one. The state is what training advances.
  /// Throws ValueError if the options do
  /// not fit the model's outputs, ShapeError if a mask does not say which rows of its output count.
  Trainer(std::shared_ptr<const Signature> model, std::shared_ptr<const Executor> executor,
          std::shared_ptr<const Executor> masks, const CompileOptions& options, std::shared_ptr<TrainingState> state);

  const std::string& label() const { return model_->label; }
  /// The trained weights, in the order in which the optimizer has them.
  const std::vector<Weight*>& weights() const { return weights_; }

  /// Throws ShapeError if x, y or weight do not fit the model or one another, ValueError if there are no samples.
  Samples check(const Data& x, const Data& y, const Data& weight, const std::map<int, float>& class_weight = {}) const;

  /// "loss", those of the outputs, and the metrics.
  const std::shared_ptr<const std::vector<std::string>>& names() const { return outputs_.names(); }
  Totals no_totals() const;
  /// What the totals come to, in the order of `names`.
  Scores scores(const Totals& totals) const;

  /// For a run of several batches: see Turn.
  Turn begin_run() const { return Turn(Turn::Of::run, changed_, label()); }
  /// Puts a batch through the model and adds to `totals`. `train_batch` then makes one step, unless the loss is not finite:
  /// then it gives false. Throws ValueError if the model is being trained already.
  bool train_batch(const Batch& batch, Totals& totals);
  void test_batch(const Batch& batch, Totals& totals) const;

  /// The order of the samples in the next epoch, or once more the one of the last epoch.
  void shuffle(std::vector<std::int64_t>& order, bool once_more = false);

 private:
  void run(const Batch& batch, float* gradients, std::uint64_t step, Measure& measure) const;
  double add_batch(const Measure& measure, std::int64_t count, Totals& totals) const;
  double weight_penalty() const;
  void step();

  const std::shared_ptr<const Signature> model_;
  const std::shared_ptr<const Executor> executor_, masks_;
  const CompiledOutputs outputs_;
  Optimizer optimizer_;

  std::vector<Weight*> weights_;      // the trained ones
  std::vector<const void*> changed_;  // what a step writes, in the order of the addresses
  std::vector<Shape> shapes_;
  std::vector<float> gradients_;
  std::vector<Optimizer::Update> updates_;
  Measure training_measure_;
  mutable Mutex measures_mutex_;
  mutable std::vector<std::unique_ptr<Measure>> measures_;  // waiting for their next evaluation
  const std::shared_ptr<TrainingState> state_;
};

}  // namespace xl
