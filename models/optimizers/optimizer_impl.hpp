#pragma once

// Internal: what an optimizer is made of. models/optimizers/sgd.cpp, adam.cpp and rmsprop.cpp give the rules.

#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "xlayers/framework/config/configured_impl.hpp"
#include "xlayers/models/optimizers/optimizer.hpp"

namespace xl {

/// The state of an optimizer, and the step around the update rule, which a derived class gives.
class Optimizer::Impl : public detail::ConfiguredImpl {
 public:
  using Update = Optimizer::Update;
  using Slot = Optimizer::Slot;

  template <class Options>
  explicit Impl(const Options& options)
      : ConfiguredImpl(Options::class_name, options.name),
        weight_decay_(options.weight_decay),
        clipnorm_(options.clipnorm),
        global_clipnorm_(options.global_clipnorm),
        clipvalue_(options.clipvalue),
        learning_rate_(options.learning_rate) {
    check_options();
  }

  const LearningRate& learning_rate() const { return learning_rate_; }
  /// Throws ValueError if there is a schedule, or unless the rate is a number from 0 on.
  void set_rate(double rate);
  /// The rate of the next step. Throws ValueError if a schedule gives anything but a number from 0 on.
  float rate() const { return checked_rate(learning_rate_(iterations)); }

  void build(std::span<const std::int64_t> sizes);
  void step(std::span<const Update> updates);

  std::int64_t iterations = 0;
  bool built = false;
  bool by_name = false;                  ///< made from a name, so that no program knows it
  std::vector<std::string> not_decayed;  ///< parts of names
  std::weak_ptr<const void> served;      ///< the model that it belongs to
  bool serves = false;                   ///< whether it belongs to one
  std::vector<Slot> slots;

  /// The slots for this many weights, without their memory.
  virtual std::vector<Slot> layout(std::int64_t weights) const = 0;

 protected:
  /// Called once a step, before the updates.
  virtual void begin_step(float /*rate*/) {}
  /// The rule itself, for a part of the weight at `index` of `build` that begins with its element `first`. Called from several
  /// threads.
  virtual void update(const Update& part, std::size_t index, std::int64_t first, float rate) const = 0;

  /// Throws ValueError unless the option is good, and a number that a float can hold.
  void check(const char* option, double value, bool good, const char* expected) const {
    if (good && std::isfinite(static_cast<float>(value))) return;  // asked in each step, which allocates nothing
    ConfiguredImpl::check(option, value, false, expected);
  }

 private:
  void check_options() const;
  float checked_rate(double rate) const {
    check("learning_rate", rate, rate >= 0, "a number from 0 on");
    return static_cast<float>(rate);
  }
  void clip(std::span<const Update> updates) const;

  std::optional<double> weight_decay_, clipnorm_, global_clipnorm_, clipvalue_;
  LearningRate learning_rate_;
  std::vector<std::int64_t> sizes_;
  std::vector<float> memory_;
};

namespace detail {

/// An optimizer with its options, of which only the learning rate changes.
template <class Options>
class OptimizerOf : public Optimizer::Impl {
 public:
  explicit OptimizerOf(const Options& options) : Impl(options), options_(options) {}
  Config config() const override {
    Options current = options_;
    current.learning_rate = learning_rate();
    return write_options(current);
  }

 protected:
  const Options options_;
};

/// The options that every optimizer has, in Keras' order.
template <class Options>
Archive& serialize_common(Archive& archive, Options& options) {
  archive("name", options.name)("learning_rate", options.learning_rate)("weight_decay", options.weight_decay);
  archive("clipnorm", options.clipnorm)("global_clipnorm", options.global_clipnorm)("clipvalue", options.clipvalue);
  archive.only("use_ema", false).unused("ema_momentum", 0.99).unused("ema_overwrite_frequency", nullptr);
  return archive.only("loss_scale_factor", nullptr).only("gradient_accumulation_steps", nullptr);
}

}  // namespace detail
}  // namespace xl
