#include "xlayers/models/training/evaluation.hpp"

#include <algorithm>
#include <iostream>

namespace xl {

void log(const Scores& scores, Logs& logs) {
  for (std::size_t i = 0; i < scores.names().size(); ++i) logs[scores.names()[i]] = scores.values()[i];
}

Scores evaluate_samples(const Trainer& trainer, const Samples& samples, int batch_size, const Callbacks& callbacks,
                        ProgressBar* bar) {
  Totals totals = trainer.no_totals();
  Logs logs;
  with_callbacks(callbacks, &Callback::on_test_begin, &Callback::on_test_end, logs, [&] {
    for (std::int64_t first = 0, batch = 0; first < samples.count; first += batch_size, ++batch) {
      const int number = static_cast<int>(batch);
      for (const auto& callback : callbacks) callback->on_test_batch_begin(number, logs);
      const std::int64_t count = std::min<std::int64_t>(batch_size, samples.count - first);
      trainer.test_batch({.samples = samples, .first = first, .count = count}, totals);
      if (bar != nullptr || !callbacks.empty()) log(trainer.scores(totals), logs);
      for (const auto& callback : callbacks) callback->on_test_batch_end(number, logs);
      if (bar != nullptr) bar->update(batch + 1, logs);
    }
  });
  if (bar != nullptr) bar->finish(logs);
  return trainer.scores(totals);
}

Scores evaluate(Model& handle, const Trainer& trainer, const Data& x, const Data& y, const EvaluateOptions& options) {
  const Samples samples = trainer.check(x, y, options.sample_weight);
  const std::int64_t steps = batches(samples.count, options.batch_size);
  const CallbackRun run(options.callbacks, handle, {options.verbose, 1, steps});
  ProgressBar bar(std::cout, {.verbose = options.verbose});
  if (options.verbose > 0) bar.begin(steps);
  return evaluate_samples(trainer, samples, options.batch_size, options.callbacks,
                          options.verbose > 0 ? &bar : nullptr);
}

}  // namespace xl
