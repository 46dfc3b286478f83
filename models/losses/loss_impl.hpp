#pragma once

// Internal: what a loss is made of. models/losses/regression_losses.cpp and models/losses/probabilistic_losses.cpp give the rules.

#include <string>
#include <utility>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/fixed.hpp"
#include "xlayers/models/losses/loss.hpp"

namespace xl {

class Loss::Impl {
 public:
  Impl(const char* class_name, std::string name) : class_name(class_name), name(std::move(name)) {}
  virtual ~Impl() = default;

  /// As Loss::operator(), for a call that has rows, features, and targets that fit.
  virtual double evaluate(const LossCall& call) const = 0;
  virtual std::int64_t target_features(std::int64_t features) const { return features; }
  virtual bool ignores(const float* /*target*/) const { return false; }
  virtual bool ignores_some() const { return false; }
  virtual void check_targets(const float* /*targets*/, std::int64_t /*rows*/, std::int64_t /*features*/) const {}
  virtual Config config() const = 0;

  const char* const class_name;
  const std::string name;

 protected:
  /// Throws ValueError unless `valid` holds.
  void check(const char* option, double value, bool valid, const char* expected) const {
    if (!valid) fail(std::string(option) + " is " + Value(value).to_text() + ", expected " + expected);
  }
  [[noreturn]] void fail(const std::string& text) const {
    throw ValueError(std::string("[") + class_name + " '" + name + "'] " + text);
  }
};

namespace detail {

/// What every loss of Keras has.
template <class Options>
void describe_name_and_reduction(Archive& archive, Options& options) {
  Fixed reduction{"sum_over_batch_size"};
  archive("name", options.name)("reduction", reduction);
}

/// The options of a loss under Keras' keys. A class with more than a name has an overload beside its options.
template <class Options>
void describe_loss(Archive& archive, Options& options) {
  describe_name_and_reduction(archive, options);
}

template <class Options>
Options read_loss_options(const Config& config, const char* class_name) {
  Options options;
  Archive archive = Archive::reader(config, class_name);
  describe_loss(archive, options);
  archive.finish();
  return options;
}

/// A loss with its options.
template <class Options>
class LossOf : public Loss::Impl {
 public:
  LossOf(const char* class_name, const Options& options) : Impl(class_name, options.name), options_(options) {}

  Config config() const override {
    Config config;
    Archive archive = Archive::writer(config);
    Options options = options_;
    describe_loss(archive, options);
    return config;
  }

 protected:
  const Options options_;
};

}  // namespace detail
}  // namespace xl
