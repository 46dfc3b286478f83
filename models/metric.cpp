#include "xlayers/models/metric.hpp"

#include <cmath>
#include <string_view>

#include "xlayers/framework/errors.hpp"
#include "xlayers/framework/keras_object.hpp"
#include "xlayers/models/detail/fixed.hpp"

namespace xl {

struct Metric::Kind {
  const char* class_name;
  const char* name;  // of an object of the class, and another name of the class
  std::string_view aliases[2];
  bool keras_aliases;  // whether Keras has the aliases too
  const char* error;   // the loss whose mean it takes
  bool root;           // whether the result is the square root of that mean
};

namespace {

constexpr Metric::Kind kinds[] = {
    {"MeanSquaredError", "mean_squared_error", {"mse", "MSE"}, true, "mse", false},
    {"MeanAbsoluteError", "mean_absolute_error", {"mae", "MAE"}, true, "mae", false},
    {"RootMeanSquaredError", "root_mean_squared_error", {"rmse", "RMSE"}, false, "mse", true},
};

/// The kind with this class name, or also another name. Throws ValueError that lists what there is.
const Metric::Kind& find(std::string_view name, bool aliases) {
  std::string known;
  for (const Metric::Kind& kind : kinds) {
    if (name == kind.class_name) return kind;
    known += std::string(known.empty() ? "" : ", ") + kind.class_name;
    if (!aliases) continue;
    for (const std::string_view other : {std::string_view(kind.name), kind.aliases[0], kind.aliases[1]}) {
      if (name == other) return kind;
      known += ", " + std::string(other);
    }
  }
  throw ValueError("unknown metric '" + std::string(name) + "'; there are: " + known);
}

void describe(Archive& archive, std::string& name) {
  detail::Fixed dtype{"float32"};
  archive("name", name)("dtype", dtype);
}

}  // namespace

Metric::Metric(const char* name) : Metric(std::string(name)) {}
Metric::Metric(const std::string& name) : kind_(&find(name, true)), name_(name), error_(kind_->error), by_name_(true) {}
Metric::Metric(const char* class_name, std::string name)
    : kind_(&find(class_name, false)), name_(std::move(name)), error_(kind_->error) {}

void Metric::accumulate(const LossCall& call, double& total, double& count) const {
  LossCall errors = call;
  errors.gradient = nullptr;
  total += error_(errors);
  if (call.weight == nullptr) {
    count += static_cast<double>(call.rows);
  } else {
    for (std::int64_t row = 0; row < call.rows; ++row) count += call.weight[row];
  }
}

double Metric::result(double total, double count) const {
  const double mean = count == 0 ? 0 : total / count;
  return kind_->root ? std::sqrt(mean) : mean;
}

const char* Metric::class_name() const { return kind_->class_name; }

Config Metric::get_config() const {
  Config config;
  Archive archive = Archive::writer(config);
  std::string name = name_;
  describe(archive, name);
  return config;
}

Value to_value(const Metric& metric) {
  const bool short_form = metric.name_ == metric.kind_->aliases[0] || metric.name_ == metric.kind_->aliases[1];
  if (metric.by_name_ && (metric.kind_->keras_aliases || !short_form)) return metric.name_;
  return to_keras_object("keras.metrics", metric.class_name(), metric.get_config());
}

void from_value(const Value& value, Metric& metric) {
  if (value.is_string()) {
    metric = Metric(value.as_string());
    return;
  }
  const KerasObject object = from_keras_object(value, "a metric");
  const Metric::Kind& kind = find(object.class_name, false);
  std::string name = kind.name;
  Archive archive = Archive::reader(object.config, object.class_name);
  describe(archive, name);
  archive.finish();
  metric = Metric(kind.class_name, name);
}

namespace metrics {

MeanSquaredError::MeanSquaredError() : MeanSquaredError(Options()) {}
MeanSquaredError::MeanSquaredError(const Options& options) : Metric("MeanSquaredError", options.name) {}

MeanAbsoluteError::MeanAbsoluteError() : MeanAbsoluteError(Options()) {}
MeanAbsoluteError::MeanAbsoluteError(const Options& options) : Metric("MeanAbsoluteError", options.name) {}

RootMeanSquaredError::RootMeanSquaredError() : RootMeanSquaredError(Options()) {}
RootMeanSquaredError::RootMeanSquaredError(const Options& options) : Metric("RootMeanSquaredError", options.name) {}

}  // namespace metrics
}  // namespace xl
