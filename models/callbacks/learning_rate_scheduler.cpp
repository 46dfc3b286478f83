#include "xlayers/models/callbacks/learning_rate_scheduler.hpp"

#include <cmath>
#include <iostream>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/config.hpp"
#include "xlayers/models/model/model.hpp"

namespace xl {

LearningRateScheduler::LearningRateScheduler(Schedule schedule, int verbose, Checked)
    : schedule_(std::move(schedule)), verbose_(verbose) {
  if (!schedule_) throw ValueError("[LearningRateScheduler] expected a function, got none");
}

void LearningRateScheduler::on_epoch_begin(int epoch, Logs&) {
  Optimizer optimizer = model().optimizer();
  const double rate = schedule_(epoch, optimizer.learning_rate());
  if (!(rate >= 0) || !std::isfinite(static_cast<float>(rate)))
    throw ValueError("[LearningRateScheduler] the schedule gave " + Value(rate).to_text() + " for epoch " +
                     std::to_string(epoch) + ", expected a number from 0 on");
  optimizer.set_learning_rate(static_cast<float>(rate));
  if (verbose_ > 0)
    std::cout << "\nEpoch " << std::to_string(epoch + 1) << ": LearningRateScheduler setting learning rate to "
              << Value(rate).to_text() << "." << std::endl;
}

void LearningRateScheduler::on_epoch_end(int, Logs& logs) {
  logs["learning_rate"] = model().optimizer().learning_rate();
}

}  // namespace xl
