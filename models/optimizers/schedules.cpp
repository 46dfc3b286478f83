#include "xlayers/models/optimizers/schedules.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "xlayers/models/optimizers/learning_rate_schedule_impl.hpp"

namespace xl {

static void serialize(Archive& archive, ExponentialDecayOptions& options) {
  archive("initial_learning_rate", options.initial_learning_rate)("decay_steps", options.decay_steps);
  archive("decay_rate", options.decay_rate)("staircase", options.staircase)("name", options.name);
}

static void serialize(Archive& archive, CosineDecayOptions& options) {
  archive("initial_learning_rate", options.initial_learning_rate)("decay_steps", options.decay_steps);
  archive("alpha", options.alpha)("name", options.name);
  archive("warmup_target", options.warmup_target)("warmup_steps", options.warmup_steps);
}

static void serialize(Archive& archive, PiecewiseConstantDecayOptions& options) {
  archive("boundaries", options.boundaries)("values", options.values)("name", options.name);
}

namespace {

using detail::ImplOf;

struct Exponential : ImplOf<LearningRateSchedule, ExponentialDecayOptions> {
  explicit Exponential(const ExponentialDecayOptions& options) : ImplOf(options) {
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

struct Cosine : ImplOf<LearningRateSchedule, CosineDecayOptions> {
  explicit Cosine(const CosineDecayOptions& options) : ImplOf(options) {
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

struct PiecewiseConstant : ImplOf<LearningRateSchedule, PiecewiseConstantDecayOptions> {
  explicit PiecewiseConstant(const PiecewiseConstantDecayOptions& options) : ImplOf(options) {
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

}  // namespace

static auto implement(const ExponentialDecayOptions& options) { return std::make_shared<Exponential>(options); }
static auto implement(const CosineDecayOptions& options) { return std::make_shared<Cosine>(options); }
static auto implement(const PiecewiseConstantDecayOptions& options) {
  return std::make_shared<PiecewiseConstant>(options);
}

template class Configured<LearningRateSchedule, ExponentialDecayOptions>;
template class Configured<LearningRateSchedule, CosineDecayOptions>;
template class Configured<LearningRateSchedule, PiecewiseConstantDecayOptions>;

}  // namespace xl
