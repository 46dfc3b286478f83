#include "xlayers/models/model/model.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <optional>
#include <unordered_set>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/models/console/summary_table.hpp"
#include "xlayers/models/model/call_arguments.hpp"
#include "xlayers/models/model/functional.hpp"
#include "xlayers/models/model/model_base.hpp"
#include "xlayers/models/training/callback_run.hpp"
#include "xlayers/models/training/evaluation.hpp"
#include "xlayers/models/training/fit.hpp"
#include "xlayers/models/training/prediction.hpp"

namespace xl {

Model::Model(std::shared_ptr<ModelBase> model) : Layer(std::move(model)) {}
Model::Model(const TensorList& inputs, const TensorList& outputs, const ModelOptions& options)
    : Layer(std::make_shared<FunctionalBase>(inputs, outputs, options.name)) {
  if (!options.trainable) set_trainable(false);
}
Model::Model(const Layer& layer) : Layer(layer) {
  if (dynamic_cast<ModelBase*>(&base()) == nullptr) throw ValueError(base().label() + "is not a model");
}
ModelBase& Model::model() const { return static_cast<ModelBase&>(base()); }

void Model::compile(const CompileOptions& options) const { model().compile(options); }
bool Model::compiled() const { return model().compiled().has_value(); }
Optimizer Model::optimizer() const {
  if (!compiled()) throw ValueError(model().label() + "has no optimizer before compile");
  return model().compiled()->optimizer;
}

MemoryUse Model::memory(std::int64_t batch) const { return model().memory(batch); }

// ---- training

History Model::fit(DataRef x, DataRef y, const FitOptions& options) const {
  check(options, model());
  Model handle = *this;
  return xl::fit(handle, *model().trainer_for(x.get(), y.get()), x.get(), y.get(), options);
}

Scores Model::evaluate(DataRef x, DataRef y, const EvaluateOptions& options) const {
  check_run(model(), options.batch_size, options.verbose, options.callbacks);
  Model handle = *this;
  return xl::evaluate(handle, *model().trainer_for(x.get(), y.get()), x.get(), y.get(), options);
}

Scores Model::train_on_batch(DataRef x, DataRef y, DataRef sample_weight) const {
  const std::shared_ptr<Trainer> trainer = model().trainer_for(x.get(), y.get());
  const Samples samples = trainer->check(x.get(), y.get(), sample_weight.get());
  Totals totals = trainer->no_totals();
  if (!trainer->train_batch({.samples = samples, .count = samples.count}, totals))
    throw ValueError(model().label() + "the loss of this batch is " + (std::isnan(totals.loss) ? "NaN" : "infinite") +
                     "; the weights are left as they were");
  return trainer->scores(totals);
}

Scores Model::test_on_batch(DataRef x, DataRef y, DataRef sample_weight) const {
  const std::shared_ptr<const Trainer> trainer = model().trainer_for(x.get(), y.get());
  const Samples samples = trainer->check(x.get(), y.get(), sample_weight.get());
  Totals totals = trainer->no_totals();
  trainer->test_batch({.samples = samples, .count = samples.count}, totals);
  return trainer->scores(totals);
}

// ---- prediction

namespace {

// One call of predict on the model, which is built if it is not yet.
Prediction prediction_of(ModelBase& model, const Data& x, const PredictOptions& options) {
  check(x, options, model);
  model.build_for(x);
  return Prediction(model.signature(), model.executor(), x, options);
}

}  // namespace

Tensor Model::predict(DataRef x, const PredictOptions& options) const {
  const Prediction prediction = prediction_of(model(), x.get(), options);
  prediction.require_one_output();
  Tensor output = empty(prediction.shape(0));
  float* const outputs[] = {output.data()};
  Model handle = *this;
  prediction.write(handle, outputs);
  return output;
}

void Model::predict(DataRef x, Tensor& output, const PredictOptions& options) const {
  for (std::size_t i = 0; i < x.get().size(); ++i)
    if (x.get()[i].lies_in(output)) {
      output = predict(x.get(), options);  // what is written must not be what is still read
      return;
    }
  const Prediction prediction = prediction_of(model(), x.get(), options);
  prediction.require_one_output();
  if (const Shape wanted = prediction.shape(0); shape(output) != wanted) output = empty(wanted);
  float* const outputs[] = {output.data()};
  Model handle = *this;
  prediction.write(handle, outputs);
}

List<Tensor> Model::predict_all(DataRef x, const PredictOptions& options) const {
  const Prediction prediction = prediction_of(model(), x.get(), options);
  std::vector<Tensor> results;
  std::vector<float*> outputs;
  for (std::size_t i = 0; i < prediction.outputs(); ++i) results.push_back(empty(prediction.shape(i)));
  for (Tensor& result : results) outputs.push_back(result.data());
  Model handle = *this;
  prediction.write(handle, outputs);
  return results;
}

Tensor Model::predict_on_batch(DataRef x) const { return predict(x.get()); }

// ---- looking inside

List<Layer> Model::layers() const { return model().layers(); }

Layer Model::get_layer(const Text& name) const {
  for (const Layer& layer : layers())
    if (layer.name() == name) return layer;
  throw ValueError(model().label() + "has no layer '" + name + "'; there are " +
                   joined(layers(), [](const Layer& layer) { return layer.name(); }));
}

Layer Model::layer_at(std::int64_t index) const {
  const List<Layer> all = layers();
  try {
    return all[index];
  } catch (const ValueError&) {
    throw ValueError(model().label() + "has no layer " + std::to_string(index) + "; it has " +
                     std::to_string(all.size()));
  }
}

namespace {

void require_built(const ModelBase& model) {
  if (!model.built()) throw ValueError(model.label() + "has no graph before it is built");
}

// A model without branches: each call is on one tensor, which no other call is on, and no layer is called twice.
bool is_linear(const FunctionalBase& model) {
  std::unordered_set<const void*> met;
  for (const Node* call : model.calls()) {
    if (call->inputs.size() > 1 || !met.insert(call->layer.get()).second) return false;
    if (call->inputs.size() == 1 && !met.insert(&call->inputs[0].node()).second) return false;
  }
  return model.graph().inputs.size() == 1;
}

}  // namespace

List<SymbolicTensor> Model::inputs() const {
  require_built(model());
  return model().graph().inputs;
}
List<SymbolicTensor> Model::outputs() const {
  require_built(model());
  return model().graph().outputs;
}
List<std::string> Model::input_names() const {
  return built() ? model().signature()->input_names : std::vector<std::string>();
}
List<std::string> Model::output_names() const { return built() ? layer_names(outputs()) : std::vector<std::string>(); }

List<SymbolicTensor> Model::outputs_of(const Text& name) const {
  const Layer layer = get_layer(name);
  require_built(model());
  const Graph& graph = model().graph();
  // A node of the graph, held by a tensor that leads to it.
  std::vector<SymbolicTensor> waiting = graph.outputs;
  std::unordered_set<const Node*> seen;
  std::optional<SymbolicTensor> found;
  while (!waiting.empty()) {
    const SymbolicTensor tensor = waiting.back();
    waiting.pop_back();
    if (!seen.insert(&tensor.node()).second) continue;
    if (tensor.node().layer == layer.shared_base() && (!found || tensor.node().number < found->node().number))
      found = tensor;
    for (const SymbolicTensor& input : tensor.node().inputs) waiting.push_back(input);
  }
  if (!found) throw ValueError(model().label() + "never calls its layer '" + name + "'");
  SymbolicTensors outputs;
  for (std::size_t i = 0; i < found->node().outputs.size(); ++i) outputs.push_back(found->sibling(i));
  return outputs;
}

SymbolicTensor Model::output_of(const Text& name) const {
  const SymbolicTensors outputs = outputs_of(name);
  if (outputs.size() != 1)
    throw ValueError(model().label() + "its layer '" + name + "' has " + std::to_string(outputs.size()) +
                     " outputs, not one");
  return outputs[0];
}

void Model::summary() const { summary(std::cout); }

void Model::summary(std::ostream& out, int line_length) const {
  const auto* functional = dynamic_cast<const FunctionalBase*>(&model());
  std::vector<const Node*> calls;
  if (functional != nullptr)
    calls = functional->calls();
  else if (built())
    calls = sort_nodes(model().graph().inputs, model().graph().outputs);
  const auto calls_of = [&](const Layer& layer) {
    std::vector<const Node*> own;
    for (const Node* call : functional != nullptr ? functional->calls_of(layer.base()) : calls)
      if (call->layer == layer.shared_base()) own.push_back(call);
    return own;
  };

  Summary summary{.model_name = name(), .connections = functional != nullptr && !is_linear(*functional)};
  for (const Layer& layer : layers()) {
    SummaryRow row{.name = layer.name(), .class_name = std::string(layer.class_name()), .built = layer.built()};
    const std::vector<const Node*> own = calls_of(layer);
    if (!own.empty())
      for (const TensorSpec& output : own.back()->outputs) row.output_shapes.push_back(output.shape);
    if (summary.connections)
      for (const Node* call : own)
        for (std::size_t i = 0; i < call->inputs.size(); ++i) {
          const SymbolicTensor& from = call->inputs[i];
          const std::vector<const Node*> makers = calls_of(Layer(from.node().layer));
          const auto which = std::find(makers.begin(), makers.end(), &from.node()) - makers.begin();
          row.connected_to.push_back(from.node().layer->name() + "[" + std::to_string(which) + "][" +
                                     std::to_string(from.index()) + "]");
        }
    if (layer.built()) row.params = layer.count_params();
    summary.rows.push_back(std::move(row));
  }
  std::unordered_set<const Weight*> counted;
  for (const Layer& layer : layers())
    if (layer.built())
      for (const Weight* weight : layer.base().weights())
        if (counted.insert(weight).second)
          (layer.trainable() && weight->trainable ? summary.trainable : summary.non_trainable) += weight->size();
  if (compiled() && optimizer().built()) {
    summary.has_optimizer = true;
    summary.optimizer = optimizer().count_params();
  }
  print(out, summary, line_length);
}

}  // namespace xl
