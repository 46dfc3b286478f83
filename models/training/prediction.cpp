#include "xlayers/models/training/prediction.hpp"

#include <algorithm>
#include <iostream>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/models/console/progress_bar.hpp"
#include "xlayers/models/training/callback_run.hpp"

namespace xl {

void check(const Data& x, const PredictOptions& options, const LayerBase& model) {
  check_run(model, options.batch_size, options.verbose, options.callbacks);
  for (std::size_t i = 0; i < x.size(); ++i)
    if (x[i].shape().empty() || x[i].shape()[0] == 0)
      throw ValueError(model.label() + "expected samples, got x of shape " + to_string(x[i].shape()));
}

Prediction::Prediction(std::shared_ptr<const Signature> model, std::shared_ptr<const Executor> executor, const Data& x,
                       const PredictOptions& options)
    : model_(std::move(model)),
      executor_(std::move(executor)),
      options_(options),
      inputs_(*model_, x),
      prepared_(executor_->prepare(inputs_.shapes, {}, 0)) {}

void Prediction::require_one_output() const {
  if (outputs() != 1)
    throw ValueError(model_->label + "has " + std::to_string(outputs()) + " outputs: predict_all gives them all");
}

bool Prediction::batched(std::size_t i) const {
  return plan_of(prepared_).slots()[executor_->program().outputs[i]].spec.batched;
}

Shape Prediction::shape(std::size_t i) const {
  return plan_of(prepared_).output(i).with_batch(batched(i) ? inputs_.count : 1);
}

void Prediction::write_batch(std::span<float* const> outputs, std::int64_t first, std::int64_t count) const {
  const Few<const float*> inputs = inputs_.from(first);
  Few<float*> from_first;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    from_first.push_back(outputs[i] + (batched(i) ? first * plan_of(prepared_).output(i).elements() : 0));
  Run run;
  run.batch = count;
  run.inputs = inputs;
  run.outputs = from_first;
  executor_->run(*executor_->prepare(inputs_.shapes, {}, count), run);
}

void Prediction::write(Model& handle, std::span<float* const> outputs) const {
  // Samples are independent, so without anyone to tell about batches there is no need for them.
  if (options_.verbose == 0 && options_.callbacks.empty()) return write_batch(outputs, 0, inputs_.count);

  const std::int64_t steps = batches(inputs_.count, options_.batch_size);
  const CallbackRun run(options_.callbacks, handle, {options_.verbose, 1, steps});
  Logs logs;
  ProgressBar bar(std::cout, {.verbose = options_.verbose});
  bar.begin(steps);
  with_callbacks(options_.callbacks, &Callback::on_predict_begin, &Callback::on_predict_end, logs, [&] {
    for (std::int64_t batch = 0; batch < steps; ++batch) {
      const int number = static_cast<int>(batch);
      for (const auto& callback : options_.callbacks) callback->on_predict_batch_begin(number, logs);
      const std::int64_t first = batch * options_.batch_size;
      write_batch(outputs, first, std::min<std::int64_t>(options_.batch_size, inputs_.count - first));
      for (const auto& callback : options_.callbacks) callback->on_predict_batch_end(number, logs);
      bar.update(batch + 1, logs);
    }
  });
  bar.finish(logs);
}

}  // namespace xl
