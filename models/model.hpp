#pragma once

#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "xlayers/framework/layer.hpp"
#include "xlayers/models/callback.hpp"
#include "xlayers/models/history.hpp"
#include "xlayers/models/loss.hpp"
#include "xlayers/models/metric.hpp"
#include "xlayers/models/optimizer.hpp"
#include "xlayers/models/scores.hpp"

namespace xl {

class ModelBase;

/// How a model is trained. The optimizer and the loss have to be given.
struct CompileOptions {
  std::optional<Optimizer> optimizer = {};  ///< a name, or such as xl::Adam({.learning_rate = 1e-3f})
  std::optional<Loss> loss = {};            ///< a name, or such as xl::Huber({.delta = 2})
  std::vector<Metric> metrics = {};         ///< reported, not trained on
};

/// Data that `fit` evaluates after each epoch.
struct ValidationData {
  Tensor x = {};
  Tensor y = {};
  Tensor sample_weight = {};
};

struct FitOptions {
  int batch_size = 32;  ///< the last batch of an epoch may be smaller
  int epochs = 1;       ///< the epoch at which to stop; those from initial_epoch on are run
  int verbose = 1;      ///< 0: silent; 1: a progress bar; 2: a line an epoch
  std::vector<std::shared_ptr<Callback>> callbacks = {};
  /// The part of the samples, counted from the end and before shuffling, that is not trained on but evaluated.
  double validation_split = 0.0;
  ValidationData validation_data = {};  ///< instead of validation_split
  bool shuffle = true;                  ///< a new order of the samples each epoch
  /// What each sample counts: (samples,), or (samples, steps) for a sequence.
  Tensor sample_weight = {};
  int initial_epoch = 0;
  int validation_batch_size = 0;  ///< 0: batch_size
  int validation_freq = 1;        ///< validate every so many epochs
};

struct EvaluateOptions {
  int batch_size = 32;
  int verbose = 0;  ///< 1: a progress bar; 2: one line
  Tensor sample_weight = {};
  std::vector<std::shared_ptr<Callback>> callbacks = {};
};

struct PredictOptions {
  int batch_size = 32;
  int verbose = 0;  ///< 1: a progress bar; 2: one line
  std::vector<std::shared_ptr<Callback>> callbacks = {};
};

/// A graph of layers that can be trained: the root of Sequential. A model is a layer and can stand in another.
///
/// Everything takes samples along the first axis. What does not fit the model's input or output is a ShapeError;
/// a batch size below 1, no samples at all, and training or evaluating before `compile` are ValueErrors. `predict`
/// and `evaluate` change nothing, so several threads may call them on one model at once.
///
/// As keras.Model.
class Model : public Layer {
 public:
  /// Says how the model is trained; drawn anew are the order of samples and whatever else chance decides. The
  /// weights stay.
  void compile(const CompileOptions& options) const;
  bool compiled() const;
  /// The optimizer given to compile. Throws ValueError before.
  Optimizer optimizer() const;

  /// Trains on samples `x` and their targets `y`.
  ///
  /// Throws ValueError that names the epoch and the batch if the loss becomes NaN or infinite; the weights are
  /// then those of the batch before.
  History fit(const Tensor& x, const Tensor& y, const FitOptions& options = {}) const;
  /// The loss and the metrics over all samples.
  Scores evaluate(const Tensor& x, const Tensor& y, const EvaluateOptions& options = {}) const;
  /// The output for each sample.
  Tensor predict(const Tensor& x, const PredictOptions& options = {}) const;
  /// The same into a tensor that there is, which then is only given another shape if it has to be.
  void predict(const Tensor& x, Tensor& output, const PredictOptions& options = {}) const;

  /// One step of the optimizer on one batch; gives the loss and the metrics before the step.
  Scores train_on_batch(const Tensor& x, const Tensor& y, const Tensor& sample_weight = no_weight()) const;
  Scores test_on_batch(const Tensor& x, const Tensor& y, const Tensor& sample_weight = no_weight()) const;
  Tensor predict_on_batch(const Tensor& x) const;

  /// The layers, in the order in which they stand in the model.
  std::vector<Layer> layers() const;
  /// The layer of that name. Throws ValueError that lists the names there are.
  Layer get_layer(const std::string& name) const;
  /// Prints the layers with their output shapes and parameters, as Keras does.
  void summary() const;
  void summary(std::ostream& out, int line_length = 0) const;

  /// The model, its layers and how it is compiled, as Keras writes them; no weights.
  std::string to_json(int indent = -1) const;
  /// The same as a config, for any format: `save_config(stream, model.to_config(), Format::xml)`.
  Config to_config() const;

 protected:
  explicit Model(std::shared_ptr<ModelBase> model);
  ModelBase& model() const;

 private:
  static const Tensor& no_weight();  // every sample counts one
  Shape forecast_shape(const Tensor& x, const PredictOptions& options) const;
  void write_forecast(const Tensor& x, Tensor& output, const PredictOptions& options) const;
};

}  // namespace xl
