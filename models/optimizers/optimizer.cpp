#include "xlayers/models/optimizers/optimizer.hpp"

#include <algorithm>
#include <cmath>

#include "xlayers/framework/base/checked.hpp"
#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/parallel.hpp"
#include "xlayers/framework/config/named.hpp"
#include "xlayers/framework/kernels/vector.hpp"
#include "xlayers/framework/options/constraint.hpp"
#include "xlayers/models/optimizers/adam.hpp"
#include "xlayers/models/optimizers/optimizer_impl.hpp"
#include "xlayers/models/optimizers/rmsprop.hpp"
#include "xlayers/models/optimizers/sgd.hpp"

namespace xl {

void Optimizer::Impl::check_options() const {
  if (learning_rate_.constant()) checked_rate(learning_rate_(0));
  if (weight_decay_) {
    check("weight_decay", *weight_decay_, *weight_decay_ >= 0, "a number from 0 on");
  }
  const char* finite = "a finite number";
  if (clipnorm_) check("clipnorm", *clipnorm_, true, finite);
  if (global_clipnorm_) check("global_clipnorm", *global_clipnorm_, true, finite);
  if (clipvalue_) check("clipvalue", *clipvalue_, true, finite);
  if (clipnorm_.has_value() + global_clipnorm_.has_value() + clipvalue_.has_value() > 1) {
    fail("only one of clipnorm, global_clipnorm and clipvalue can be set, got clipnorm = " +
         to_value(clipnorm_).to_text() + ", global_clipnorm = " + to_value(global_clipnorm_).to_text() +
         ", clipvalue = " + to_value(clipvalue_).to_text());
  }
}

void Optimizer::Impl::set_rate(double rate) {
  if (!learning_rate_.constant())
    fail("has a learning rate that depends on the step, which cannot be set: give learning_rate as a number for that");
  learning_rate_ = checked_rate(rate);
}

void Optimizer::Impl::build(std::span<const std::int64_t> sizes) {
  if (built) {
    if (std::equal(sizes.begin(), sizes.end(), sizes_.begin(), sizes_.end())) return;
    fail("was built for another model: an optimizer serves one");
  }
  for (const std::int64_t size : sizes) {
    if (size < 0) fail("cannot be built for a weight of size " + std::to_string(size));
  }
  std::vector<std::int64_t> own(sizes.begin(), sizes.end());
  std::vector<Slot> plan = layout(static_cast<std::int64_t>(own.size()));
  std::int64_t total = 0;
  for (const Slot& slot : plan) total = checked_add(total, own[slot.weight]);
  std::vector<float> memory(static_cast<std::size_t>(total));
  float* next = memory.data();
  for (Slot& slot : plan) {
    slot.values = {next, static_cast<std::size_t>(own[slot.weight])};
    next += own[slot.weight];
  }
  sizes_ = std::move(own);
  slots = std::move(plan);
  memory_ = std::move(memory);
  built = true;
}

namespace {

using Update = Optimizer::Update;

double squared_norm(const Update& update) { return kernels::sum_of_squares(update.size, update.gradient); }

void scale(const Update& update, double factor) {
  kernels::scale(update.size, static_cast<float>(factor), update.gradient);
}

void decay(const Update& update, float by, float rate) {
  for (std::int64_t i = 0; i < update.size; ++i) update.weight[i] -= update.weight[i] * by * rate;
}

// What a thread updates at once: with the optimizer's state it stays in the second-level cache.
constexpr std::int64_t part_size = 16 * 1024;

// max(a, b), and NaN if a is NaN
double max_or_nan(double a, double b) { return a <= b ? b : a; }

}  // namespace

// clipnorm         g = g * c / max(|g|, c), for each weight
// global_clipnorm  the same with the norm over all weights; a NaN or infinity makes all NaN
// clipvalue        g = min(max(g, -c), c)
//
// As in Keras, a bound of 0 or less clips nothing.
void Optimizer::Impl::clip(std::span<const Update> updates) const {
  if (clipnorm_ && *clipnorm_ > 0) {
    for (const Update& update : updates) {
      const double norm = std::sqrt(squared_norm(update));
      scale(update, *clipnorm_ / max_or_nan(norm, *clipnorm_));
    }
  } else if (global_clipnorm_ && *global_clipnorm_ > 0) {
    double sum = 0;
    for (const Update& update : updates) sum += squared_norm(update);
    const double norm = std::sqrt(sum);
    const double factor = *global_clipnorm_ / max_or_nan(norm, *global_clipnorm_);
    for (const Update& update : updates) scale(update, factor + (norm - norm));
  } else if (clipvalue_ && *clipvalue_ > 0) {
    const auto bound = static_cast<float>(*clipvalue_);
    for (const Update& update : updates) {
      for (std::int64_t i = 0; i < update.size; ++i) {
        update.gradient[i] = std::clamp(update.gradient[i], -bound, bound);
      }
    }
  }
}

void Optimizer::Impl::step(std::span<const Update> updates) {
  if (!built) fail("has no state yet: build it for the model's weights first");
  if (updates.size() != sizes_.size()) {
    fail("was built for " + std::to_string(sizes_.size()) + " weights, got " + std::to_string(updates.size()));
  }
  for (std::size_t i = 0; i < updates.size(); ++i) {
    if (updates[i].size != sizes_[i]) {
      fail("was built for a weight of size " + std::to_string(sizes_[i]) + " at position " + std::to_string(i) +
           ", got size " + std::to_string(updates[i].size));
    }
  }

  const float rate = this->rate();

  clip(updates);
  begin_step(rate);
  for (std::size_t i = 0; i < updates.size(); ++i) {
    const Update& weight = updates[i];
    parallel_ranges(weight.size, part_size, [&](std::int64_t first, std::int64_t end) {
      Update part = weight;
      part.weight += first;
      part.gradient += first;
      part.size = end - first;
      if (weight_decay_ && weight.decays) decay(part, static_cast<float>(*weight_decay_), rate);
      update(part, i, first, rate);
    });
    if (weight.constraint != nullptr && *weight.constraint) {
      weight.constraint->apply({weight.weight, static_cast<std::size_t>(weight.size)}, *weight.shape);
    }
  }
  ++iterations;
}

namespace {

const Named<Optimizer>& optimizers() {
  using Known = Named<Optimizer>;
  static const Known known({.what = "optimizer", .module = "keras.optimizers", .any_case = true},
                           {
                               Known::of<Adam>(),
                               Known::of<AdamW>(),
                               Known::of<RMSprop>(),
                               Known::of<SGD>(),
                           });
  return known;
}

}  // namespace

Optimizer::Optimizer(const char* name) : Optimizer(optimizers().text(name)) {}
Optimizer::Optimizer(const std::string& name) : Optimizer(optimizers().get(name)) { impl_->by_name = true; }

Optimizer Optimizer::serve(const std::shared_ptr<const void>& identity) const {
  if (impl_->serves && impl_->by_name) return Optimizer(impl_->class_name).serve(identity);
  if (impl_->serves && impl_->served.lock() != identity)
    throw ValueError(error_label(class_name(), name()) +
                     "is the optimizer of another model: each model needs one of its own");
  impl_->serves = true;
  impl_->served = identity;
  return *this;
}

void Optimizer::build(std::span<const std::int64_t> sizes) { impl_->build(sizes); }
bool Optimizer::built() const { return impl_->built; }
void Optimizer::apply(std::span<const Update> updates) { impl_->step(updates); }

void Optimizer::exclude_from_weight_decay(std::vector<std::string> names) { impl_->not_decayed = std::move(names); }
const std::vector<std::string>& Optimizer::not_decayed() const { return impl_->not_decayed; }
bool Optimizer::decays(const std::string& name) const {
  return std::none_of(impl_->not_decayed.begin(), impl_->not_decayed.end(),
                      [&](const std::string& part) { return name.find(part) != std::string::npos; });
}

std::int64_t Optimizer::iterations() const { return impl_->iterations; }
void Optimizer::set_iterations(std::int64_t iterations) {
  constexpr std::int64_t most = std::int64_t{1} << 53;  // as many as a double tells apart
  if (iterations < 0 || iterations > most)
    throw ValueError(error_label(class_name(), name()) + "expected iterations from 0 to 2^53, got " +
                     std::to_string(iterations));
  impl_->iterations = iterations;
}

bool Optimizer::scheduled() const { return !impl_->learning_rate().constant(); }
float Optimizer::learning_rate() const { return impl_->rate(); }
void Optimizer::set_learning_rate(float rate) { impl_->set_rate(rate); }

std::span<const Optimizer::Slot> Optimizer::slots() const { return impl_->slots; }
std::vector<Optimizer::Slot> Optimizer::slots_for(std::int64_t weights) const { return impl_->layout(weights); }
std::int64_t Optimizer::count_params() const {
  std::int64_t count = impl_->learning_rate().constant() ? 2 : 1;
  for (const Slot& slot : impl_->slots) count += static_cast<std::int64_t>(slot.values.size());
  return count;
}

const std::string& Optimizer::name() const { return impl_->name; }
const char* Optimizer::class_name() const { return impl_->class_name.c_str(); }
Config Optimizer::get_config() const { return impl_->config(); }

Value to_value(const Optimizer& optimizer) {
  return optimizers().write(optimizer.class_name(), optimizer.get_config());
}
void from_value(const Value& value, Optimizer& optimizer) { optimizer = optimizers().read(value); }

}  // namespace xl
