#include "xlayers/models/training/compiled_outputs.hpp"

#include <algorithm>
#include <cmath>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/number_text.hpp"

namespace xl {

namespace {

// One value for each output, or none where no name says one. `what` is named in errors.
template <class T>
std::vector<std::optional<T>> each(const Signature& model, const PerOutput<T>& given, const char* what) {
  const std::vector<std::string>& names = model.output_names;
  std::vector<std::optional<T>> result(names.size());
  const auto fail = [&](const std::string& text) {
    throw ValueError(model.label + "compile: " + what + " " + text + "; the outputs are " + joined(names));
  };
  if (!given.names().empty()) {
    for (std::size_t i = 0; i < given.names().size(); ++i) {
      const auto found = std::find(names.begin(), names.end(), given.names()[i]);
      if (found == names.end()) fail("for '" + given.names()[i] + "', which is no output");
      if (result[found - names.begin()]) fail("for '" + given.names()[i] + "' comes twice");
      result[found - names.begin()] = given.values()[i];
    }
  } else if (given.values().size() == 1) {
    for (std::optional<T>& one : result) one = given.values()[0];
  } else if (!given.empty()) {
    if (given.values().size() != names.size()) fail("for " + std::to_string(given.values().size()) + " outputs");
    for (std::size_t i = 0; i < names.size(); ++i) result[i] = given.values()[i];
  }
  return result;
}

// A list is of one output's metrics if the model has one output, and else of each output's.
std::vector<std::vector<Metric>> metrics_of(const Signature& model, const PerOutput<MetricList>& given,
                                            const char* what) {
  std::vector<std::vector<Metric>> result(model.output_names.size());
  if (result.size() == 1 && given.names().empty()) {
    for (const MetricList& list : given.values()) result[0].insert(result[0].end(), list.begin(), list.end());
    return result;
  }
  const std::vector<std::optional<MetricList>> lists = each(model, given, what);
  for (std::size_t i = 0; i < result.size(); ++i)
    if (lists[i]) result[i] = *lists[i];
  return result;
}

}  // namespace

CompiledOutputs::CompiledOutputs(const Signature& model, const CompileOptions& options) {
  const std::vector<std::string>& outputs = model.output_names;
  const auto losses = each(model, options.loss, "a loss");
  const auto weights = each(model, options.loss_weights, "a loss weight");
  const auto metrics = metrics_of(model, options.metrics, "metrics");
  const auto weighted = metrics_of(model, options.weighted_metrics, "weighted metrics");
  int count = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    outputs_.push_back({.loss = losses[i],
                        .loss_weight = weights[i].value_or(1.0),
                        .metrics = metrics[i],
                        .weighted_metrics = weighted[i],
                        .masked = model.outputs[i].mask.has_value()});
    metrics_ += metrics[i].size() + weighted[i].size();
    if (!std::isfinite(outputs_[i].loss_weight))
      throw ValueError(model.label + "compile: expected loss weights that are numbers, got " +
                       number_text(outputs_[i].loss_weight));
    count += losses[i].has_value();
  }
  names_losses_ = count > 1;

  auto names = std::make_shared<std::vector<std::string>>(1, "loss");
  // A name that is taken gets a number, as in Keras: mse, mse_1; or is first said to be of weights: weighted_mse.
  const auto taken = [&](const std::string& name) {
    return std::find(names->begin(), names->end(), name) != names->end();
  };
  const auto add = [&](const std::string& wanted) {
    std::string name = wanted;
    for (int number = 1; taken(name); ++number) name = wanted + "_" + std::to_string(number);
    names->push_back(name);
  };
  const auto of_output = [&](std::size_t i) { return outputs.size() > 1 ? outputs[i] + "_" : std::string(); };
  if (names_losses_)
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (outputs_[i].loss) add(outputs[i] + "_loss");
  for (std::size_t i = 0; i < outputs.size(); ++i)
    for (const Metric& metric : outputs_[i].metrics) add(of_output(i) + metric.name());
  for (std::size_t i = 0; i < outputs.size(); ++i)
    for (const Metric& metric : outputs_[i].weighted_metrics) {
      const std::string name = of_output(i) + metric.name();
      add(taken(name) ? of_output(i) + "weighted_" + metric.name() : name);
    }
  names_ = std::move(names);
}

}  // namespace xl
