#include "xlayers/models/training/samples.hpp"

#include <algorithm>
#include <cmath>

#include "xlayers/framework/base/errors.hpp"

namespace xl {

Inputs::Inputs(const Signature& model, const Data& x) {
  const auto add = [&](std::size_t i, const Array& array) {
    const TensorSpec& expected = model.inputs[i];
    const std::string which = model.inputs.size() == 1 ? "an input " : "the input '" + model.input_names[i] + "' ";
    if (array.shape().empty() || array.shape()[0] == 0)
      throw ValueError(model.label + "expected samples, got x of shape " + to_string(array.shape()));
    if (!expected.shape.compatible(array.shape()))
      throw ShapeError(model.label + "expected " + which + to_string(expected.shape) + ", got " +
                       to_string(array.shape()));
    if (i > 0 && array.shape()[0] != count)
      throw ShapeError(model.label + "expected inputs of equal batch sizes, got " + to_string(arrays[0].shape()) +
                       " and " + to_string(array.shape()));
    count = array.shape()[0];
    try {
      arrays.push_back(array.as(expected.dtype));
    } catch (const ValueError& error) {
      throw ValueError(model.label + "the input '" + model.input_names[i] + "': " + error.what());
    }
    shapes.push_back(array.shape().sample());
  };
  if (x.size() == 1 && x.names().empty() && model.inputs.size() == 1) {
    add(0, x[0]);
    return;
  }
  const std::vector<Array> ordered = model.inputs_of(x);
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    if (ordered[i].empty())
      throw ValueError(model.label + "no data was given for the input '" + model.input_names[i] + "'");
    add(i, ordered[i]);
  }
}

Few<const float*> Inputs::from(std::int64_t first) const {
  Few<const float*> data;
  for (std::size_t i = 0; i < arrays.size(); ++i) data.push_back(arrays[i].data() + first * shapes[i].elements());
  return data;
}

namespace {

// Checks one target, and says how its rows lie. The target has the output's shape, but for the features that the loss
// asks for; a last axis of extent 1 may be missing in either.
Target check_target(const Signature& model, std::size_t i, const Shape& output, const CompiledOutput& compiled,
                    const Array& y, const Shape& x) {
  const std::string of = model.outputs.size() == 1 ? "" : " of '" + model.output_names[i] + "'";
  Target target;
  target.features = output.empty() ? 1 : output.back();
  target.rows = target.features == 0 ? 0 : output.elements() / target.features;
  const auto squeezed = [](Shape s) { return !s.empty() && s.back() == 1 ? Shape(s.begin(), s.end() - 1) : s; };
  Shape expected = output;
  target.row_features = compiled.loss->target_features(target.features);
  if (!expected.empty()) expected.back() = target.row_features;
  const Shape given = y.shape().sample();
  if (y.shape()[0] != x[0])
    throw ShapeError(model.label + "expected as many targets" + of + " as samples, got x " + to_string(x) + " and y " +
                     to_string(y.shape()));
  if (given != expected && squeezed(given) != expected && given != squeezed(expected))
    throw ShapeError(model.label + "expected targets" + of + " of " + (expected == output ? "the output's " : "") +
                     "shape " + to_string(expected.with_batch(None)) + ", got y " + to_string(y.shape()));
  target.array = y.as(DType::float32);
  try {
    compiled.loss->check_targets(target.array.data(), x[0] * target.rows, target.features);
  } catch (const ValueError& error) {
    throw ValueError(model.label + "the targets" + of + ": " + error.what());
  }
  return target;
}

void check_weight(const Signature& model, Target& target, const Array& weight, std::int64_t count) {
  const Shape& shape = weight.shape();
  const std::int64_t per_sample = shape.empty() || shape[0] == 0 ? 0 : shape.elements() / shape[0];
  if (shape.empty() || shape[0] != count || shape.rank() > 2 || (per_sample != 1 && per_sample != target.rows))
    throw ShapeError(
        model.label + "expected sample_weight of shape (" + std::to_string(count) + ",)" +
        (target.rows > 1 ? " or (" + std::to_string(count) + ", " + std::to_string(target.rows) + ")" : "") + ", got " +
        to_string(shape));
  target.weight = weight.as(DType::float32);
  target.weights = per_sample;
}

// The weight of each sample's class: its label, or the place of the largest number.
Array class_weights(const Signature& model, const Target& target, const std::map<int, float>& weights,
                    std::int64_t count) {
  if (target.rows != 1)
    throw ValueError(model.label + "class_weight needs targets of one class a sample, got y " +
                     to_string(target.array.shape()));
  for (const auto& [label, weight] : weights)
    if (!std::isfinite(weight))
      throw ValueError(model.label + "class_weight of class " + std::to_string(label) + " is not a number");
  Tensor result = empty({count});
  for (std::int64_t i = 0; i < count; ++i) {
    const float* row = target.data(i);
    const auto label = target.row_features == 1 ? static_cast<std::int64_t>(std::llround(row[0]))
                                                : std::max_element(row, row + target.row_features) - row;
    const auto found = weights.find(static_cast<int>(label));
    result(i) = found == weights.end() ? 1.0f : found->second;
  }
  return result;
}

}  // namespace

Samples::Samples(const Signature& model, const Executor& executor, const CompiledOutputs& outputs, const Data& x,
                 const Data& y, const Data& weight, const std::map<int, float>& class_weight)
    : inputs(model, x), count(inputs.count) {
  const std::shared_ptr<PreparedPlan> prepared = executor.prepare(inputs.shapes, {}, 0);
  const Plan& plan = plan_of(prepared);
  const bool simple = outputs.size() == 1 && y.size() == 1 && y.names().empty();
  const std::vector<Array> ordered = simple ? std::vector<Array>() : model.outputs_of(y);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].loss) {
      targets.emplace_back();
      continue;
    }
    const TensorSpec& spec = plan.slots()[executor.program().outputs[i]].spec;
    if (!spec.batched)
      throw ShapeError(model.label + "expected an output for each sample to train or evaluate, got one for all: " +
                       to_string(spec.shape));
    const Array& target = simple ? y[0] : ordered[i];
    if (target.empty() || target.shape().empty())
      throw ShapeError(model.label + "expected as many targets as samples, got " +
                       (!simple && target.empty()
                            ? "none for the output '" + model.output_names[i] + "'"
                            : "x " + to_string(inputs.arrays[0].shape()) + " and y " + to_string(target.shape())));
    if (spec.dtype != DType::float32)
      throw ShapeError(model.label + "expected an output of float32 to train or evaluate, got one of int32: " +
                       to_string(spec.shape));
    targets.push_back(check_target(model, i, plan.output(i), outputs[i], target, inputs.arrays[0].shape()));
  }

  if (!weight.empty()) {
    const bool one_for_all = weight.size() == 1 && weight.names().empty();
    const std::vector<Array> weights = one_for_all ? std::vector<Array>() : model.outputs_of(weight);
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const Array& own = one_for_all ? weight[0] : weights[i];
      if (!targets[i].array.empty() && !own.empty() && !own.shape().empty())
        check_weight(model, targets[i], own, count);
    }
  }
  if (!class_weight.empty()) {
    if (outputs.size() != 1) throw ValueError(model.label + "class_weight is for a model of one output");
    if (!weight.empty()) throw ValueError(model.label + "takes class_weight or sample_weight, not both");
    targets[0].weight = class_weights(model, targets[0], class_weight, count);
  }
}

Samples Samples::part(std::int64_t begin, std::int64_t size) const {
  Samples result = *this;
  result.first = first + begin;
  result.count = size;
  return result;
}

Few<const float*> Batch::inputs() const { return samples.inputs.from(order == nullptr ? samples.first + first : 0); }

Run Batch::run(std::span<const float* const> inputs) const {
  Run run;
  run.batch = count;
  run.inputs = inputs;
  run.order = order == nullptr ? nullptr : order + first;
  return run;
}

}  // namespace xl
