#include "xlayers/models/optimizers/learning_rate_schedule.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <numbers>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/keras_function.hpp"
#include "xlayers/framework/config/keras_object.hpp"

namespace xl {

/// The rule of a schedule, and what it is called.
class LearningRateSchedule::Impl {
 public:
  Impl(std::string class_name, std::string name) : class_name(std::move(class_name)), name(std::move(name)) {}
  virtual ~Impl() = default;

  virtual double rate(std::int64_t step) const = 0;
  virtual Config config() const = 0;
  /// As Keras stores it.
  virtual Value object() const { return to_keras_object("keras.optimizers.schedules", class_name, config()); }

  const std::string class_name, name;

 protected:
  [[noreturn]] void fail(const std::string& text) const {
    throw ValueError("[" + class_name + " '" + name + "'] " + text);
  }
  void check_rate(const std::string& option, double value) const {
    if (!std::isfinite(value) || value < 0)
      fail(option + " is " + Value(value).to_text() + ", expected a number from 0 on");
  }
  void check_steps(const std::string& option, std::int64_t steps, std::int64_t least) const {
    if (steps < least)
      fail(option + " is " + std::to_string(steps) + ", expected an integer from " + std::to_string(least) + " on");
  }
};

namespace {

// ---- Keras' schedules ----

void describe(Archive& archive, ExponentialDecay::Options& options) {
  archive("initial_learning_rate", options.initial_learning_rate)("decay_steps", options.decay_steps);
  archive("decay_rate", options.decay_rate)("staircase", options.staircase)("name", options.name);
}

void describe(Archive& archive, CosineDecay::Options& options) {
  archive("initial_learning_rate", options.initial_learning_rate)("decay_steps", options.decay_steps);
  archive("alpha", options.alpha)("name", options.name);
  archive("warmup_target", options.warmup_target)("warmup_steps", options.warmup_steps);
}

void describe(Archive& archive, PiecewiseConstantDecay::Options& options) {
  archive("boundaries", options.boundaries)("values", options.values)("name", options.name);
}

template <class Options>
Options read(const Config& config, const char* class_name) {
  Options options;
  Archive archive = Archive::reader(config, class_name);
  describe(archive, options);
  archive.finish();
  return options;
}

template <class Options>
class KerasSchedule : public LearningRateSchedule::Impl {
 public:
  KerasSchedule(const char* class_name, const Options& options) : Impl(class_name, options.name), options_(options) {}

  Config config() const override {
    Config config;
    Options options = options_;
    Archive archive = Archive::writer(config);
    describe(archive, options);
    return config;
  }

 protected:
  const Options options_;
};

class Exponential : public KerasSchedule<ExponentialDecay::Options> {
 public:
  explicit Exponential(const ExponentialDecay::Options& options) : KerasSchedule("ExponentialDecay", options) {
    check_rate("initial_learning_rate", options.initial_learning_rate);
    check_steps("decay_steps", options.decay_steps, 1);
    check_rate("decay_rate", options.decay_rate);
  }

  // initial_learning_rate * decay_rate ^ (step / decay_steps)
  double rate(std::int64_t step) const override {
    double exponent = static_cast<double>(step) / static_cast<double>(options_.decay_steps);
    if (options_.staircase) exponent = std::floor(exponent);
    return options_.initial_learning_rate * std::pow(options_.decay_rate, exponent);
  }
};

class Cosine : public KerasSchedule<CosineDecay::Options> {
 public:
  explicit Cosine(const CosineDecay::Options& options) : KerasSchedule("CosineDecay", options) {
    check_rate("initial_learning_rate", options.initial_learning_rate);
    check_steps("decay_steps", options.decay_steps, 1);
    check_rate("alpha", options.alpha);
    if (options.warmup_target) check_rate("warmup_target", *options.warmup_target);
    check_steps("warmup_steps", options.warmup_steps, 0);
  }

  // first + (target - first) * step / warmup_steps, then
  // target * ((1 - alpha) * (1 + cos(pi * s / decay_steps)) / 2 + alpha),  s = step - warmup_steps
  double rate(std::int64_t step) const override {
    const double first = options_.initial_learning_rate;
    const double target = options_.warmup_target.value_or(first);
    const std::int64_t warmup = options_.warmup_target ? options_.warmup_steps : 0;
    if (step < warmup) return first + (target - first) * (static_cast<double>(step) / static_cast<double>(warmup));
    const auto s = static_cast<double>(std::min(step - warmup, options_.decay_steps));
    const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * (s / static_cast<double>(options_.decay_steps))));
    return target * ((1 - options_.alpha) * cosine + options_.alpha);
  }
};

class PiecewiseConstant : public KerasSchedule<PiecewiseConstantDecay::Options> {
 public:
  explicit PiecewiseConstant(const PiecewiseConstantDecay::Options& options)
      : KerasSchedule("PiecewiseConstantDecay", options) {
    const auto& [boundaries, values, unused] = options;
    if (values.size() != boundaries.size() + 1)
      fail("expected one value more than boundaries, got " + std::to_string(values.size()) + " values and " +
           std::to_string(boundaries.size()) + " boundaries");
    if (std::adjacent_find(boundaries.begin(), boundaries.end(), std::greater_equal()) != boundaries.end())
      fail("expected boundaries each of which is larger than the one before, got " + to_value(boundaries).to_text());
    for (std::size_t i = 0; i < values.size(); ++i) check_rate("values[" + std::to_string(i) + "]", values[i]);
  }

  // values[i] for the first i with step <= boundaries[i]
  double rate(std::int64_t step) const override {
    const auto& boundaries = options_.boundaries;
    return options_.values[std::lower_bound(boundaries.begin(), boundaries.end(), step) - boundaries.begin()];
  }
};

struct Known {
  const char* class_name;
  LearningRate (*from_config)(const Config& config);
};
constexpr Known known[] = {
    {"CosineDecay", [](const Config& config) -> LearningRate { return CosineDecay::from_config(config); }},
    {"ExponentialDecay", [](const Config& config) -> LearningRate { return ExponentialDecay::from_config(config); }},
    {"PiecewiseConstantDecay",
     [](const Config& config) -> LearningRate { return PiecewiseConstantDecay::from_config(config); }},
};

const Known* find(const std::string& name) {
  const auto* entry = std::find_if(std::begin(known), std::end(known), [&](auto& e) { return name == e.class_name; });
  return entry == std::end(known) ? nullptr : entry;
}

// ---- functions of the user's own ----

class Own : public LearningRateSchedule::Impl {
 public:
  Own(std::string name, LearningRate::Function function) : Impl(name, name), function_(std::move(function)) {
    if (!function_) throw ValueError("the learning rate '" + this->name + "' has no function");
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

struct Registry {
  std::mutex mutex;
  std::map<std::string, LearningRate> rates;
};
Registry& registry() {
  static Registry registry;
  return registry;
}

LearningRate find_own(const std::string& name) {
  const std::lock_guard lock(registry().mutex);
  if (const auto found = registry().rates.find(name); found != registry().rates.end()) return found->second;
  std::string names = joined(known, [](const Known& entry) { return entry.class_name; });
  for (const auto& [own, unused] : registry().rates) names += ", " + own;
  throw ValueError("unknown learning rate schedule '" + name + "'; there are: " + names +
                   " (a function of one's own is made known by xl::register_learning_rate)");
}

}  // namespace

double LearningRateSchedule::operator()(std::int64_t step) const { return impl_->rate(step); }
const std::string& LearningRateSchedule::name() const { return impl_->name; }
const char* LearningRateSchedule::class_name() const { return impl_->class_name.c_str(); }
Config LearningRateSchedule::get_config() const { return impl_->config(); }

LearningRate::LearningRate(std::string name, Function function)
    : schedule_(LearningRateSchedule(std::make_shared<Own>(std::move(name), std::move(function)))) {}

LearningRate LearningRate::own(std::string name, Function function) {
  if (name.empty()) throw ValueError("a learning rate of one's own needs a name");
  if (find(name) != nullptr) throw ValueError("the name '" + name + "' is that of a schedule of Keras");
  return LearningRate(std::move(name), std::move(function));
}

void register_learning_rate(const LearningRate& rate) {
  const std::string name = rate.constant() ? "" : rate.schedule_->class_name();
  if (name.empty() || find(name) != nullptr)
    throw ValueError(std::string("only what xl::LearningRate::own makes can be registered, got ") +
                     (rate.constant() ? "a number"
                      : name.empty()  ? "a function without a name"
                                      : "a schedule of Keras"));
  const std::lock_guard lock(registry().mutex);
  registry().rates.insert_or_assign(name, rate);
}

Value to_value(const LearningRate& rate) {
  if (rate.schedule_) return rate.schedule_->impl_->object();
  return static_cast<double>(static_cast<float>(rate.rate_));
}

void from_value(const Value& value, LearningRate& rate) {
  if (const std::optional<std::string> function = detail::keras_function(value)) {
    rate = find_own(*function);
  } else if (value.is_config()) {
    const KerasObject object = from_keras_object(value, "a learning rate schedule");
    const Known* entry = find(object.class_name);
    rate = entry == nullptr ? find_own(object.class_name) : entry->from_config(object.config);
  } else {
    rate = value.as_number();
  }
}

// ---- the classes ----

ExponentialDecay::ExponentialDecay(const Options& options)
    : LearningRateSchedule(std::make_shared<Exponential>(options)) {}
ExponentialDecay ExponentialDecay::from_config(const Config& config) {
  return ExponentialDecay(read<Options>(config, "ExponentialDecay"));
}

CosineDecay::CosineDecay(const Options& options) : LearningRateSchedule(std::make_shared<Cosine>(options)) {}
CosineDecay CosineDecay::from_config(const Config& config) { return CosineDecay(read<Options>(config, "CosineDecay")); }

PiecewiseConstantDecay::PiecewiseConstantDecay(const Options& options)
    : LearningRateSchedule(std::make_shared<PiecewiseConstant>(options)) {}
PiecewiseConstantDecay PiecewiseConstantDecay::from_config(const Config& config) {
  return PiecewiseConstantDecay(read<Options>(config, "PiecewiseConstantDecay"));
}

}  // namespace xl
