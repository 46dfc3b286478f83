#include "xlayers/models/model.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>

#include "xlayers/framework/errors.hpp"
#include "xlayers/models/detail/fit.hpp"
#include "xlayers/models/detail/model_base.hpp"
#include "xlayers/models/progress_bar.hpp"
#include "xlayers/models/sequential.hpp"
#include "xlayers/models/summary_table.hpp"

namespace xl {

Model::Model(std::shared_ptr<ModelBase> model) : Layer(std::move(model)) {}
ModelBase& Model::model() const { return static_cast<ModelBase&>(base()); }

void Model::compile(const CompileOptions& options) const { model().compile(options); }
bool Model::compiled() const { return model().compiled().has_value(); }
Optimizer Model::optimizer() const {
  if (!compiled()) throw ValueError(model().label() + "has no optimizer before compile");
  return *model().compiled()->optimizer;
}

// ---- training

History Model::fit(const Tensor& x, const Tensor& y, const FitOptions& options) const {
  return xl::fit(*this, model(), x, y, options);
}

Scores Model::evaluate(const Tensor& x, const Tensor& y, const EvaluateOptions& options) const {
  check_batch_size(model(), options.batch_size);
  check_verbose(model(), options.verbose);
  check_callbacks(model(), options.callbacks);
  const std::shared_ptr<Trainer> trainer = trainer_for(model(), x, y);
  const Samples samples = trainer->check(x, y, options.sample_weight);
  const std::int64_t steps = batches(samples.count, options.batch_size);
  Model handle = *this;
  for (const auto& callback : options.callbacks) callback->begin_run(handle, {options.verbose, 1, steps});
  ProgressBar bar(std::cout, {.verbose = options.verbose});
  if (options.verbose > 0) bar.begin(steps);
  return evaluate_samples(*trainer, samples, options.batch_size, options.callbacks,
                          options.verbose > 0 ? &bar : nullptr);
}

const Tensor& Model::no_weight() {
  static const Tensor none;
  return none;
}

Scores Model::train_on_batch(const Tensor& x, const Tensor& y, const Tensor& sample_weight) const {
  const std::shared_ptr<Trainer> trainer = trainer_for(model(), x, y);
  const Samples samples = trainer->check(x, y, sample_weight);
  Totals totals = trainer->no_totals();
  if (!trainer->train_batch(samples, nullptr, 0, samples.count, totals))
    throw ValueError(model().label() + "the loss of this batch is " + (std::isnan(totals.loss) ? "NaN" : "infinite") +
                     "; the weights are left as they were");
  return trainer->scores(totals);
}

Scores Model::test_on_batch(const Tensor& x, const Tensor& y, const Tensor& sample_weight) const {
  const std::shared_ptr<const Trainer> trainer = trainer_for(model(), x, y);
  const Samples samples = trainer->check(x, y, sample_weight);
  Totals totals = trainer->no_totals();
  trainer->test_batch(samples, 0, samples.count, totals);
  return trainer->scores(totals);
}

// ---- prediction

Tensor Model::predict(const Tensor& x, const PredictOptions& options) const {
  Tensor output = empty(forecast_shape(x, options));
  write_forecast(x, output, options);
  return output;
}

void Model::predict(const Tensor& x, Tensor& output, const PredictOptions& options) const {
  if (output.data() == x.data()) {  // what is written must not be what is still read
    output = predict(x, options);
    return;
  }
  const Shape wanted = forecast_shape(x, options);
  if (shape(output) != wanted) output = empty(wanted);
  write_forecast(x, output, options);
}

Tensor Model::predict_on_batch(const Tensor& x) const { return predict(x); }

// What a forecast for `x` looks like; throws if there can be none.
Shape Model::forecast_shape(const Tensor& x, const PredictOptions& options) const {
  check_batch_size(model(), options.batch_size);
  check_verbose(model(), options.verbose);
  check_callbacks(model(), options.callbacks);
  if (shape(x).empty() || shape(x)[0] == 0)
    throw ValueError(model().label() + "expected samples, got x of shape " + to_string(shape(x)));
  model().build_for(x);
  model().check_input(x);
  const Shape samples[] = {shape(x).sample()};
  const bool batched = model().graph().outputs[0].spec().batched;  // else one output serves all samples
  return plan_of(*model().executor()->prepare(samples, {})).output(0).with_batch(batched ? shape(x)[0] : 1);
}

void Model::write_forecast(const Tensor& x, Tensor& output, const PredictOptions& options) const {
  const std::shared_ptr<const Executor> executor = model().executor();
  const Shape samples[] = {shape(x).sample()};
  const std::shared_ptr<PreparedPlan> prepared = executor->prepare(samples, {});
  const Plan& plan = plan_of(*prepared);
  const std::int64_t count = shape(x)[0], x_size = samples[0].elements();
  const std::int64_t y_size = model().graph().outputs[0].spec().batched ? plan.output(0).elements() : 0;
  const std::int64_t steps = batches(count, options.batch_size);
  // Samples are independent, so without anyone to tell about batches there is no need for them.
  const bool watched = options.verbose > 0 || !options.callbacks.empty();
  const std::int64_t batch_size = watched ? options.batch_size : count;
  const auto run_batch = [&](std::int64_t first) {
    const float* inputs[] = {x.data() + first * x_size};
    float* outputs[] = {output.data() + first * y_size};
    Run run;
    run.batch = std::min(batch_size, count - first);
    run.inputs = inputs;
    run.outputs = outputs;
    executor->run(*prepared, run);
  };
  if (!watched) {
    run_batch(0);
    return;
  }
  Logs logs;
  Model handle = *this;
  ProgressBar bar(std::cout, {.verbose = options.verbose});
  bar.begin(steps);
  for (const auto& callback : options.callbacks) callback->begin_run(handle, {options.verbose, 1, steps});
  for (const auto& callback : options.callbacks) callback->on_predict_begin(logs);
  for (std::int64_t batch = 0; batch < steps; ++batch) {
    for (const auto& callback : options.callbacks) callback->on_predict_batch_begin(static_cast<int>(batch), logs);
    run_batch(batch * batch_size);
    for (const auto& callback : options.callbacks) callback->on_predict_batch_end(static_cast<int>(batch), logs);
    bar.update(batch + 1, logs);
  }
  for (const auto& callback : options.callbacks) callback->on_predict_end(logs);
  bar.finish(logs);
}

// ---- looking inside

std::vector<Layer> Model::layers() const { return model().layers(); }

Layer Model::get_layer(const std::string& name) const {
  std::string known;
  for (const Layer& layer : layers()) {
    if (layer.name() == name) return layer;
    known += (known.empty() ? "" : ", ") + layer.name();
  }
  throw ValueError(model().label() + "has no layer '" + name + "'; there are " + known);
}

void Model::summary() const { summary(std::cout); }

void Model::summary(std::ostream& out, int line_length) const {
  Summary summary{.model_name = name()};
  for (const Layer& layer : layers()) {
    SummaryRow row{.name = layer.name(), .class_name = std::string(layer.class_name()), .built = layer.built()};
    if (built())
      for (const Node* node : sort_nodes(model().graph().inputs, model().graph().outputs))
        if (node->layer == layer.shared_base())
          for (const TensorSpec& output : node->outputs) row.output_shapes.push_back(output.shape);
    if (layer.built()) row.params = layer.count_params();
    summary.rows.push_back(std::move(row));
  }
  for (const Layer& layer : layers())
    if (layer.built())
      for (const Weight* weight : layer.base().weights())
        (layer.trainable() && weight->trainable ? summary.trainable : summary.non_trainable) += weight->size();
  if (compiled() && optimizer().built()) {
    summary.has_optimizer = true;
    summary.optimizer = optimizer().count_params();
  }
  print(out, summary, line_length);
}

// ---- config

Config Model::to_config() const {
  Config object = layer_to_config(*this);
  object.set("module", "keras");
  if (const std::optional<CompileOptions>& options = model().compiled()) {
    object.set("compile_config", Config{{"optimizer", to_value(*options->optimizer)},
                                        {"loss", to_value(*options->loss)},
                                        {"loss_weights", nullptr},
                                        {"metrics", options->metrics.empty() ? Value() : to_value(options->metrics)},
                                        {"weighted_metrics", nullptr},
                                        {"run_eagerly", false},
                                        {"steps_per_execution", 1},
                                        {"jit_compile", false}});
  }
  return object;
}

std::string Model::to_json(int indent) const { return to_config().to_json(indent); }

}  // namespace xl
