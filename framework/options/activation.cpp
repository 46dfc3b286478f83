#include "xlayers/framework/options/activation.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <mutex>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/keras_object.hpp"
#include "xlayers/framework/kernels/activations.hpp"

namespace xl {

using kernels::Activation;
using P = kernels::ActivationParameters;

namespace {

/// What a parameter may be. A `flag` is a bool, `limit` a number of 0 or more, or none, which is
/// infinity.
enum class Rule { any, not_negative, positive, limit, flag };

struct Parameter {
  const char* name = nullptr;  // none behind the last one
  float P::*member = nullptr;
  Rule rule = Rule::any;
};

}  // namespace

struct ActivationEntry {
  const char* name;
  Activation kind;
  Parameter parameters[3] = {};
};

namespace {

constexpr ActivationEntry table[] = {
    {"celu", Activation::celu, {{"alpha", &P::alpha, Rule::positive}}},
    {"elu", Activation::elu, {{"alpha", &P::alpha, Rule::not_negative}}},
    {"exponential", Activation::exponential},
    {"gelu", Activation::gelu, {{"approximate", nullptr, Rule::flag}}},
    {"glu", Activation::glu},
    {"hard_shrink", Activation::hard_shrink, {{"threshold", &P::threshold, Rule::not_negative}}},
    {"hard_sigmoid", Activation::hard_sigmoid},
    {"hard_silu", Activation::hard_silu},
    {"hard_tanh", Activation::hard_tanh},
    {"leaky_relu", Activation::leaky_relu, {{"negative_slope", &P::negative_slope, Rule::not_negative}}},
    {"linear", Activation::linear},
    {"log_sigmoid", Activation::log_sigmoid},
    {"log_softmax", Activation::log_softmax},
    {"mish", Activation::mish},
    {"relu",
     Activation::relu,
     {{"negative_slope", &P::negative_slope, Rule::not_negative},
      {"max_value", &P::max_value, Rule::limit},
      {"threshold", &P::threshold, Rule::not_negative}}},
    {"relu6", Activation::relu6},
    {"selu", Activation::selu},
    {"sigmoid", Activation::sigmoid},
    {"silu", Activation::silu},
    {"soft_shrink", Activation::soft_shrink, {{"threshold", &P::threshold, Rule::not_negative}}},
    {"softmax", Activation::softmax},
    {"softplus", Activation::softplus},
    {"softsign", Activation::softsign},
    {"sparse_plus", Activation::sparse_plus},
    {"sparse_sigmoid", Activation::sparse_sigmoid},
    {"sparsemax", Activation::sparsemax},
    {"squareplus", Activation::squareplus, {{"b", &P::b, Rule::not_negative}}},
    {"tanh", Activation::tanh},
    {"tanh_shrink", Activation::tanh_shrink},
    {"threshold", Activation::threshold, {{"threshold", &P::threshold}, {"default_value", &P::default_value}}},
};

const ActivationEntry& entry_of(Activation kind) {
  return *std::find_if(std::begin(table), std::end(table),
                       [&](const ActivationEntry& entry) { return entry.kind == kind; });
}

bool is_known(const std::string& name) {
  return name == "swish" || name == "hard_swish" ||
         std::any_of(std::begin(table), std::end(table),
                     [&](const ActivationEntry& entry) { return name == entry.name; });
}

const ActivationEntry& entry_of(const std::string& name) {
  if (name.empty()) return entry_of(Activation::linear);
  if (name == "swish") return entry_of(Activation::silu);
  if (name == "hard_swish") return entry_of(Activation::hard_silu);
  std::string known;
  for (const ActivationEntry& entry : table) {
    if (name == entry.name) return entry;
    known += std::string(entry.name) + ", ";
  }
  throw ValueError("unknown activation '" + name + "'; known are " + known +
                   "swish, hard_swish (an activation of one's own is made known by xl::register_activation)");
}

void check(const ActivationEntry& entry, const Parameter& parameter, float value) {
  const bool finite = std::isfinite(value);
  const char* rule = nullptr;
  switch (parameter.rule) {
    case Rule::any:
      if (!finite) rule = "a finite number";
      break;
    case Rule::not_negative:
      if (!finite || value < 0) rule = "a finite number of 0 or more";
      break;
    case Rule::positive:
      if (!finite || value <= 0) rule = "a finite number above 0";
      break;
    case Rule::limit:
      if (!(value >= 0)) rule = "a number of 0 or more, or none";
      break;
    case Rule::flag:
      break;
  }
  if (rule != nullptr)
    throw ValueError("[" + std::string(entry.name) + "] " + parameter.name + " is " + rule + ", got " +
                     Value(value).to_text());
}

}  // namespace

/// From the row of the table and its parameters to what the kernels take, and back.
struct ActivationParts {
  static ActivationFunction make(const ActivationEntry& entry, const P& parameters) {
    ActivationFunction function;
    function.entry_ = &entry;
    for (std::size_t i = 0; i < 3 && entry.parameters[i].name; ++i) {
      const Parameter& parameter = entry.parameters[i];
      float& value = function.parameters_[i];
      value = parameter.rule == Rule::flag ? static_cast<float>(parameters.approximate) : parameters.*parameter.member;
      check(entry, parameter, value);
    }
    return function;
  }
  static ActivationFunction make(Activation kind, const P& parameters) { return make(entry_of(kind), parameters); }

  static P parameters(const ActivationFunction& function) {
    P result = kernels::default_parameters(function.entry_->kind);
    for (std::size_t i = 0; i < 3 && function.entry_->parameters[i].name; ++i) {
      const Parameter& parameter = function.entry_->parameters[i];
      if (parameter.rule == Rule::flag) {
        result.approximate = function.parameters_[i] != 0;
      } else {
        result.*parameter.member = function.parameters_[i];
      }
    }
    return result;
  }

  static kernels::ActivationCall call(const ActivationFunction& function, std::int64_t rows, std::int64_t columns) {
    return {function.entry_->kind, parameters(function), rows, columns};
  }

  static const ActivationEntry& entry(const ActivationFunction& function) { return *function.entry_; }
};

// ---- functions of one's own

struct OwnActivation {
  std::string name;
  std::function<float(float)> f;
  std::function<float(float, float)> slope;
};

namespace {

struct Registry {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<const OwnActivation>> activations;
};
Registry& registry() {
  static Registry registry;
  return registry;
}

}  // namespace

ActivationFunction ActivationFunction::own(std::string name, std::function<float(float)> f,
                                           std::function<float(float, float)> slope) {
  if (name.empty() || is_known(name))
    throw ValueError("an activation of one's own needs a name that is none of Keras', got '" + name + "'");
  if (!f || !slope) throw ValueError("the activation '" + name + "' needs a function and its slope");
  ActivationFunction function;
  function.own_ = std::make_shared<OwnActivation>(OwnActivation{std::move(name), std::move(f), std::move(slope)});
  return function;
}

void register_activation(const ActivationFunction& activation) {
  if (!activation.own_)
    throw ValueError(std::string("the activation '") + activation.name() +
                     "' is known: there is no need to register it");
  const std::lock_guard lock(registry().mutex);
  registry().activations[activation.own_->name] = activation.own_;
}

// ----

ActivationFunction::ActivationFunction() : entry_(&entry_of(Activation::linear)) {}

ActivationFunction::ActivationFunction(const char* name) : ActivationFunction(std::string(name)) {}

ActivationFunction::ActivationFunction(const std::string& name) : ActivationFunction() {
  {
    const std::lock_guard lock(registry().mutex);
    if (const auto own = registry().activations.find(name); own != registry().activations.end()) {
      own_ = own->second;
      return;
    }
  }
  const ActivationEntry& entry = entry_of(name);
  if (entry.kind == Activation::threshold)
    throw ValueError(
        "the activation 'threshold' has two arguments without a default, threshold and "
        "default_value: use xl::activations::threshold(threshold, default_value)");
  *this = ActivationParts::make(entry, kernels::default_parameters(entry.kind));
}

const char* ActivationFunction::name() const { return own_ ? own_->name.c_str() : entry_->name; }

bool ActivationFunction::is_linear() const { return !own_ && entry_->kind == Activation::linear; }

bool ActivationFunction::is_relu() const {
  constexpr float none = std::numeric_limits<float>::infinity();
  return entry_->kind == Activation::relu && parameters_ == std::array{0.0f, none, 0.0f};
}

std::int64_t ActivationFunction::output_columns(std::int64_t columns) const {
  if (entry_->kind != Activation::glu) return columns;
  if (columns % 2 != 0)
    throw ShapeError("the activation 'glu' expected a last axis of even length, got " + std::to_string(columns));
  return columns / 2;
}

void ActivationFunction::forward(std::int64_t rows, std::int64_t columns, const float* x, float* y) const {
  if (own_) {
    std::transform(x, x + rows * columns, y, std::cref(own_->f));
    return;
  }
  kernels::activate(ActivationParts::call(*this, rows, columns), x, y);
}

void ActivationFunction::backward(std::int64_t rows, std::int64_t columns, const float* x, const float* y,
                                  const float* dy, float* dx) const {
  if (own_) {
    for (std::int64_t i = 0; i < rows * columns; ++i) dx[i] = dy[i] * own_->slope(x[i], y[i]);
    return;
  }
  kernels::activate_backward(ActivationParts::call(*this, rows, columns), x, y, dy, dx);
}

bool ActivationFunction::reads_input() const {
  return own_ || kernels::backward_reads_input(entry_->kind, ActivationParts::parameters(*this));
}

// ---- functions with parameters

namespace activations {

ActivationFunction relu(ReluOptions options) {
  P p = kernels::default_parameters(Activation::relu);
  p.negative_slope = options.negative_slope;
  if (options.max_value) {
    if (std::isinf(*options.max_value))
      throw ValueError("[relu] max_value is a number of 0 or more, or none, got " +
                       Value(*options.max_value).to_text());
    p.max_value = *options.max_value;
  }
  p.threshold = options.threshold;
  return ActivationParts::make(Activation::relu, p);
}

namespace {

ActivationFunction with(Activation kind, float P::*member, float value) {
  P p = kernels::default_parameters(kind);
  p.*member = value;
  return ActivationParts::make(kind, p);
}

}  // namespace

ActivationFunction leaky_relu(float negative_slope) {
  return with(Activation::leaky_relu, &P::negative_slope, negative_slope);
}
ActivationFunction elu(float alpha) { return with(Activation::elu, &P::alpha, alpha); }
ActivationFunction celu(float alpha) { return with(Activation::celu, &P::alpha, alpha); }
ActivationFunction squareplus(float b) { return with(Activation::squareplus, &P::b, b); }
ActivationFunction soft_shrink(float threshold) { return with(Activation::soft_shrink, &P::threshold, threshold); }
ActivationFunction hard_shrink(float threshold) { return with(Activation::hard_shrink, &P::threshold, threshold); }

ActivationFunction gelu(bool approximate) {
  P p = kernels::default_parameters(Activation::gelu);
  p.approximate = approximate;
  return ActivationParts::make(Activation::gelu, p);
}

ActivationFunction threshold(float threshold, float default_value) {
  P p = kernels::default_parameters(Activation::threshold);
  p.threshold = threshold;
  p.default_value = default_value;
  return ActivationParts::make(Activation::threshold, p);
}

}  // namespace activations

// ---- config

namespace {

/// The parameters of a row of the table, both ways.
void serialize(Archive& archive, const ActivationEntry& entry, P& parameters) {
  for (const Parameter& parameter : entry.parameters) {
    if (parameter.name == nullptr) break;
    if (parameter.rule == Rule::flag) {
      archive(parameter.name, parameters.approximate);
    } else if (parameter.rule == Rule::limit) {
      float& value = parameters.*parameter.member;
      std::optional<float> limit;
      if (std::isfinite(value)) limit = value;
      archive(parameter.name, limit);
      value = limit.value_or(std::numeric_limits<float>::infinity());
    } else {
      archive(parameter.name, parameters.*parameter.member);
    }
  }
}

}  // namespace

Value to_value(const ActivationFunction& activation) {
  if (activation.own_) return activation.own_->name;
  const ActivationEntry& entry = ActivationParts::entry(activation);
  if (entry.kind != Activation::threshold && activation == ActivationFunction(entry.name)) return entry.name;
  Config config;
  Archive archive = Archive::writer(config);
  P parameters = ActivationParts::parameters(activation);
  serialize(archive, entry, parameters);
  return to_keras_object("keras.activations", entry.name, std::move(config));
}

void from_value(const Value& value, ActivationFunction& activation) {
  if (value.is_null()) {
    activation = {};
  } else if (value.is_string()) {
    activation = value.as_string();
  } else {
    const KerasObject object = from_keras_object(value, "an activation");
    const ActivationEntry& entry = entry_of(object.class_name);
    P parameters = kernels::default_parameters(entry.kind);
    Archive archive = Archive::reader(object.config, entry.name);
    serialize(archive, entry, parameters);
    archive.finish();
    if (entry.kind == Activation::threshold) {
      object.config.at("threshold");
      object.config.at("default_value");
    }
    activation = ActivationParts::make(entry, parameters);
  }
}

}  // namespace xl
