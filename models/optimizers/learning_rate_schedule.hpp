#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "xlayers/framework/config/config.hpp"

namespace xl {

class LearningRate;

/// A learning rate for each step of an optimizer. Steps count from 0: the first one has step 0.
///
/// A copy is cheap; a schedule never changes. As keras.optimizers.schedules.LearningRateSchedule.
class LearningRateSchedule {
 public:
  class Impl;  // models/optimizers/learning_rate_schedule_impl.hpp

  LearningRateSchedule(const LearningRateSchedule&) = default;  // what is moved is copied, and of use afterwards
  LearningRateSchedule& operator=(const LearningRateSchedule&) = default;

  /// The rate of this step.
  double operator()(std::int64_t step) const;

  const std::string& name() const;
  /// Keras' name of the class, such as "CosineDecay".
  const char* class_name() const;
  /// All options under Keras' keys.
  Config get_config() const;

 protected:
  explicit LearningRateSchedule(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

 private:
  friend class LearningRate;
  friend Value to_value(const LearningRate& rate);

  std::shared_ptr<const Impl> impl_;
};

/// The option `learning_rate` of an optimizer: a number, a schedule, or the user's own function of the step.
///
///     xl::Adam({.learning_rate = 1e-3})
///     xl::Adam({.learning_rate = xl::CosineDecay({.initial_learning_rate = 1e-3, .decay_steps = 1000})})
///     xl::Adam({.learning_rate = [](std::int64_t step) { return 1e-3 / (1 + step); }})
///
/// A copy is cheap. An optimizer checks the rate: it throws ValueError unless it is a finite number from 0 on.
class LearningRate {
 public:
  using Function = std::function<double(std::int64_t step)>;

  LearningRate(double rate) : rate_(rate) {}
  LearningRate(LearningRateSchedule schedule) : schedule_(std::move(schedule)) {}
  /// A function cannot be stored, unless it has a name: see `own`. Throws ValueError if there is none (a null
  /// pointer, an empty std::function).
  template <class F>
  requires(!std::is_same_v<LearningRate, F> && !std::is_base_of_v<LearningRateSchedule, F> &&
           std::is_invocable_r_v<double, F&, std::int64_t>) LearningRate(F function)
      : LearningRate(std::string(), Function(std::move(function))) {}

  /// A function that is stored under a name.
  ///
  ///     auto halving = xl::LearningRate::own("halving", [](std::int64_t step) { return std::exp2(-step / 1000.0); });
  ///     xl::register_learning_rate(halving);  // so that a stored optimizer that names it can be read
  ///
  /// Throws ValueError if the name is empty or that of a schedule of Keras, or if there is no function.
  static LearningRate own(std::string name, Function function);

  /// The rate of this step; steps count from 0.
  double operator()(std::int64_t step) const { return schedule_ ? (*schedule_)(step) : rate_; }
  /// True for a number.
  bool constant() const { return !schedule_; }

 private:
  friend void register_learning_rate(const LearningRate& rate);
  friend Value to_value(const LearningRate& rate);

  LearningRate(std::string name, Function function);

  double rate_ = 0;
  std::optional<LearningRateSchedule> schedule_;  // in place of the number
};

/// Makes a function known by its name, in place of one that had the name before. Throws ValueError for anything
/// but what `LearningRate::own` makes.
void register_learning_rate(const LearningRate& rate);

/// A number is stored as Keras does, who keeps a float32 and writes all its digits. A schedule is stored as
/// `{"module": "keras.optimizers.schedules", "class_name": "CosineDecay", "config": {...}, ...}`, and a function as
/// Keras stores a class that is registered by the name of the function in the package "xlayers". Throws
/// SerializationError for a function without a name.
Value to_value(const LearningRate& rate);
/// The inverse. The name of a registered function goes as well. Throws ValueError for an unknown name, class or key.
void from_value(const Value& value, LearningRate& rate);

}  // namespace xl
