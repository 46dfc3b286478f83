#include "xlayers/models/metrics/metric.hpp"

#include "xlayers/framework/base/ascii.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/named.hpp"
#include "xlayers/models/metrics/accuracy.hpp"
#include "xlayers/models/metrics/loss_metrics.hpp"
#include "xlayers/models/metrics/metric_impl.hpp"

namespace xl {
namespace {

// ---- by name ----

Named<Metric>& known_metrics() {
  using Known = Named<Metric>;
  static Known known(
      {.what = "metric", .module = "keras.metrics", .registrar = "xl::register_metric"},
      {
          {"accuracy", {"acc"}, metrics::AnyAccuracy::from_config},  // keras.metrics.Accuracy is another
          Known::of<metrics::MeanSquaredError>({"mean_squared_error", "mse", "MSE"}),
          Known::of<metrics::MeanAbsoluteError>({"mean_absolute_error", "mae", "MAE"}),
          Known::of<metrics::MeanAbsolutePercentageError>({"mean_absolute_percentage_error", "mape", "MAPE"}),
          Known::of<metrics::MeanSquaredLogarithmicError>({"mean_squared_logarithmic_error", "msle", "MSLE"}),
          Known::of<metrics::RootMeanSquaredError>({"root_mean_squared_error", "rmse", "RMSE"}),
          Known::of<metrics::LogCoshError>({"log_cosh_error"}),
          Known::of<metrics::BinaryCrossentropy>({"binary_crossentropy", "bce", "BCE"}),
          Known::of<metrics::CategoricalCrossentropy>({"categorical_crossentropy"}),
          Known::of<metrics::SparseCategoricalCrossentropy>({"sparse_categorical_crossentropy"}),
          Known::of<metrics::KLDivergence>({"kl_divergence"}),
          Known::of<metrics::Poisson>({"poisson"}),
          Known::of<metrics::BinaryAccuracy>({"binary_accuracy"}),
          Known::of<metrics::CategoricalAccuracy>({"categorical_accuracy"}),
          Known::of<metrics::SparseCategoricalAccuracy>({"sparse_categorical_accuracy"}),
          Known::of<metrics::TopKCategoricalAccuracy>({"top_k_categorical_accuracy"}),
          Known::of<metrics::SparseTopKCategoricalAccuracy>({"sparse_top_k_categorical_accuracy"}),
      });
  return known;
}

/// "accuracy" and "acc" go in any case, as in Keras.
std::string spelling(const std::string& name) {
  const std::string lower = to_lower(name);
  return lower == "accuracy" || lower == "acc" ? lower : name;
}

void check_fit(const Metric::Impl& metric, std::int64_t features, std::int64_t targets) {
  if (const std::int64_t expected = metric.target_features(features); targets != expected)
    throw ShapeError(error_label(metric.class_name, metric.name) + "expected targets whose last axis is " +
                     std::to_string(expected) + " for predictions with " + std::to_string(features) + ", got " +
                     std::to_string(targets));
}

// ---- one's own ----

class OwnMetric : public Metric::Impl {
 public:
  OwnMetric(std::string name, Metric::Function function, std::int64_t target_features)
      : Impl("MeanMetricWrapper", std::move(name)), function_(std::move(function)), target_features_(target_features) {}

  double total(const LossCall& call) const override { return detail::sum_over_rows(call, function_); }
  std::int64_t target_features(std::int64_t features) const override {
    return target_features_ == 0 ? features : target_features_;
  }
  Config config() const override { return {{"name", name}, {"dtype", "float32"}}; }

 private:
  const Metric::Function function_;
  const std::int64_t target_features_;
};

}  // namespace

Metric::Metric(const char* name) : Metric(known_metrics().text(name)) {}
Metric::Metric(const std::string& name) : Metric(known_metrics().get(spelling(name), {{"name", name}})) {
  // Keras does not know these two: it gets the object.
  if (name != "rmse" && name != "RMSE") spelled_ = name;
}

Metric Metric::own(std::string name, Function function, std::int64_t target_features) {
  known_metrics().check_own(spelling(name), function != nullptr);
  if (target_features < 0)
    throw ValueError("the metric '" + name + "' expected a number of target features, got " +
                     std::to_string(target_features));
  Metric metric(std::make_shared<OwnMetric>(name, std::move(function), target_features));
  metric.spelled_ = std::move(name);
  return metric;
}

void register_metric(const Metric& metric) {
  known_metrics().add(spelling(metric.name()), metric.class_name(), metric);
}

void Metric::accumulate(const LossCall& call, double& total, double& count) const {
  if (call.rows <= 0) return;
  if (call.features > 0) {
    const std::int64_t targets = detail::targets_of(call);
    const std::shared_ptr<const Impl> other = impl_->resolved(call.features, targets);
    const Impl& impl = other ? *other : *impl_;
    check_fit(impl, call.features, targets);
    total += impl.total(call);
  }
  if (call.weight == nullptr) {
    count += static_cast<double>(call.rows);
  } else {
    for (std::int64_t row = 0; row < call.rows; ++row) count += call.weight[row];
  }
}

double Metric::result(double total, double count) const { return impl_->result(count == 0 ? 0 : total / count); }

std::int64_t Metric::target_features(std::int64_t features) const { return impl_->target_features(features); }
std::optional<bool> Metric::higher_is_better() const { return impl_->higher_is_better(); }

Metric Metric::resolved(std::int64_t features, std::int64_t target_features) const {
  Metric metric = *this;
  if (std::shared_ptr<const Impl> impl = impl_->resolved(features, target_features)) metric.impl_ = std::move(impl);
  check_fit(*metric.impl_, features, target_features);
  return metric;
}

const std::string& Metric::name() const { return impl_->name; }
const char* Metric::class_name() const { return impl_->class_name.c_str(); }
Config Metric::get_config() const { return impl_->config(); }

Value to_value(const Metric& metric) {
  return metric.spelled_.empty() ? known_metrics().write(metric.class_name(), metric.get_config())
                                 : Value(metric.spelled_);
}
void from_value(const Value& value, Metric& metric) { metric = known_metrics().read(value); }

}  // namespace xl
