#include "xlayers/models/training/trainer.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <mutex>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/random.hpp"
#include "xlayers/models/training/counted_rows.hpp"

namespace xl {

Trainer::Trainer(std::shared_ptr<const Signature> model, std::shared_ptr<const Executor> executor,
                 std::shared_ptr<const Executor> masks, const CompileOptions& options,
                 std::shared_ptr<TrainingState> state)
    : model_(std::move(model)),
      executor_(std::move(executor)),
      masks_(std::move(masks)),
      outputs_(*model_, options),
      optimizer_(options.optimizer),
      training_measure_(outputs_),
      state_(std::move(state)) {
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const TensorSpec& output = model_->outputs[i];
    if (output.mask && outputs_[i].loss && output.mask->rank() + 1 != output.shape.rank())
      throw ShapeError(label() + "expected an output whose mask says which of its rows count, got an output " +
                       to_string(output.shape) + " with a mask " + to_string(*output.mask));
  }

  const Program& program = executor_->program();
  gradients_.resize(static_cast<std::size_t>(program.gradient_size) + 1);  // not empty without weights either
  std::vector<std::int64_t> sizes;
  for (const Program::WeightPlace& place : program.weights) {
    if (place.gradient < 0) continue;
    weights_.push_back(place.weight);
    shapes_.push_back(shape(place.weight->value));
    sizes.push_back(place.weight->size());
    updates_.push_back({.weight = place.weight->value.data(),
                        .gradient = gradients_.data() + place.gradient,
                        .size = place.weight->size(),
                        .shape = nullptr,
                        .constraint = place.weight->constraint ? &place.weight->constraint : nullptr,
                        .decays = optimizer_.decays(place.weight->name)});
  }
  for (std::size_t i = 0; i < updates_.size(); ++i) updates_[i].shape = &shapes_[i];
  optimizer_.build(sizes);
  changed_.assign(weights_.begin(), weights_.end());
  changed_.push_back(this);
  std::sort(changed_.begin(), changed_.end(), std::less<>());
}

Samples Trainer::check(const Data& x, const Data& y, const Data& weight,
                       const std::map<int, float>& class_weight) const {
  return Samples(*model_, *executor_, outputs_, x, y, weight, class_weight);
}

Totals Trainer::no_totals() const {
  Totals totals;
  totals.losses = Scores::Values(outputs_.size(), 0.0);
  totals.metric_totals = totals.metric_counts = Scores::Values(outputs_.metrics(), 0.0);
  return totals;
}

Scores Trainer::scores(const Totals& totals) const {
  Scores::Values values(names()->size());
  const auto mean = [&](double sum) { return totals.samples == 0.0 ? 0.0 : sum / totals.samples; };
  std::size_t next = 0;
  values[next++] = mean(totals.loss);
  for (std::size_t i = 0; outputs_.names_losses() && i < outputs_.size(); ++i)
    if (outputs_[i].loss) values[next++] = mean(totals.losses[i]);
  // The totals are output by output, with the weighted ones behind each; the names have those at the end.
  for (const bool weighted : {false, true}) {
    std::size_t m = 0;
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      for (const Metric& metric : outputs_[i].metrics) {
        if (!weighted) values[next++] = metric.result(totals.metric_totals[m], totals.metric_counts[m]);
        ++m;
      }
      for (const Metric& metric : outputs_[i].weighted_metrics) {
        if (weighted) values[next++] = metric.result(totals.metric_totals[m], totals.metric_counts[m]);
        ++m;
      }
    }
  }
  return Scores(names(), std::move(values));
}

void Trainer::run(const Batch& batch, float* gradients, std::uint64_t step, Measure& measure) const {
  const bool training = gradients != nullptr;
  const std::shared_ptr<PreparedPlan> prepared =
      executor_->prepare(batch.samples.inputs.shapes, {.training = training, .backward = training}, batch.count);
  const Plan& plan = plan_of(prepared);
  measure.begin(batch, plan.pieces(batch.count));
  count_rows(outputs_, plan, masks_.get(), batch, measure.counted_rows());

  const Few<const float*> inputs = batch.inputs();
  Run run = batch.run(inputs);
  run.visitor = &measure;
  run.gradients = gradients;
  run.seed = Random(state_->seed, Purpose::dropout, step).bits64(0);
  run.step = step;
  executor_->run(*prepared, run);
}

// loss = the sum over the outputs of loss weight * (sum over the rows) / rows, + what regularisers add
double Trainer::add_batch(const Measure& measure, std::int64_t count, Totals& totals) const {
  const auto samples = static_cast<double>(count);
  double loss = measure.penalty() + weight_penalty();
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    if (!outputs_[i].loss) continue;
    const double own = measure.loss(i);
    loss += outputs_[i].loss_weight * own;
    totals.losses[i] += own * samples;
  }
  totals.loss += loss * samples;
  totals.samples += samples;
  for (std::size_t i = 0; i < outputs_.metrics(); ++i) {
    totals.metric_totals[i] += measure.metric_total(i);
    totals.metric_counts[i] += measure.metric_count(i);
  }
  return loss;
}

bool Trainer::train_batch(const Batch& batch, Totals& totals) {
  const Turn turn(Turn::Of::batch, changed_, label());
  run(batch, gradients_.data(), state_->steps++, training_measure_);
  if (!std::isfinite(add_batch(training_measure_, batch.count, totals))) return false;
  step();
  return true;
}

void Trainer::test_batch(const Batch& batch, Totals& totals) const {
  std::unique_ptr<Measure> measure;
  {
    const std::lock_guard lock(measures_mutex_);
    if (!measures_.empty()) {
      measure = std::move(measures_.back());
      measures_.pop_back();
    }
  }
  if (!measure) measure = std::make_unique<Measure>(outputs_);
  run(batch, nullptr, 0, *measure);
  add_batch(*measure, batch.count, totals);
  const std::lock_guard lock(measures_mutex_);
  measures_.push_back(std::move(measure));
}

double Trainer::weight_penalty() const {
  double penalty = 0.0;
  for (const Weight* weight : weights_)
    if (weight->regularizer) penalty += weight->regularizer.penalty({weight->value.data(), weight->value.size()});
  return penalty;
}

void Trainer::step() {
  for (std::size_t i = 0; i < weights_.size(); ++i)
    if (weights_[i]->regularizer)
      weights_[i]->regularizer.add_gradient({weights_[i]->value.data(), weights_[i]->value.size()},
                                            {updates_[i].gradient, weights_[i]->value.size()});
  optimizer_.apply(updates_);
}

void Trainer::shuffle(std::vector<std::int64_t>& order, bool once_more) {
  if (!once_more || state_->epochs_shuffled == 0) ++state_->epochs_shuffled;
  Random(state_->seed, Purpose::shuffle, state_->epochs_shuffled - 1).permutation(order);
}

}  // namespace xl
