#include "xlayers/models/callbacks/monitor_callback.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/number_text.hpp"
#include "xlayers/framework/config/config.hpp"
#include "xlayers/models/model/model_base.hpp"
#include "xlayers/models/training/compiled_outputs.hpp"

namespace xl {
namespace {

/// The metrics in the order of their names.
std::vector<const Metric*> metrics_of(const CompiledOutputs& outputs) {
  std::vector<const Metric*> metrics;
  for (const auto list : {&CompiledOutput::metrics, &CompiledOutput::weighted_metrics})
    for (std::size_t i = 0; i < outputs.size(); ++i)
      for (const Metric& metric : outputs[i].*list) metrics.push_back(&metric);
  return metrics;
}

}  // namespace

MonitorCallback::MonitorCallback(const char* class_name, std::string monitor, std::string mode, double min_delta)
    : class_name_(class_name), monitor_(std::move(monitor)), mode_(std::move(mode)), min_delta_(std::abs(min_delta)) {
  check("monitor", monitor_, !monitor_.empty(), "the name of a value of the logs, such as \"val_loss\"");
  check("mode", mode_, mode_ == "auto" || mode_ == "min" || mode_ == "max", "\"auto\", \"min\" or \"max\"");
  check("min_delta", min_delta, std::isfinite(min_delta), "a number");
}

void MonitorCallback::on_train_begin(Logs&) {
  higher_is_better_ = higher_is_better();
  best_.reset();
  wait_ = 0;
  warned_ = false;
}

Callback::State MonitorCallback::state() const {
  // As a text, since a NaN is no number of a config.
  return {class_name_, {{"best", best_ ? Value(number_text(*best_)) : Value()}, {"wait", wait_}, {"warned", warned_}}};
}

void MonitorCallback::restore(const State& state) {
  const Value& best = state.config.at("best");
  const int wait = static_cast<int>(state.config.at("wait").as_int());
  warned_ = state.config.at("warned").as_bool();
  best_ = best.is_null() ? std::nullopt : std::optional(number_of(best.as_string()));
  wait_ = wait;
}

bool MonitorCallback::higher_is_better() const {
  if (mode_ != "auto") return mode_ == "max";
  const std::string name = monitor_.starts_with("val_") ? monitor_.substr(4) : monitor_;
  if (name == "loss") return false;
  auto& base = static_cast<ModelBase&>(model().base());
  base.require_compiled();
  const CompiledOutputs outputs(*base.signature(), *base.compiled());
  const auto& names = *outputs.names();
  const auto found = std::find(names.begin(), names.end(), name);
  const std::vector<const Metric*> metrics = metrics_of(outputs);
  // The names are those of the losses, then of the metrics.
  const auto losses = static_cast<std::ptrdiff_t>(names.size() - metrics.size());
  const std::ptrdiff_t place = found - names.begin();
  if (place < losses) return false;
  if (found != names.end())
    if (const std::optional<bool> higher = metrics[place - losses]->higher_is_better()) return *higher;
  throw ValueError(std::string("[") + class_name_ + "] cannot tell whether '" + monitor_ +
                   "' is better when it is higher or when it is lower: expected mode \"max\" or \"min\", or one of " +
                   joined(names) + ", with or without val_");
}

std::optional<double> MonitorCallback::monitored(const Logs& logs, const char* what) {
  const auto found = logs.find(monitor_);
  if (found != logs.end()) return found->second;
  if (!warned_) {
    std::string known;
    for (const auto& [name, value] : logs) known += (known.empty() ? "" : ",") + name;
    std::cerr << "Warning: " << what << " on metric `" << monitor_
              << "` which is not available. Available metrics are: " << known << std::endl;
    warned_ = true;
  }
  return {};
}

bool MonitorCallback::improves(double value, std::optional<double> reference) const {
  if (!reference) return true;
  const auto bound = static_cast<float>(*reference);
  return higher_is_better_ ? static_cast<float>(value - min_delta_) > bound
                           : static_cast<float>(value + min_delta_) < bound;
}

void MonitorCallback::check(const char* option, const Value& value, bool valid, const char* expected) const {
  if (!valid)
    throw ValueError(std::string("[") + class_name_ + "] " + option + " is " + value.to_text() + ", expected " +
                     expected);
}

}  // namespace xl
