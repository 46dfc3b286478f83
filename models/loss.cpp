#include "xlayers/models/loss.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "xlayers/framework/errors.hpp"
#include "xlayers/framework/keras_object.hpp"
#include "xlayers/models/detail/fixed.hpp"

namespace xl {
namespace {

// ---- the errors of one element: e = prediction - target ----

// l = e^2,  dl/de = 2 e
struct Squared {
  float value(float e) const { return e * e; }
  float slope(float e) const { return 2 * e; }
};

// l = |e|,  dl/de = 1 if e > 0, else -1; NaN for NaN
struct Absolute {
  float value(float e) const { return std::abs(e); }
  float slope(float e) const { return e > 0 ? 1.0f : e <= 0 ? -1.0f : e; }
};

// l = e^2 / 2 if |e| <= delta, else delta |e| - delta^2 / 2, which is c (|e| - c / 2) with
// c = min(|e|, delta);  dl/de = e cut to [-delta, delta]
struct Bent {
  float delta;
  float value(float e) const {
    const float size = std::abs(e), cut = std::min(size, delta);
    return cut * (size - 0.5f * cut);
  }
  float slope(float e) const { return std::min(std::max(e, -delta), delta); }
};

// ---- from elements to rows ----

/// The sum of term(i) over 0 <= i < n. Eight sums that take turns let the compiler use vectors.
template <class Term>
double sum(std::int64_t n, const Term& term) {
  constexpr int lanes = 8;
  double lane[lanes] = {};
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    for (int l = 0; l < lanes; ++l) lane[l] += term(i + l);
  }
  double rest = 0;
  for (; i < n; ++i) rest += term(i);
  return ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7])) + rest;
}

// total = sum_r w_r / F sum_f l(p_rf - t_rf)
template <class Error>
double total(const LossCall& call, const Error& error) {
  const float *t = call.target, *p = call.prediction, *w = call.weight;
  const auto features = static_cast<double>(call.features);
  const auto value = [&](std::int64_t i) { return static_cast<double>(error.value(p[i] - t[i])); };
  if (w == nullptr) return sum(call.rows * call.features, value) / features;
  if (call.features == 1) return sum(call.rows, [&](std::int64_t i) { return w[i] * value(i); });
  double total = 0;
  for (std::int64_t row = 0; row < call.rows; ++row) {
    const std::int64_t first = row * call.features;
    total += w[row] * sum(call.features, [&](std::int64_t f) { return value(first + f); });
  }
  return total / features;
}

// g_rf = scale * w_r / F * dl/de
template <class Error>
void gradient(const LossCall& call, const Error& error) {
  const float *t = call.target, *p = call.prediction;
  float* g = call.gradient;
  const double factor = call.scale / static_cast<double>(call.features);
  const auto fill = [&](std::int64_t begin, std::int64_t end, float factor) {
    for (std::int64_t i = begin; i < end; ++i) g[i] = factor * error.slope(p[i] - t[i]);
  };
  const float* w = call.weight;
  if (w == nullptr) {
    fill(0, call.rows * call.features, static_cast<float>(factor));
  } else if (call.features == 1) {
    for (std::int64_t i = 0; i < call.rows; ++i) {
      g[i] = static_cast<float>(factor * w[i]) * error.slope(p[i] - t[i]);
    }
  } else {
    for (std::int64_t row = 0; row < call.rows; ++row) {
      const std::int64_t first = row * call.features;
      fill(first, first + call.features, static_cast<float>(factor * w[row]));
    }
  }
}

template <class Error>
double evaluate(const LossCall& call, const Error& error) {
  if (call.rows <= 0 || call.features <= 0) return 0;
  if (call.gradient != nullptr) gradient(call, error);
  return total(call, error);
}

}  // namespace

// ---- the losses by name ----

struct Loss::Kind {
  const char* class_name;
  const char* name;               // of an object of the class
  std::string_view functions[3];  // empty ones at the end
  double (*evaluate)(const LossCall& call, double delta);
};

namespace {

constexpr Loss::Kind kinds[] = {
    {"MeanSquaredError",
     "mean_squared_error",
     {"mean_squared_error", "mse", "MSE"},
     [](const LossCall& call, double) { return evaluate(call, Squared{}); }},
    {"MeanAbsoluteError",
     "mean_absolute_error",
     {"mean_absolute_error", "mae", "MAE"},
     [](const LossCall& call, double) { return evaluate(call, Absolute{}); }},
    {"Huber",
     "huber_loss",
     {"huber"},
     [](const LossCall& call, double delta) { return evaluate(call, Bent{static_cast<float>(delta)}); }},
};

/// The kind with this class name, or also function name. Throws ValueError that lists what there
/// is.
const Loss::Kind& find(std::string_view name, bool functions) {
  std::string known;
  for (const Loss::Kind& kind : kinds) {
    if (name == kind.class_name) return kind;
    known += std::string(known.empty() ? "" : ", ") + kind.class_name;
    for (const std::string_view function : kind.functions) {
      if (!functions || function.empty()) continue;
      if (name == function) return kind;
      known += ", " + std::string(function);
    }
  }
  throw ValueError("unknown loss '" + std::string(name) + "'; there are: " + known);
}

void describe(Archive& archive, std::string& name, double* delta) {
  detail::Fixed reduction{"sum_over_batch_size"};
  archive("name", name)("reduction", reduction);
  if (delta != nullptr) archive("delta", *delta);
}

}  // namespace

Loss::Loss(const char* name) : Loss(std::string(name)) {}
Loss::Loss(const std::string& name) : kind_(&find(name, true)), spelled_(name) {
  name_ = name == kind_->class_name ? kind_->name : std::string(kind_->functions[0]);
}
Loss::Loss(const char* class_name, std::string name, double delta)
    : kind_(&find(class_name, false)), name_(std::move(name)), delta_(delta) {}

double Loss::operator()(const LossCall& call) const { return kind_->evaluate(call, delta_); }

const char* Loss::class_name() const { return kind_->class_name; }

Config Loss::get_config() const {
  Config config;
  Archive archive = Archive::writer(config);
  std::string name = name_;
  double delta = delta_;
  // Keras loses delta; what is not its default is kept here.
  describe(archive, name, delta == 1 ? nullptr : &delta);
  return config;
}

Value to_value(const Loss& loss) {
  if (!loss.spelled_.empty()) return loss.spelled_;
  return to_keras_object("keras.losses", loss.class_name(), loss.get_config());
}

void from_value(const Value& value, Loss& loss) {
  if (value.is_string()) {
    loss = Loss(value.as_string());
    return;
  }
  const KerasObject object = from_keras_object(value, "a loss");
  const Loss::Kind& kind = find(object.class_name, false);
  std::string name = kind.name;
  double delta = 1;
  const bool bent = object.class_name == "Huber";
  Archive archive = Archive::reader(object.config, object.class_name);
  describe(archive, name, bent ? &delta : nullptr);
  archive.finish();
  loss = bent ? Huber({.delta = delta, .name = name}) : Loss(kind.class_name, name, delta);
}

MeanSquaredError::MeanSquaredError() : MeanSquaredError(Options()) {}
MeanSquaredError::MeanSquaredError(const Options& options) : Loss("MeanSquaredError", options.name, 1) {}

MeanAbsoluteError::MeanAbsoluteError() : MeanAbsoluteError(Options()) {}
MeanAbsoluteError::MeanAbsoluteError(const Options& options) : Loss("MeanAbsoluteError", options.name, 1) {}

Huber::Huber() : Huber(Options()) {}
Huber::Huber(const Options& options) : Loss("Huber", options.name, options.delta) {
  if (!(options.delta > 0) || !std::isfinite(static_cast<float>(options.delta))) {
    throw ValueError("[Huber '" + options.name + "'] delta is " + Value(options.delta).to_text() +
                     ", expected a positive number");
  }
}

}  // namespace xl
