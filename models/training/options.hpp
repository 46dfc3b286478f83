#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "xlayers/framework/tensor/data.hpp"
#include "xlayers/models/losses/losses.hpp"
#include "xlayers/models/metrics/metrics.hpp"
#include "xlayers/models/optimizers/optimizers.hpp"
#include "xlayers/models/training/callback.hpp"
#include "xlayers/models/training/per_output.hpp"

namespace xl {

/// Metrics of one output: one, or several in braces.
class MetricList : public std::vector<Metric> {
 public:
  using std::vector<Metric>::vector;
  template <class U>
  requires std::is_convertible_v<U&&, Metric> MetricList(U&& one) : std::vector<Metric>{Metric(std::forward<U>(one))} {}
  MetricList(std::vector<Metric> list) : std::vector<Metric>(std::move(list)) {}
};

/// The metrics of a model of one output, `{"mae", "mse"}`; or those of some outputs by name,
/// `{{"trend", "mae"}, {"anomaly", {"accuracy", "bce"}}}`.
class Metrics : public PerOutput<MetricList> {
 public:
  Metrics() = default;
  template <class U>
  requires std::is_convertible_v<U&&, Metric> Metrics(U&& one)
      : PerOutput<MetricList>(MetricList(std::forward<U>(one))) {}
  Metrics(std::initializer_list<Metric> metrics) : PerOutput<MetricList>(MetricList(std::vector<Metric>(metrics))) {}
  Metrics(std::vector<Metric> metrics) : PerOutput<MetricList>(MetricList(std::move(metrics))) {}
  Metrics(std::vector<MetricList> of_each_output) : PerOutput<MetricList>(std::move(of_each_output)) {}
  Metrics(std::initializer_list<std::pair<const std::string, MetricList>> named) : PerOutput<MetricList>(named) {}
  Metrics(const PerOutput<MetricList>& metrics) : PerOutput<MetricList>(metrics) {}
};

/// How a model is trained. The loss has to be given. Where an output carries a mask, only the steps that count do so in its
/// loss and its metrics.
struct CompileOptions {
  Optimizer optimizer = "rmsprop";  ///< a name, or such as xl::Adam({.learning_rate = 1e-3f})
  /// A name, or such as xl::Huber({.delta = 2}). By the outputs' names, an output may be left out: it is not trained on.
  PerOutput<Loss> loss = {};
  /// What each output's loss counts in the sum that is trained on; 1 where nothing is said.
  PerOutput<double> loss_weights = {};
  Metrics metrics = {};           ///< reported, not trained on
  Metrics weighted_metrics = {};  ///< the same, which sample weights count in
};

/// Data that `fit` evaluates after each epoch.
struct ValidationData {
  Data x = {};
  Data y = {};
  Data sample_weight = {};
};

struct FitOptions {
  int batch_size = 32;  ///< the last batch of an epoch may be smaller
  int epochs = 1;       ///< the epoch at which to stop; those from initial_epoch on are run
  int verbose = 1;      ///< 0: silent; 1: a progress bar; 2: a line an epoch
  CallbackList callbacks = {};
  /// The part of the samples, counted from the end and before shuffling, that is not trained on but evaluated.
  double validation_split = 0.0;
  ValidationData validation_data = {};  ///< instead of validation_split
  bool shuffle = true;                  ///< a new order of the samples each epoch
  /// What each sample of a class counts, for a model of one output: by label, or by the place of the 1; 1 for a class that
  /// is not named.
  std::map<int, float> class_weight = {};
  /// What each sample counts: (samples,), or (samples, steps) for a sequence; one for all outputs, or one for each.
  Data sample_weight = {};
  int initial_epoch = 0;
  int validation_batch_size = 0;  ///< 0: batch_size
  int validation_freq = 1;        ///< validate every so many epochs
};

struct EvaluateOptions {
  int batch_size = 32;
  int verbose = 0;  ///< 1: a progress bar; 2: one line
  Data sample_weight = {};
  CallbackList callbacks = {};
};

struct PredictOptions {
  int batch_size = 32;
  int verbose = 0;  ///< 1: a progress bar; 2: one line
  CallbackList callbacks = {};
};

}  // namespace xl
