#include "xlayers/models/metrics/metric.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <string_view>

#include "xlayers/framework/base/ascii.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/keras_function.hpp"
#include "xlayers/framework/config/keras_object.hpp"
#include "xlayers/models/metrics/metric_impl.hpp"

namespace xl {
namespace {

// ---- the metrics by name ----

template <class Class>
Metric from_config(const Config& config) {
  return Class::from_config(config);
}

struct Known {
  const char* class_name;
  std::string_view names[3];  // besides the class'; empty ones at the end
  Metric (*from_config)(const Config& config);
  bool short_names_of_keras = true;  // whether Keras knows all of them, or the first one only
};

constexpr Known known[] = {
    {"MeanSquaredError", {"mean_squared_error", "mse", "MSE"}, from_config<metrics::MeanSquaredError>},
    {"MeanAbsoluteError", {"mean_absolute_error", "mae", "MAE"}, from_config<metrics::MeanAbsoluteError>},
    {"MeanAbsolutePercentageError",
     {"mean_absolute_percentage_error", "mape", "MAPE"},
     from_config<metrics::MeanAbsolutePercentageError>},
    {"MeanSquaredLogarithmicError",
     {"mean_squared_logarithmic_error", "msle", "MSLE"},
     from_config<metrics::MeanSquaredLogarithmicError>},
    {"RootMeanSquaredError",
     {"root_mean_squared_error", "rmse", "RMSE"},
     from_config<metrics::RootMeanSquaredError>,
     false},
    {"LogCoshError", {"log_cosh_error"}, from_config<metrics::LogCoshError>},
    {"BinaryCrossentropy", {"binary_crossentropy", "bce", "BCE"}, from_config<metrics::BinaryCrossentropy>},
    {"CategoricalCrossentropy", {"categorical_crossentropy"}, from_config<metrics::CategoricalCrossentropy>},
    {"SparseCategoricalCrossentropy",
     {"sparse_categorical_crossentropy"},
     from_config<metrics::SparseCategoricalCrossentropy>},
    {"KLDivergence", {"kl_divergence"}, from_config<metrics::KLDivergence>},
    {"Poisson", {"poisson"}, from_config<metrics::Poisson>},
    {"BinaryAccuracy", {"binary_accuracy"}, from_config<metrics::BinaryAccuracy>},
    {"CategoricalAccuracy", {"categorical_accuracy"}, from_config<metrics::CategoricalAccuracy>},
    {"SparseCategoricalAccuracy", {"sparse_categorical_accuracy"}, from_config<metrics::SparseCategoricalAccuracy>},
    {"TopKCategoricalAccuracy", {"top_k_categorical_accuracy"}, from_config<metrics::TopKCategoricalAccuracy>},
    {"SparseTopKCategoricalAccuracy",
     {"sparse_top_k_categorical_accuracy"},
     from_config<metrics::SparseTopKCategoricalAccuracy>},
};

/// The metric with this class name, or also another name; or nullptr.
const Known* find(std::string_view name, bool any_name) {
  for (const Known& entry : known) {
    if (name == entry.class_name) return &entry;
    for (const std::string_view other : entry.names)
      if (any_name && !other.empty() && name == other) return &entry;
  }
  return nullptr;
}

/// "accuracy" or "acc", in any case, as in Keras.
bool is_accuracy(const std::string& name) {
  const std::string lower = to_lower(name);
  return lower == "accuracy" || lower == "acc";
}

/// Those of users.
struct Registry {
  std::mutex mutex;
  std::map<std::string, Metric> metrics;
};
Registry& registry() {
  static Registry registry;
  return registry;
}

[[noreturn]] void fail_unknown(const std::string& name, bool any_name) {
  std::string names = any_name ? "accuracy, acc" : "";
  const auto list = [&](std::string_view known) { names += (names.empty() ? "" : ", ") + std::string(known); };
  for (const Known& entry : known) {
    list(entry.class_name);
    for (const std::string_view other : entry.names)
      if (any_name && !other.empty()) list(other);
  }
  if (any_name) {
    const std::lock_guard lock(registry().mutex);
    for (const auto& [own, metric] : registry().metrics) list(own);
  }
  throw ValueError("unknown metric '" + name + "'; there are: " + names +
                   (any_name ? " (a metric of one's own is made known by xl::register_metric)" : ""));
}

void check_fit(const Metric::Impl& metric, std::int64_t features, std::int64_t targets) {
  if (const std::int64_t expected = metric.target_features(features); targets != expected)
    throw ShapeError(std::string("[") + metric.class_name + " '" + metric.name +
                     "'] expected targets whose last axis is " + std::to_string(expected) + " for predictions with " +
                     std::to_string(features) + ", got " + std::to_string(targets));
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

Metric::Metric(const char* name) : Metric(std::string(name)) {}
Metric::Metric(const std::string& name) {
  if (is_accuracy(name)) {
    impl_ = detail::make_accuracy(name);
  } else if (const Known* entry = find(name, true)) {
    impl_ = entry->from_config({{"name", name}}).impl_;
    // A short name that Keras lacks is stored as an object, which Keras can read.
    if (!entry->short_names_of_keras && name != entry->class_name && name != entry->names[0]) return;
  } else {
    const std::unique_lock lock(registry().mutex);
    const auto found = registry().metrics.find(name);
    if (found != registry().metrics.end()) impl_ = found->second.impl_;
  }
  if (!impl_) fail_unknown(name, true);
  spelled_ = name;
}

Metric Metric::own(std::string name, Function function, std::int64_t target_features) {
  if (name.empty()) throw ValueError("a metric of one's own needs a name");
  if (is_accuracy(name) || find(name, true) != nullptr)
    throw ValueError("the name '" + name + "' is that of a metric of Keras");
  if (!function) throw ValueError("the metric '" + name + "' has no function");
  if (target_features < 0)
    throw ValueError("the metric '" + name + "' expected a number of target features, got " +
                     std::to_string(target_features));
  Metric metric(std::make_shared<OwnMetric>(name, std::move(function), target_features));
  metric.spelled_ = std::move(name);
  return metric;
}

void register_metric(const Metric& metric) {
  if (is_accuracy(metric.name()) || find(metric.name(), true) != nullptr || find(metric.class_name(), false) != nullptr)
    throw ValueError("the metric '" + metric.name() + "' is one of Keras: there is no need to register it");
  const std::lock_guard lock(registry().mutex);
  registry().metrics.insert_or_assign(metric.name(), metric);
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
const char* Metric::class_name() const { return impl_->class_name; }
Config Metric::get_config() const { return impl_->config(); }

Value to_value(const Metric& metric) {
  if (!metric.spelled_.empty()) return metric.spelled_;
  return to_keras_object("keras.metrics", metric.class_name(), metric.get_config());
}

void from_value(const Value& value, Metric& metric) {
  if (const std::optional<std::string> function = detail::keras_function(value)) {
    metric = Metric(*function);
    return;
  }
  const KerasObject object = from_keras_object(value, "a metric");
  const Known* entry = find(object.class_name, false);
  if (entry == nullptr) fail_unknown(object.class_name, false);
  metric = entry->from_config(object.config);
}

}  // namespace xl
