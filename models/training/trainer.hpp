#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "xlayers/framework/engine/executor.hpp"
#include "xlayers/models/model/model.hpp"
#include "xlayers/models/training/compiled_outputs.hpp"
#include "xlayers/models/training/samples.hpp"

namespace xl {

class ModelBase;

/// Sums over the batches of an epoch, from which its loss and metrics follow.
struct Totals {
  double loss = 0.0;  ///< each batch's loss times its samples
  double samples = 0.0;
  Scores::Values losses;  ///< the same for each output
  Scores::Values metric_totals, metric_counts;
};

/// Trains and evaluates one compiled and built model.
class Trainer {
 public:
  Trainer(const ModelBase& model, std::shared_ptr<const Executor> executor, const CompileOptions& options,
          std::uint64_t seed);
  ~Trainer();

  /// Throws ShapeError if x, y or weight do not fit the model or one another, ValueError if there are no samples.
  Samples check(const Data& x, const Data& y, const Data& weight, const std::map<int, float>& class_weight = {}) const;

  /// "loss", those of the outputs, and the metrics.
  const std::shared_ptr<const std::vector<std::string>>& names() const { return outputs_.names(); }
  Totals no_totals() const;
  /// What the totals come to, in the order of `names`.
  Scores scores(const Totals& totals) const;

  /// Puts `count` samples through the model: number i is `order[first + i]`, or first + i if there is no order.
  /// Adds to `totals`. `train_batch` then makes one step, unless the loss is not finite: then it gives false.
  bool train_batch(const Samples& samples, const std::int64_t* order, std::int64_t first, std::int64_t count,
                   Totals& totals);
  void test_batch(const Samples& samples, std::int64_t first, std::int64_t count, Totals& totals) const;

  /// The order of `count` samples in the next epoch.
  void shuffle(std::vector<std::int64_t>& order);

 private:
  class Measure;  // loss and metrics of the pieces of a batch

  void run(const Samples& samples, const std::int64_t* order, std::int64_t first, std::int64_t count, float* gradients,
           std::uint64_t step, Measure& measure) const;
  double add_batch(const Measure& measure, std::int64_t count, Totals& totals) const;
  double weight_penalty() const;
  void step();

  const ModelBase& model_;
  const std::shared_ptr<const Executor> executor_;
  const CompiledOutputs outputs_;
  std::size_t metrics_ = 0;                // of all outputs together
  std::vector<std::size_t> masked_;        // the outputs that carry masks
  std::unique_ptr<Executor> masks_alone_;  // the program of the masks, if there are any
  Optimizer optimizer_;

  std::vector<Weight*> weights_;  // the trained ones
  std::vector<Shape> shapes_;
  std::vector<float> gradients_;
  std::vector<Optimizer::Update> updates_;
  std::unique_ptr<Measure> training_measure_;
  mutable std::mutex measures_mutex_;
  mutable std::vector<std::unique_ptr<Measure>> measures_;  // waiting for their next evaluation
  std::uint64_t seed_;
  std::uint64_t epochs_shuffled_ = 0, steps_ = 0;
};

}  // namespace xl
