#pragma once

// Internal: what an optimizer is made of. models/optimizers/sgd.cpp, adam.cpp and rmsprop.cpp give the rules.

#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/fixed.hpp"
#include "xlayers/models/optimizers/optimizer.hpp"

namespace xl {

/// The state of an optimizer, and the step around the update rule, which a derived class gives.
class Optimizer::Impl {
 public:
  using Update = Optimizer::Update;
  using Slot = Optimizer::Slot;

  template <class Options>
  Impl(const char* class_name, const Options& options)
      : name(options.name),
        class_name(class_name),
        weight_decay_(options.weight_decay),
        clipnorm_(options.clipnorm),
        global_clipnorm_(options.global_clipnorm),
        clipvalue_(options.clipvalue),
        learning_rate_(options.learning_rate) {
    check_options();
  }
  virtual ~Impl() = default;

  virtual Config config() const = 0;

  const LearningRate& learning_rate() const { return learning_rate_; }
  /// Throws ValueError if there is a schedule, or unless the rate is a number from 0 on.
  void set_rate(double rate);
  /// The rate of the next step. Throws ValueError if a schedule gives anything but a number from 0 on.
  float rate() const { return checked_rate(learning_rate_(iterations)); }

  void build(std::span<const std::int64_t> sizes);
  void step(std::span<const Update> updates);

  const std::string name;
  const char* const class_name;
  std::int64_t iterations = 0;
  bool built = false;
  bool by_name = false;                  ///< made from a name, so that no program knows it
  std::vector<std::string> not_decayed;  ///< parts of names
  std::weak_ptr<const void> served;      ///< the model that it belongs to
  bool serves = false;                   ///< whether it belongs to one
  std::vector<Slot> slots;

 protected:
  /// The slots for this many weights, without their memory.
  virtual std::vector<Slot> layout(std::int64_t weights) const = 0;
  /// Called once a step, before the updates.
  virtual void begin_step(float /*rate*/) {}
  /// The rule itself, for the weight at `index` of `build`.
  virtual void update(const Update& update, std::size_t index, float rate) = 0;

  /// Throws ValueError unless `valid` holds and the value is finite.
  void check(const char* option, double value, bool valid, const char* expected) const {
    if (valid && std::isfinite(static_cast<float>(value))) return;
    fail(std::string(option) + " is " + Value(value).to_text() + ", expected " + expected);
  }
  [[noreturn]] void fail(const std::string& text) const {
    throw ValueError(std::string("[") + class_name + " '" + name + "'] " + text);
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

/// The options that every optimizer has, in Keras' order.
template <class Options>
void describe_common(Archive& archive, Options& options) {
  Fixed no{false}, none{nullptr}, ema_momentum{0.99};
  archive("name", options.name)("learning_rate", options.learning_rate)("weight_decay", options.weight_decay);
  archive("clipnorm", options.clipnorm)("global_clipnorm", options.global_clipnorm);
  archive("clipvalue", options.clipvalue)("use_ema", no)("ema_momentum", ema_momentum);
  archive("ema_overwrite_frequency", none)("loss_scale_factor", none);
  archive("gradient_accumulation_steps", none);
}

/// All options, as a `void describe(Archive&, Options&)` names them, with the current rate.
template <class Options>
Config write_config(Options options, const LearningRate& rate) {
  Config config;
  options.learning_rate = rate;
  Archive archive = Archive::writer(config);
  describe(archive, options);
  return config;
}

/// The inverse.
template <class Options>
Options read_config(const Config& config, const char* class_name) {
  Options options;
  Archive archive = Archive::reader(config, class_name);
  describe(archive, options);
  archive.finish();
  return options;
}

}  // namespace detail
}  // namespace xl
