#include "xlayers/models/training/fit.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <optional>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/number_text.hpp"
#include "xlayers/models/console/progress_bar.hpp"
#include "xlayers/models/training/callback_run.hpp"
#include "xlayers/models/training/evaluation.hpp"
#include "xlayers/models/training/fit_run.hpp"

namespace xl {

void check(const FitOptions& options, const LayerBase& model) {
  const auto fail = [&](const std::string& text) { throw ValueError(model.label() + text); };
  check_run(model, options.batch_size, options.verbose, options.callbacks);
  if (options.validation_batch_size < 0)
    fail("expected a validation_batch_size of 0 or more, got " + std::to_string(options.validation_batch_size));
  if (options.validation_freq < 1)
    fail("expected a validation_freq of 1 or more, got " + std::to_string(options.validation_freq));
  if (options.epochs < 0 || options.initial_epoch < 0)
    fail("expected epochs and initial_epoch of 0 or more, got " + std::to_string(options.epochs) + " and " +
         std::to_string(options.initial_epoch));
  if (!(options.validation_split >= 0.0 && options.validation_split < 1.0))
    fail("expected a validation_split from 0 up to, but not including, 1, got " +
         number_text(options.validation_split));
}

namespace {

// One call of fit.
class Fit : public FitRun {
 public:
  Fit(Model& handle, Trainer& trainer, const Data& x, const Data& y, const FitOptions& options)
      : handle_(handle),
        trainer_(trainer),
        options_(options),
        callbacks_(options.callbacks),
        training_(trainer.check(x, y, options.sample_weight, options.class_weight)) {
    const ValidationData& data = options.validation_data;
    const bool has_x = !data.x.empty(), has_y = !data.y.empty();
    if (has_x != has_y)
      throw ValueError(trainer.label() + "expected validation_data with x and y, got only " + (has_x ? "x" : "y"));
    if (has_x)
      validation_ = trainer.check(data.x, data.y, data.sample_weight);
    else if (options.validation_split > 0.0)
      split();
    if (options.shuffle) order_.resize(static_cast<std::size_t>(training_.count));
  }

  History run() {
    const Turn turn = trainer_.begin_run();
    const std::int64_t steps = batches(training_.count, options_.batch_size);
    now_ = {.epoch = options_.initial_epoch, .batches = steps, .totals = trainer_.no_totals()};
    const CallbackRun run(callbacks_, handle_, {options_.verbose, options_.epochs, steps}, this);
    ProgressBar bar(std::cout, {.verbose = options_.verbose});
    Logs logs;
    with_callbacks(callbacks_, &Callback::on_train_begin, &Callback::on_train_end, logs, [&] {
      restore_callbacks();
      while (now_.epoch < options_.epochs && !stopped()) {
        logs = run_epoch(now_.epoch, bar);
        for (const auto& callback : callbacks_) callback->on_epoch_end(now_.epoch, logs);
        now_.history.epoch.push_back(now_.epoch);
        for (const auto& [name, value] : logs) now_.history.history.try_emplace(name).first->second.push_back(value);
        bar.finish(logs);
        ++now_.epoch;
        now_.batch = 0;
      }
      complete_ = true;
    });
    return std::move(now_.history);
  }

  // ---- for callbacks that keep where it stands

  const Callbacks& callbacks() const override { return callbacks_; }
  FitPosition position() const override { return now_; }
  bool complete() const override { return complete_; }

  void go_on(const FitPosition& position, std::vector<Callback::State> states) override {
    if (position.batch > 0 && position.batches != now_.batches)
      throw ValueError(trainer_.label() + "expected epochs of " + std::to_string(position.batches) +
                       " batches, as in the training that was interrupted, got " + std::to_string(now_.batches));
    const std::int64_t steps = now_.batches;
    now_ = position;
    now_.batches = steps;
    states_ = std::move(states);
  }

 private:
  void restore_callbacks() {
    for (const auto& callback : callbacks_) {
      const std::string class_name = callback->state().class_name;
      const auto own = std::find_if(states_.begin(), states_.end(),
                                    [&](const auto& state) { return state.class_name == class_name; });
      if (class_name.empty() || own == states_.end()) continue;
      callback->restore(*own);
      states_.erase(own);
    }
  }

  bool stopped() const {
    return std::any_of(callbacks_.begin(), callbacks_.end(), [](const auto& c) { return c->wants_stop(); });
  }

  // The last samples are for validation; Keras' rounding.
  void split() {
    const std::int64_t all = training_.count;
    const auto train =
        static_cast<std::int64_t>(std::floor(static_cast<double>(all) * (1.0 - options_.validation_split)));
    if (train == 0 || train == all)
      throw ValueError(trainer_.label() + "validation_split = " + number_text(options_.validation_split) + " of " +
                       std::to_string(all) + " samples leaves " + std::to_string(train) + " to train on and " +
                       std::to_string(all - train) + " to validate on; expected at least one each");
    validation_ = training_.part(train, all - train);
    if (!options_.class_weight.empty())  // it is for training alone
      for (Target& target : validation_->targets) target.weight = {};
    training_.count = train;
  }

  // From the batch on that comes next.
  Logs run_epoch(int epoch, ProgressBar& bar) {
    Logs logs;
    for (const auto& callback : callbacks_) callback->on_epoch_begin(epoch, logs);
    bar.begin_epoch(epoch, options_.epochs, now_.batches);
    if (options_.shuffle) trainer_.shuffle(order_, now_.batch > 0);
    const std::int64_t* order = options_.shuffle ? order_.data() : nullptr;
    if (now_.batch == 0) now_.totals = trainer_.no_totals();
    log(trainer_.scores(now_.totals), logs);  // the names, so that the batches allocate nothing
    for (; now_.batch < now_.batches; ++now_.batch) {
      const int number = static_cast<int>(now_.batch);
      for (const auto& callback : callbacks_) callback->on_train_batch_begin(number, logs);
      const std::int64_t first = now_.batch * options_.batch_size;
      const std::int64_t count = std::min<std::int64_t>(options_.batch_size, training_.count - first);
      const bool finite = trainer_.train_batch({training_, order, first, count}, now_.totals);
      log(trainer_.scores(now_.totals), logs);
      for (const auto& callback : callbacks_) callback->on_train_batch_end(number, logs);
      if (stopped()) break;
      if (!finite) not_finite(epoch, now_.batch, logs["loss"]);
      bar.update(now_.batch + 1, logs);
    }
    if (validation_ && (epoch + 1) % options_.validation_freq == 0) {
      const int batch_size = options_.validation_batch_size > 0 ? options_.validation_batch_size : options_.batch_size;
      const Scores scores = evaluate_samples(trainer_, *validation_, batch_size, callbacks_, nullptr);
      for (std::size_t i = 0; i < scores.names().size(); ++i) logs["val_" + scores.names()[i]] = scores.values()[i];
    }
    return logs;
  }

  [[noreturn]] void not_finite(int epoch, std::int64_t batch, double loss) const {
    throw ValueError(trainer_.label() + "the loss became " + (std::isnan(loss) ? "NaN" : "infinite") + " at batch " +
                     std::to_string(batch) + " of epoch " + std::to_string(epoch) +
                     " (both counted from 0); no step was made for this batch");
  }

  Model& handle_;
  Trainer& trainer_;
  const FitOptions& options_;
  const Callbacks& callbacks_;
  Samples training_;
  std::optional<Samples> validation_;
  std::vector<std::int64_t> order_;
  FitPosition now_;
  std::vector<Callback::State> states_;  // that callbacks had before
  bool complete_ = false;
};

}  // namespace

History fit(Model& handle, Trainer& trainer, const Data& x, const Data& y, const FitOptions& options) {
  return Fit(handle, trainer, x, y, options).run();
}

}  // namespace xl
