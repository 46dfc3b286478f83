#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "xlayers/models/training/callback.hpp"

namespace xl {

/// Sets the learning rate at the begin of each epoch. Adds it to the logs of the epoch, as "learning_rate".
///
///     xl::LearningRateScheduler([](int epoch, double rate) { return epoch < 10 ? rate : rate * std::exp(-0.1); })
///     xl::LearningRateScheduler([](int epoch) { return 0.1 / (1 + epoch); })
///
/// A LearningRateSchedule goes too; it then counts epochs instead of steps. As keras.callbacks.LearningRateScheduler.
class LearningRateScheduler : public Callback {
 public:
  /// The rate for an epoch, counted from 0, given the rate so far.
  using Schedule = std::function<double(int epoch, double rate)>;

  /// `verbose` = 1: says what it does. Throws ValueError if there is no function (a null pointer, an empty std::function).
  template <class F>
  requires(std::is_invocable_r_v<double, F&, int, double> || std::is_invocable_r_v<double, F&, int>)
      LearningRateScheduler(F schedule, int verbose = 0)
      : LearningRateScheduler(with_rate(std::move(schedule)), verbose, Checked()) {}

  /// Throws ValueError unless the schedule gives a number from 0 on, and if the optimizer has a schedule itself.
  void on_epoch_begin(int epoch, Logs& logs) override;
  void on_epoch_end(int epoch, Logs& logs) override;

 private:
  struct Checked {};
  LearningRateScheduler(Schedule schedule, int verbose, Checked);

  template <class F>
  static Schedule with_rate(F schedule) {
    if constexpr (std::is_invocable_r_v<double, F&, int, double>) {
      return Schedule(std::move(schedule));
    } else {
      std::function<double(int)> of_epoch(std::move(schedule));
      if (!of_epoch) return {};
      return [of_epoch = std::move(of_epoch)](int epoch, double) { return of_epoch(epoch); };
    }
  }

  Schedule schedule_;
  int verbose_;
};

}  // namespace xl
