#pragma once

#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "xlayers/framework/graph/layer.hpp"
#include "xlayers/framework/tensor/data.hpp"
#include "xlayers/models/losses/loss.hpp"
#include "xlayers/models/metrics/metric.hpp"
#include "xlayers/models/optimizers/optimizer.hpp"
#include "xlayers/models/training/callback.hpp"
#include "xlayers/models/training/history.hpp"
#include "xlayers/models/training/per_output.hpp"
#include "xlayers/models/training/scores.hpp"

namespace xl {

class ModelBase;

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

struct ModelOptions {
  std::string name = {};
  bool trainable = true;
};

/// One symbolic tensor, or several in braces.
class TensorList : public SymbolicTensors {
 public:
  TensorList(const SymbolicTensor& tensor) : SymbolicTensors{tensor} {}
  TensorList(std::initializer_list<SymbolicTensor> tensors) : SymbolicTensors(tensors) {}
  TensorList(const SymbolicTensors& tensors) : SymbolicTensors(tensors) {}
};

/// A graph of layers that can be trained. A model is a layer and can stand in another.
///
///     auto inputs = xl::Input({96, 7});
///     auto x = xl::Dense({.units = 32, .activation = "relu"})(inputs);
///     auto outputs = xl::Dense({.units = 7})(x);
///     xl::Model model(inputs, outputs);
///
/// Data goes in and is compared with what comes out as one tensor, as several in braces in the order of the inputs or
/// outputs, or as several by name: `{{"series", x}, {"mark", mark}}`. An input has the name of its Input, an output that
/// of the layer that makes it.
///
/// Everything takes samples along the first axis. What does not fit the model's inputs or outputs is a ShapeError; a batch
/// size below 1, no samples at all, and training or evaluating before `compile` are ValueErrors. `predict` and `evaluate`
/// change nothing, so several threads may call them on one model at once.
///
/// As keras.Model.
class Model : public Layer {
 public:
  /// The model of what lies between `inputs` and `outputs`. An input may also be an inner tensor of another model; then
  /// data goes in there.
  ///
  /// Throws ValueError if an output depends on an Input that is not among the inputs, if an input leads to no output, or
  /// if two layers have one name; each names the layer.
  Model(const TensorList& inputs, const TensorList& outputs, const ModelOptions& options = {});
  /// A model from its handle. Throws ValueError if the layer is none.
  explicit Model(const Layer& layer);

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
  History fit(DataRef x, DataRef y, const FitOptions& options = {}) const;
  /// The loss and the metrics over all samples: "loss", then, of a model of several losses, each by the name of its
  /// output ("trend_loss"), then the metrics.
  Scores evaluate(DataRef x, DataRef y, const EvaluateOptions& options = {}) const;
  /// The output for each sample, of a model of one output. Throws ValueError if it has more.
  Tensor predict(DataRef x, const PredictOptions& options = {}) const;
  /// The same into a tensor that there is, which then is only given another shape if it has to be.
  void predict(DataRef x, Tensor& output, const PredictOptions& options = {}) const;
  /// All outputs for each sample, in their order.
  std::vector<Tensor> predict_all(DataRef x, const PredictOptions& options = {}) const;

  /// One step of the optimizer on one batch; gives the loss and the metrics before the step.
  Scores train_on_batch(DataRef x, DataRef y, DataRef sample_weight = {}) const;
  Scores test_on_batch(DataRef x, DataRef y, DataRef sample_weight = {}) const;
  Tensor predict_on_batch(DataRef x) const;

  /// The layers: of a Sequential in the order in which they stand in it, of any other model with the Inputs, and each
  /// after those it depends on, as Keras sorts them.
  std::vector<Layer> layers() const;
  /// The layer of that name. Throws ValueError that lists the names there are.
  Layer get_layer(const std::string& name) const;
  /// The symbolic tensors that go in and come out, to make another model of; throw ValueError before the model is built.
  SymbolicTensors inputs() const;
  SymbolicTensors outputs() const;
  /// What the layer of that name makes in this model, at its first call: `xl::Model(model.inputs(), model.output_of("dense"))`
  /// shows what goes on inside.
  SymbolicTensors outputs_of(const std::string& layer) const;
  SymbolicTensor output_of(const std::string& layer) const;
  std::vector<std::string> input_names() const;
  std::vector<std::string> output_names() const;

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
};

/// The model that to_json or to_config wrote, or that Keras wrote, compiled as it was, with new weights. Throws
/// SerializationError for a text that is not JSON, ValueError for an unknown class or key, and for a graph with a cycle or
/// a call on something that is not there, naming the layer.
Model model_from_json(std::string_view text);
Model model_from_config(const Config& config);

}  // namespace xl
