#include "xlayers/models/optimizers/learning_rate_schedule.hpp"

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/named.hpp"
#include "xlayers/models/optimizers/learning_rate_schedule_impl.hpp"
#include "xlayers/models/optimizers/schedules.hpp"

namespace xl {
namespace {

Named<LearningRate>& schedules() {
  using Known = Named<LearningRate>;
  static Known known({.what = "learning rate schedule",
                      .module = "keras.optimizers.schedules",
                      .registrar = "xl::register_learning_rate"},
                     {
                         Known::of<CosineDecay>(),
                         Known::of<ExponentialDecay>(),
                         Known::of<PiecewiseConstantDecay>(),
                     });
  return known;
}

/// A function of the user's own.
class Own : public LearningRateSchedule::Impl {
 public:
  Own(std::string name, LearningRate::Function function) : Impl(name, name), function_(std::move(function)) {
    if (!function_) throw ValueError("expected a learning rate that is a function of the step, got an empty function");
  }

  double rate(std::int64_t step) const override { return function_(step); }
  Config config() const override { return {}; }

  Value object() const override {
    if (name.empty())
      throw SerializationError(
          "a learning rate that is a function without a name cannot be stored: give it one by "
          "xl::LearningRate::own(name, function), and make it known by xl::register_learning_rate, so that it can be "
          "read");
    return Config{
        {"module", nullptr}, {"class_name", name}, {"config", Config()}, {"registered_name", "xlayers>" + name}};
  }

 private:
  const LearningRate::Function function_;
};

}  // namespace

Value LearningRateSchedule::Impl::object() const { return schedules().write(class_name, config()); }

double LearningRateSchedule::operator()(std::int64_t step) const { return impl_->rate(step); }
const std::string& LearningRateSchedule::name() const { return impl_->name; }
const char* LearningRateSchedule::class_name() const { return impl_->class_name.c_str(); }
Config LearningRateSchedule::get_config() const { return impl_->config(); }

LearningRate::LearningRate(std::string name, Function function)
    : schedule_(LearningRateSchedule(std::make_shared<Own>(std::move(name), std::move(function)))) {}

LearningRate LearningRate::own(std::string name, Function function) {
  schedules().check_own(name, function != nullptr);
  return LearningRate(std::move(name), std::move(function));
}

void register_learning_rate(const LearningRate& rate) {
  const std::string name = rate.constant() ? "" : rate.schedule_->class_name();
  if (name.empty())
    throw ValueError(std::string("only what xl::LearningRate::own makes can be registered, got a ") +
                     (rate.constant() ? "number" : "function without a name"));
  schedules().add(name, name, rate);
}

Value to_value(const LearningRate& rate) {
  if (rate.schedule_) return rate.schedule_->impl_->object();
  return static_cast<double>(static_cast<float>(rate.rate_));
}

void from_value(const Value& value, LearningRate& rate) {
  rate = value.is_string() || value.is_config() ? schedules().read(value) : LearningRate(value.as_number());
}

}  // namespace xl
