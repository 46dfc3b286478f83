#include "xlayers/models/training/fit.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <optional>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/number_text.hpp"

namespace xl {

namespace {

// Writes the scores into the logs; names that are there already allocate nothing.
void log(const Scores& scores, Logs& logs) {
  for (std::size_t i = 0; i < scores.names().size(); ++i) logs[scores.names()[i]] = scores.values()[i];
}

bool any_wants_stop(const Callbacks& callbacks) {
  return std::any_of(callbacks.begin(), callbacks.end(), [](const auto& c) { return c->wants_stop(); });
}

}  // namespace

void check_batch_size(const ModelBase& model, int batch_size) {
  if (batch_size < 1)
    throw ValueError(model.label() + "expected a batch_size of 1 or more, got " + std::to_string(batch_size));
}

void check_verbose(const ModelBase& model, int verbose) {
  if (verbose < 0 || verbose > 2)
    throw ValueError(model.label() + "expected verbose to be 0, 1 or 2, got " + std::to_string(verbose));
}

void check_callbacks(const ModelBase& model, const Callbacks& callbacks) {
  if (std::any_of(callbacks.begin(), callbacks.end(), [](const auto& c) { return c == nullptr; }))
    throw ValueError(model.label() + "expected callbacks, got one that is null");
}

std::shared_ptr<Trainer> trainer_for(ModelBase& model, const Data& x, const Data& y) {
  model.require_compiled();
  if (model.built()) return model.trainer();
  // What does not fit together must not build the model.
  for (std::size_t i = 0; i < x.size(); ++i)
    if (x[i].shape().empty() || x[i].shape()[0] == 0)
      throw ValueError(model.label() + "expected samples, got x of shape " + to_string(x[i].shape()));
  for (std::size_t i = 0; i < y.size() && !x.empty(); ++i)
    if (y[i].shape().empty() || y[i].shape()[0] != x[0].shape()[0])
      throw ShapeError(model.label() + "expected as many targets as samples, got x " + to_string(x[0].shape()) +
                       " and y " + to_string(y[i].shape()));
  model.build_for(x);
  return model.trainer();
}

Scores evaluate_samples(const Trainer& trainer, const Samples& samples, int batch_size, const Callbacks& callbacks,
                        ProgressBar* bar) {
  Totals totals = trainer.no_totals();
  Logs logs;
  for (const auto& callback : callbacks) callback->on_test_begin(logs);
  for (std::int64_t first = 0, batch = 0; first < samples.count; first += batch_size, ++batch) {
    for (const auto& callback : callbacks) callback->on_test_batch_begin(static_cast<int>(batch), logs);
    trainer.test_batch(samples, first, std::min<std::int64_t>(batch_size, samples.count - first), totals);
    if (bar != nullptr || !callbacks.empty()) log(trainer.scores(totals), logs);
    for (const auto& callback : callbacks) callback->on_test_batch_end(static_cast<int>(batch), logs);
    if (bar != nullptr) bar->update(batch + 1, logs);
  }
  for (const auto& callback : callbacks) callback->on_test_end(logs);
  if (bar != nullptr) bar->finish(logs);
  return trainer.scores(totals);
}

namespace {

// One call of fit.
class Fit {
 public:
  Fit(const Model& handle, ModelBase& model, const Data& x, const Data& y, const FitOptions& options)
      : handle_(handle), model_(model), options_(options), callbacks_(options.callbacks) {
    check_options();
    trainer_ = trainer_for(model, x, y);
    training_ = trainer_->check(x, y, options.sample_weight, options.class_weight);
    const bool has_x = !options.validation_data.x.empty(), has_y = !options.validation_data.y.empty();
    if (has_x != has_y)
      throw ValueError(model.label() + "expected validation_data with x and y, got only " + (has_x ? "x" : "y"));
    if (has_x) {
      const ValidationData& data = options.validation_data;
      validation_ = trainer_->check(data.x, data.y, data.sample_weight);
    } else if (options.validation_split > 0.0) {
      split();
    }
    if (options.shuffle) {
      order_.resize(static_cast<std::size_t>(training_->count));
    }
  }

  History run() {
    ProgressBar bar(std::cout, {.verbose = options_.verbose});
    const std::int64_t steps = batches(training_->count, options_.batch_size);
    Model model = handle_;
    for (const auto& callback : callbacks_) callback->begin_run(model, {options_.verbose, options_.epochs, steps});
    Logs logs;
    for (const auto& callback : callbacks_) callback->on_train_begin(logs);
    for (int epoch = options_.initial_epoch; epoch < options_.epochs && !any_wants_stop(callbacks_); ++epoch) {
      logs = run_epoch(epoch, steps, bar);
      for (const auto& callback : callbacks_) callback->on_epoch_end(epoch, logs);
      history_.epoch.push_back(epoch);
      for (const auto& [name, value] : logs) history_.history.try_emplace(name).first->second.push_back(value);
      bar.finish(logs);
    }
    for (const auto& callback : callbacks_) callback->on_train_end(logs);
    return std::move(history_);
  }

 private:
  void check_options() const {
    const auto fail = [&](const std::string& text) { throw ValueError(model_.label() + text); };
    check_batch_size(model_, options_.batch_size);
    check_verbose(model_, options_.verbose);
    if (options_.validation_batch_size < 0)
      fail("expected a validation_batch_size of 0 or more, got " + std::to_string(options_.validation_batch_size));
    if (options_.validation_freq < 1)
      fail("expected a validation_freq of 1 or more, got " + std::to_string(options_.validation_freq));
    if (options_.epochs < 0 || options_.initial_epoch < 0)
      fail("expected epochs and initial_epoch of 0 or more, got " + std::to_string(options_.epochs) + " and " +
           std::to_string(options_.initial_epoch));
    if (!(options_.validation_split >= 0.0 && options_.validation_split < 1.0))
      fail("expected a validation_split from 0 up to, but not including, 1, got " +
           number_text(options_.validation_split));
    check_callbacks(model_, callbacks_);
  }

  // The last samples are for validation; Keras' rounding.
  void split() {
    const std::int64_t all = training_->count;
    const auto train =
        static_cast<std::int64_t>(std::floor(static_cast<double>(all) * (1.0 - options_.validation_split)));
    if (train == 0 || train == all)
      throw ValueError(model_.label() + "validation_split = " + number_text(options_.validation_split) + " of " +
                       std::to_string(all) + " samples leaves " + std::to_string(train) + " to train on and " +
                       std::to_string(all - train) + " to validate on; expected at least one each");
    validation_ = training_->part(train, all - train);
    if (!options_.class_weight.empty())  // it is for training alone
      for (Target& target : validation_->targets) target.weight = {};
    training_->count = train;
  }

  Logs run_epoch(int epoch, std::int64_t steps, ProgressBar& bar) {
    Logs logs;
    for (const auto& callback : callbacks_) callback->on_epoch_begin(epoch, logs);
    bar.begin_epoch(epoch, options_.epochs, steps);
    if (options_.shuffle) trainer_->shuffle(order_);
    const std::int64_t* order = options_.shuffle ? order_.data() : nullptr;
    Totals totals = trainer_->no_totals();
    log(trainer_->scores(totals), logs);  // the names, so that the batches allocate nothing
    for (std::int64_t first = 0, batch = 0; first < training_->count; first += options_.batch_size, ++batch) {
      const int number = static_cast<int>(batch);
      for (const auto& callback : callbacks_) callback->on_train_batch_begin(number, logs);
      const std::int64_t count = std::min<std::int64_t>(options_.batch_size, training_->count - first);
      const bool finite = trainer_->train_batch(*training_, order, first, count, totals);
      log(trainer_->scores(totals), logs);
      for (const auto& callback : callbacks_) callback->on_train_batch_end(number, logs);
      if (any_wants_stop(callbacks_)) break;
      if (!finite) not_finite(epoch, batch, logs["loss"]);
      bar.update(batch + 1, logs);
    }
    if (validation_ && (epoch + 1) % options_.validation_freq == 0) {
      const int batch_size = options_.validation_batch_size > 0 ? options_.validation_batch_size : options_.batch_size;
      const Scores scores = evaluate_samples(*trainer_, *validation_, batch_size, callbacks_, nullptr);
      for (std::size_t i = 0; i < scores.names().size(); ++i) logs["val_" + scores.names()[i]] = scores.values()[i];
    }
    return logs;
  }

  [[noreturn]] void not_finite(int epoch, std::int64_t batch, double loss) const {
    throw ValueError(model_.label() + "the loss became " + (std::isnan(loss) ? "NaN" : "infinite") + " at batch " +
                     std::to_string(batch) + " of epoch " + std::to_string(epoch) +
                     " (both counted from 0); no step was made for this batch");
  }

  const Model& handle_;
  ModelBase& model_;
  const FitOptions& options_;
  const Callbacks& callbacks_;
  std::shared_ptr<Trainer> trainer_;
  std::optional<Samples> training_, validation_;
  std::vector<std::int64_t> order_;
  History history_;
};

}  // namespace

History fit(const Model& handle, ModelBase& model, const Data& x, const Data& y, const FitOptions& options) {
  return Fit(handle, model, x, y, options).run();
}

}  // namespace xl
