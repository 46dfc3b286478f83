#include "xlayers/framework/options/activation_table.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "xlayers/framework/config/options.hpp"

namespace xl {
namespace {

using kernels::Activation;
using P = kernels::ActivationParameters;
using Rule = ActivationParameter::Rule;

constexpr float none = std::numeric_limits<float>::infinity();

constexpr Rule any{[](float x) { return std::isfinite(x); }, "a finite number"};
constexpr Rule not_negative{[](float x) { return std::isfinite(x) && x >= 0; }, "a finite number of 0 or more"};
constexpr Rule positive{[](float x) { return std::isfinite(x) && x > 0; }, "a finite number above 0"};
constexpr Rule limit{[](float x) { return x >= 0; }, "a number of 0 or more, or none", true};

constexpr ActivationEntry table[] = {
    {"celu", Activation::celu, {{"alpha", &P::alpha, &positive}}},
    {"elu", Activation::elu, {{"alpha", &P::alpha, &not_negative}}},
    {"exponential", Activation::exponential},
    {"gelu", Activation::gelu, {{"approximate", nullptr, &any}}},
    {"glu", Activation::glu},
    {"hard_shrink", Activation::hard_shrink, {{"threshold", &P::threshold, &not_negative}}},
    {"hard_sigmoid", Activation::hard_sigmoid},
    {"hard_silu", Activation::hard_silu},
    {"hard_tanh", Activation::hard_tanh},
    {"leaky_relu", Activation::leaky_relu, {{"negative_slope", &P::negative_slope, &not_negative}}},
    {"linear", Activation::linear},
    {"log_sigmoid", Activation::log_sigmoid},
    {"log_softmax", Activation::log_softmax},
    {"mish", Activation::mish},
    {"relu",
     Activation::relu,
     {{"negative_slope", &P::negative_slope, &not_negative},
      {"max_value", &P::max_value, &limit},
      {"threshold", &P::threshold, &not_negative}}},
    {"relu6", Activation::relu6},
    {"selu", Activation::selu},
    {"sigmoid", Activation::sigmoid},
    {"silu", Activation::silu},
    {"soft_shrink", Activation::soft_shrink, {{"threshold", &P::threshold, &not_negative}}},
    {"softmax", Activation::softmax},
    {"softplus", Activation::softplus},
    {"softsign", Activation::softsign},
    {"sparse_plus", Activation::sparse_plus},
    {"sparse_sigmoid", Activation::sparse_sigmoid},
    {"sparsemax", Activation::sparsemax},
    {"squareplus", Activation::squareplus, {{"b", &P::b, &not_negative}}},
    {"tanh", Activation::tanh},
    {"tanh_shrink", Activation::tanh_shrink},
    {"threshold",
     Activation::threshold,
     {{"threshold", &P::threshold, &any}, {"default_value", &P::default_value, &any}}},
};

void check(const char* function, const char* parameter, float value, bool good, const Rule& rule) {
  detail::check_option(error_label(function, ""), parameter, value, good, rule.expected);
}

ActivationFunction made(Activation kind, const P& parameters) {
  return ActivationParts::make(activation_entry(kind), parameters);
}

}  // namespace

std::span<const ActivationEntry> activation_table() { return table; }

const ActivationEntry& activation_entry(Activation kind) {
  return *std::find_if(std::begin(table), std::end(table),
                       [&](const ActivationEntry& entry) { return entry.kind == kind; });
}

ActivationFunction ActivationParts::make(const ActivationEntry& entry, const P& parameters) {
  ActivationFunction function;
  function.entry_ = &entry;
  for (std::size_t i = 0; i < 3 && entry.parameters[i].name != nullptr; ++i) {
    const auto& [name, member, rule] = entry.parameters[i];
    const float value = member == nullptr ? static_cast<float>(parameters.approximate) : parameters.*member;
    check(entry.name, name, value, rule->good(value), *rule);
    function.parameters_[i] = value;
  }
  return function;
}

P ActivationParts::parameters(const ActivationFunction& function) {
  P result = kernels::default_parameters(function.entry_->kind);
  for (std::size_t i = 0; i < 3 && function.entry_->parameters[i].name != nullptr; ++i) {
    const ActivationParameter& parameter = function.entry_->parameters[i];
    if (parameter.member == nullptr) {
      result.approximate = function.parameters_[i] != 0;
    } else {
      result.*parameter.member = function.parameters_[i];
    }
  }
  return result;
}

void serialize(Archive& archive, const ActivationEntry& entry, P& parameters) {
  for (const auto& [name, member, rule] : entry.parameters) {
    if (name == nullptr) break;
    if (member == nullptr) {
      archive(name, parameters.approximate);
    } else if (rule->or_none) {
      float& value = parameters.*member;
      std::optional<float> given;
      if (std::isfinite(value)) given = value;
      archive(name, given);
      value = given.value_or(none);
    } else {
      archive(name, parameters.*member);
    }
  }
}

namespace activations {

ActivationFunction relu(ReluOptions options) {
  P p = kernels::default_parameters(Activation::relu);
  p.negative_slope = options.negative_slope;
  if (options.max_value) {
    check("relu", "max_value", *options.max_value, std::isfinite(*options.max_value), limit);
    p.max_value = *options.max_value;
  }
  p.threshold = options.threshold;
  return made(Activation::relu, p);
}

namespace {

ActivationFunction with(Activation kind, float P::*member, float value) {
  P p = kernels::default_parameters(kind);
  p.*member = value;
  return made(kind, p);
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
  return made(Activation::gelu, p);
}

ActivationFunction threshold(float threshold, float default_value) {
  P p = kernels::default_parameters(Activation::threshold);
  p.threshold = threshold;
  p.default_value = default_value;
  return made(Activation::threshold, p);
}

}  // namespace activations

}  // namespace xl
