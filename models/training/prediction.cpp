#include "xlayers/models/training/prediction.hpp"

#include <algorithm>
#include <iostream>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/models/console/progress_bar.hpp"
#include "xlayers/models/training/fit.hpp"

namespace xl {

namespace {

// The model, once what it is called on and how has been looked at, and built.
ModelBase& ready(ModelBase& model, const Data& x, const PredictOptions& options) {
  check_batch_size(model, options.batch_size);
  check_verbose(model, options.verbose);
  check_callbacks(model, options.callbacks);
  for (std::size_t i = 0; i < x.size(); ++i)
    if (x[i].shape().empty() || x[i].shape()[0] == 0)
      throw ValueError(model.label() + "expected samples, got x of shape " + to_string(x[i].shape()));
  model.build_for(x);
  return model;
}

}  // namespace

Forecast::Forecast(const Model& handle, ModelBase& model, const Data& x, const PredictOptions& options)
    : handle_(handle),
      model_(ready(model, x, options)),
      options_(options),
      executor_(model.executor()),
      inputs_(model, x),
      prepared_(executor_->prepare(inputs_.shapes, {})) {}

void Forecast::require_one_output() const {
  if (const std::size_t outputs = model_.output_count(); outputs != 1)
    throw ValueError(model_.label() + "has " + std::to_string(outputs) + " outputs: predict_all gives them all");
}

bool Forecast::batched(std::size_t i) const {
  return plan_of(*prepared_).slots()[executor_->program().outputs[i]].spec.batched;
}

Shape Forecast::shape(std::size_t i) const {
  return plan_of(*prepared_).output(i).with_batch(batched(i) ? inputs_.count : 1);
}

void Forecast::write_batch(std::span<float* const> outputs, std::int64_t first, std::int64_t count) const {
  const Few<const float*> inputs = inputs_.from(first);
  Few<float*> from_first;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    from_first.push_back(outputs[i] + (batched(i) ? first * plan_of(*prepared_).output(i).elements() : 0));
  Run run;
  run.batch = count;
  run.inputs = inputs;
  run.outputs = from_first;
  executor_->run(*prepared_, run);
}

void Forecast::write(std::span<float* const> outputs) const {
  // Samples are independent, so without anyone to tell about batches there is no need for them.
  if (options_.verbose == 0 && options_.callbacks.empty()) return write_batch(outputs, 0, inputs_.count);

  const std::int64_t steps = batches(inputs_.count, options_.batch_size);
  Logs logs;
  Model handle = handle_;
  ProgressBar bar(std::cout, {.verbose = options_.verbose});
  bar.begin(steps);
  for (const auto& callback : options_.callbacks) callback->begin_run(handle, {options_.verbose, 1, steps});
  for (const auto& callback : options_.callbacks) callback->on_predict_begin(logs);
  for (std::int64_t batch = 0; batch < steps; ++batch) {
    const int number = static_cast<int>(batch);
    for (const auto& callback : options_.callbacks) callback->on_predict_batch_begin(number, logs);
    const std::int64_t first = batch * options_.batch_size;
    write_batch(outputs, first, std::min<std::int64_t>(options_.batch_size, inputs_.count - first));
    for (const auto& callback : options_.callbacks) callback->on_predict_batch_end(number, logs);
    bar.update(batch + 1, logs);
  }
  for (const auto& callback : options_.callbacks) callback->on_predict_end(logs);
  bar.finish(logs);
}

}  // namespace xl
