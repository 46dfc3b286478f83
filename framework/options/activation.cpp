#include "xlayers/framework/options/activation.hpp"

#include <algorithm>
#include <functional>
#include <limits>

#include "xlayers/framework/config/named.hpp"
#include "xlayers/framework/options/activation_table.hpp"

namespace xl {

using kernels::Activation;

// ---- by name

namespace {

ActivationFunction from_config(const ActivationEntry& entry, const Config& config) {
  const bool threshold = entry.kind == Activation::threshold;
  if (threshold && !(config.contains("threshold") && config.contains("default_value")))
    throw ValueError(
        "the activation 'threshold' has two arguments without a default, threshold and "
        "default_value: use xl::activations::threshold(threshold, default_value)");
  kernels::ActivationParameters parameters = kernels::default_parameters(entry.kind);
  Archive archive = Archive::reader(config, entry.name);
  serialize(archive, entry, parameters);
  archive.finish();
  return ActivationParts::make(entry, parameters);
}

Named<ActivationFunction>& functions() {
  using Known = Named<ActivationFunction>;
  static Known known({.what = "activation", .module = "keras.activations", .registrar = "xl::register_activation"}, [] {
    std::vector<Known::Class> table;
    for (const ActivationEntry& entry : activation_table()) {
      table.push_back({entry.name, {}, [&](const Config& parameters) { return from_config(entry, parameters); }});
      if (entry.kind == Activation::silu) table.back().aliases = {"swish"};
      if (entry.kind == Activation::hard_silu) table.back().aliases = {"hard_swish"};
    }
    return table;
  }());
  return known;
}

}  // namespace

ActivationFunction::ActivationFunction() : entry_(&activation_entry(Activation::linear)) {}
ActivationFunction::ActivationFunction(const char* name) : ActivationFunction(functions().text(name)) {}
ActivationFunction::ActivationFunction(const std::string& name)
    : ActivationFunction(functions().get(name.empty() ? "linear" : name)) {}

// ---- of one's own

struct OwnActivation {
  std::string name;
  std::function<float(float)> f;
  std::function<float(float, float)> slope;
};

ActivationFunction ActivationFunction::own(std::string name, std::function<float(float)> f,
                                           std::function<float(float, float)> slope) {
  functions().check_own(name, f != nullptr);
  if (!slope) throw ValueError("the activation '" + name + "' has no slope");
  ActivationFunction function;
  function.own_ = std::make_shared<OwnActivation>(OwnActivation{std::move(name), std::move(f), std::move(slope)});
  return function;
}

void register_activation(const ActivationFunction& activation) {
  functions().add(activation.name(), activation.name(), activation);
}

// ---- what it computes

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
  kernels::activate({entry_->kind, ActivationParts::parameters(*this), rows, columns}, x, y);
}

void ActivationFunction::backward(std::int64_t rows, std::int64_t columns, const float* x, const float* y,
                                  const float* dy, float* dx) const {
  if (own_) {
    for (std::int64_t i = 0; i < rows * columns; ++i) dx[i] = dy[i] * own_->slope(x[i], y[i]);
    return;
  }
  // An input that is not read is not kept either: where it would stand may be the end of the memory.
  const kernels::ActivationCall call{entry_->kind, ActivationParts::parameters(*this), rows, columns};
  kernels::activate_backward(call, reads_input() ? x : nullptr, y, dy, dx);
}

bool ActivationFunction::reads_input() const {
  return own_ || kernels::backward_reads_input(entry_->kind, ActivationParts::parameters(*this));
}

// ---- config

Value to_value(const ActivationFunction& activation) {
  if (activation.own_) return activation.own_->name;
  const ActivationEntry& entry = *activation.entry_;
  if (entry.kind != Activation::threshold && activation == ActivationFunction(entry.name)) return entry.name;
  Config config;
  Archive archive = Archive::writer(config);
  kernels::ActivationParameters parameters = ActivationParts::parameters(activation);
  serialize(archive, entry, parameters);
  return functions().write(entry.name, std::move(config));
}

void from_value(const Value& value, ActivationFunction& activation) {
  activation = value.is_null() ? ActivationFunction() : functions().read(value);
}

}  // namespace xl
