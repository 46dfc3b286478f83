#pragma once

// Internal: what a learning rate schedule is made of. models/optimizers/schedules.cpp gives the rules.

#include <cmath>
#include <string>

#include "xlayers/framework/config/configured_impl.hpp"
#include "xlayers/models/optimizers/learning_rate_schedule.hpp"

namespace xl {

class LearningRateSchedule::Impl : public detail::ConfiguredImpl {
 public:
  using ConfiguredImpl::ConfiguredImpl;

  virtual double rate(std::int64_t step) const = 0;
  /// As Keras stores it.
  virtual Value object() const;

 protected:
  void check_rate(const std::string& option, double value) const {
    check(option, value, std::isfinite(value) && value >= 0, "a number from 0 on");
  }
  void check_steps(const std::string& option, std::int64_t steps, std::int64_t least) const {
    check(option, steps, steps >= least, "an integer from " + std::to_string(least) + " on");
  }
};

}  // namespace xl
