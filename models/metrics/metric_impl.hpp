#pragma once

// Internal: what a metric is made of. models/metrics/accuracy.cpp and models/metrics/loss_metrics.cpp give the rules.

#include "xlayers/framework/config/configured_impl.hpp"
#include "xlayers/models/metrics/metric.hpp"

namespace xl {

class Metric::Impl : public detail::ConfiguredImpl {
 public:
  using ConfiguredImpl::ConfiguredImpl;

  /// The sum over rows of weight * value, for a call that has rows, features, and targets that fit.
  virtual double total(const LossCall& call) const = 0;
  virtual double result(double mean) const { return mean; }
  virtual std::int64_t target_features(std::int64_t features) const { return features; }
  /// The metric that stands for this one with such rows; none: itself.
  virtual std::shared_ptr<const Impl> resolved(std::int64_t /*features*/, std::int64_t /*targets*/) const { return {}; }
  virtual std::optional<bool> higher_is_better() const { return {}; }
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
inline Archive& serialize_name_and_dtype(Archive& archive, std::string& name) {
  return archive("name", name).only("dtype", "float32");
}

}  // namespace detail

namespace metrics {

/// A metric with more options than its name has a `serialize` of its own.
template <detail::NameAlone Options>
void serialize(Archive& archive, Options& options) {
  detail::serialize_name_and_dtype(archive, options.name);
}

/// "accuracy", which becomes another metric when the shapes are known.
struct AnyAccuracyOptions {
  static constexpr auto class_name = "Accuracy";
  std::string name = "accuracy";
};
using AnyAccuracy = Configured<Metric, AnyAccuracyOptions>;

}  // namespace metrics

extern template class Configured<Metric, metrics::AnyAccuracyOptions>;

}  // namespace xl
