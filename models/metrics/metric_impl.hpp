#pragma once

// Internal: what a metric is made of. models/metrics/accuracy.cpp and models/metrics/loss_metrics.cpp give the rules.

#include <string>
#include <utility>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/fixed.hpp"
#include "xlayers/models/metrics/metric.hpp"

namespace xl {

class Metric::Impl {
 public:
  Impl(const char* class_name, std::string name) : class_name(class_name), name(std::move(name)) {}
  virtual ~Impl() = default;

  /// The sum over rows of weight * value, for a call that has rows, features, and targets that fit.
  virtual double total(const LossCall& call) const = 0;
  virtual double result(double mean) const { return mean; }
  virtual std::int64_t target_features(std::int64_t features) const { return features; }
  /// The metric that stands for this one with such rows; none: itself.
  virtual std::shared_ptr<const Impl> resolved(std::int64_t /*features*/, std::int64_t /*targets*/) const { return {}; }
  virtual std::optional<bool> higher_is_better() const { return {}; }
  virtual Config config() const = 0;

  const char* const class_name;
  const std::string name;
};

namespace detail {

/// What a row of the target has in this call.
inline std::int64_t targets_of(const LossCall& call) {
  return call.target_features == 0 ? call.features : call.target_features;
}

/// The sum over rows of weight * value(target, prediction), both spans.
template <class RowValue>
double sum_over_rows(const LossCall& call, const RowValue& value) {
  const auto row = [](const float* first, std::int64_t r, std::int64_t size) {
    return std::span(first + r * size, static_cast<std::size_t>(size));
  };
  double total = 0.0;
  for (std::int64_t r = 0; r < call.rows; ++r) {
    const double of_row = value(row(call.target, r, targets_of(call)), row(call.prediction, r, call.features));
    total += (call.weight == nullptr ? 1.0 : call.weight[r]) * of_row;
  }
  return total;
}

/// What every metric of Keras has.
template <class Options>
void describe_name_and_dtype(Archive& archive, Options& options) {
  Fixed dtype{"float32"};
  archive("name", options.name)("dtype", dtype);
}

/// The options of a metric under Keras' keys. A class with more than a name has an overload beside its options.
template <class Options>
void describe_metric(Archive& archive, Options& options) {
  describe_name_and_dtype(archive, options);
}

template <class Options>
Options read_metric_options(const Config& config, const char* class_name) {
  Options options;
  Archive archive = Archive::reader(config, class_name);
  describe_metric(archive, options);
  archive.finish();
  return options;
}

/// A metric with its options.
template <class Options>
class MetricOf : public Metric::Impl {
 public:
  MetricOf(const char* class_name, const Options& options) : Impl(class_name, options.name), options_(options) {}

  Config config() const override {
    Config config;
    Archive archive = Archive::writer(config);
    Options options = options_;
    describe_metric(archive, options);
    return config;
  }

 protected:
  const Options options_;
};

/// "accuracy", which becomes another metric when the shapes are known.
std::shared_ptr<const Metric::Impl> make_accuracy(const std::string& name);

}  // namespace detail
}  // namespace xl
