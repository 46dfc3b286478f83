#pragma once

#include <concepts>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "xlayers/framework/base/list.hpp"
#include "xlayers/framework/base/text.hpp"
#include "xlayers/framework/graph/layer.hpp"
#include "xlayers/framework/tensor/data_ref.hpp"
#include "xlayers/models/losses/losses.hpp"
#include "xlayers/models/metrics/metrics.hpp"
#include "xlayers/models/model/saving_options.hpp"
#include "xlayers/models/optimizers/optimizers.hpp"
#include "xlayers/models/training/history.hpp"
#include "xlayers/models/training/memory_use.hpp"
#include "xlayers/models/training/options.hpp"
#include "xlayers/models/training/scores.hpp"

namespace xl {

class ModelBase;

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
/// size below 1, no samples at all, and training or evaluating before `compile` are ValueErrors.
///
/// `predict` and `evaluate` change nothing, so several threads may call them on one model at once. `fit` and
/// `train_on_batch` run one at a time on a model, and on models that share layers: on another thread meanwhile, and within
/// a loss or a layer of a batch, they are ValueErrors; a callback may train. Beside `fit` on another thread, `predict` and
/// `evaluate` see weights of which some are those before a step and some those after it.
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
  List<Tensor> predict_all(DataRef x, const PredictOptions& options = {}) const;

  /// One step of the optimizer on one batch; gives the loss and the metrics before the step.
  Scores train_on_batch(DataRef x, DataRef y, DataRef sample_weight = {}) const;
  Scores test_on_batch(DataRef x, DataRef y, DataRef sample_weight = {}) const;
  Tensor predict_on_batch(DataRef x) const;

  /// What a training step and a prediction of so many samples will need. Throws ValueError before the model is built, if the
  /// inputs have an axis of unknown length besides the batch, or for a batch below 1.
  MemoryUse memory(std::int64_t batch) const;

  /// The layers: of a Sequential in the order in which they stand in it, of any other model with the Inputs, and each
  /// after those it depends on, as Keras sorts them.
  List<Layer> layers() const;
  /// The layer of that name. Throws ValueError that lists the names there are.
  Layer get_layer(const Text& name) const;
  /// The layer at that place of layers(), -1 for the last. Throws ValueError if there is none.
  Layer get_layer(std::integral auto index) const { return layer_at(static_cast<std::int64_t>(index)); }
  /// The symbolic tensors that go in and come out, to make another model of; throw ValueError before the model is built.
  List<SymbolicTensor> inputs() const;
  List<SymbolicTensor> outputs() const;
  /// What the layer of that name makes in this model, at its first call: `xl::Model(model.inputs(), model.output_of("dense"))`
  /// shows what goes on inside.
  List<SymbolicTensor> outputs_of(const Text& layer) const;
  SymbolicTensor output_of(const Text& layer) const;
  List<std::string> input_names() const;
  List<std::string> output_names() const;

  /// Prints the layers with their output shapes and parameters, as Keras does.
  void summary() const;
  void summary(std::ostream& out, int line_length = 0) const;

  /// The model, its layers and how it is compiled, as Keras writes them; no weights.
  std::string to_json(int indent = -1) const;
  /// The same as a config, for any format: `save_config(stream, model.to_config(), Format::xml)`.
  Config to_config() const;

  /// Writes the model into a file that load_model reads: layers, weights, how it is compiled, the optimizer's state and how
  /// far its training has come. The file is written beside the old one, flushed to the disk and renamed, so that there is
  /// the old one or the new one at any moment.
  ///
  /// Throws SerializationError that names the path if it cannot be written, or for a loss, metric or learning rate that is a
  /// function without a name, which `include_optimizer = false` leaves out; ValueError for a path that does not end in .xl, and
  /// while another thread trains the model. As keras.Model.save.
  void save(const Text& path, const SaveOptions& options = {}) const;
  /// The same with the weights alone, for a model that the program makes itself; also as .safetensors, under their names
  /// "dense/kernel".
  void save_weights(const Text& path, Format format = Format::binary) const;
  /// Reads weights that save or save_weights wrote, or another library into .safetensors. In an .xl file they stand layer by
  /// layer, in .safetensors by their names.
  ///
  /// Sets all that the options say, or none: throws SerializationError that names the path, the weight and both shapes for
  /// weights that do not fit and for a file that cannot be read, and ValueError as save does and before the model is built. As
  /// keras.Model.load_weights.
  void load_weights(const Text& path, const LoadWeightsOptions& options = {}) const;

 protected:
  explicit Model(std::shared_ptr<ModelBase> model);
  ModelBase& model() const;

 private:
  Layer layer_at(std::int64_t index) const;
};

struct LoadOptions {
  /// False to leave aside how the model was compiled: for one whose loss, metrics or optimizer are not known here.
  bool compile = true;
  /// Whether the test case that the file carries has to come out, to 1e-5. There has to be one. For load_model.
  bool check_test_case = false;
};

/// The model that to_json or to_config wrote, or that Keras wrote, compiled as it was if it has a loss, with new weights. Throws
/// SerializationError for a text that is not JSON, ValueError for an unknown class or key, and for a graph with a cycle or
/// a call on something that is not there, naming the layer or the key.
Model model_from_json(TextView text, const LoadOptions& options = {});
Model model_from_config(const Config& config, const LoadOptions& options = {});

/// The model that `save` wrote. It predicts, and its training goes on, with the same bits as if it had never been away. Throws
/// SerializationError, which names the path, for a file that is not there, cut short, changed, or of a newer version, and
/// for what it describes that is not known here or does not fit; ValueError for a path that does not end in .xl. As
/// keras.saving.load_model.
Model load_model(const Text& path, const LoadOptions& options = {});

}  // namespace xl
