#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "xlayers/framework/executor.hpp"
#include "xlayers/models/model.hpp"

namespace xl {

class ModelBase;

/// Samples and their targets, as the trainer sees them: checked against the model.
struct Samples {
  std::int64_t count = 0;
  Shape x_sample;
  const float* x = nullptr;
  const float* y = nullptr;
  const float* weight = nullptr;  ///< or none
  std::int64_t weights_per_sample = 1;
  std::int64_t rows = 1, features = 1;  ///< of the output for one sample: its last axis, and all others

  std::int64_t x_size() const { return x_sample.elements(); }
};

/// Sums over the batches of an epoch, from which its loss and metrics follow.
struct Totals {
  double loss = 0.0;  ///< each batch's loss times its samples
  double samples = 0.0;
  Scores::Values metric_totals, metric_counts;
};

/// Trains and evaluates one compiled and built model.
class Trainer {
 public:
  Trainer(const ModelBase& model, std::shared_ptr<const Executor> executor, const CompileOptions& options,
          std::uint64_t seed);
  ~Trainer();

  /// Throws ValueError if there are no samples, ShapeError if there is another number of targets.
  static void check_count(const ModelBase& model, const Tensor& x, const Tensor& y);
  /// Throws ShapeError if x, y or weight do not fit the model or one another, ValueError if there are no samples.
  Samples check(const Tensor& x, const Tensor& y, const Tensor& weight) const;

  /// "loss" and the metrics.
  const std::shared_ptr<const std::vector<std::string>>& names() const { return names_; }
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
           Measure& measure) const;
  double add_batch(const Measure& measure, const Samples& samples, std::int64_t count, Totals& totals) const;
  double weight_penalty() const;
  void step();

  const ModelBase& model_;
  const std::shared_ptr<const Executor> executor_;
  Loss loss_;
  std::vector<Metric> metrics_;
  Optimizer optimizer_;
  std::shared_ptr<const std::vector<std::string>> names_;

  std::vector<Weight*> weights_;  // the trained ones
  std::vector<Shape> shapes_;
  std::vector<float> gradients_;
  std::vector<Optimizer::Update> updates_;
  std::unique_ptr<Measure> training_measure_;
  mutable std::mutex measures_mutex_;
  mutable std::vector<std::unique_ptr<Measure>> measures_;  // waiting for their next evaluation
  std::uint64_t seed_;
  std::uint64_t epochs_shuffled_ = 0;
};

}  // namespace xl
