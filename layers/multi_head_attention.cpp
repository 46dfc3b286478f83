#include "xlayers/layers/multi_head_attention.hpp"

#include <algorithm>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/number_text.hpp"
#include "xlayers/framework/graph/composite.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/graph/node.hpp"
#include "xlayers/framework/ops/mask.hpp"
#include "xlayers/framework/parts/attention.hpp"
#include "xlayers/framework/parts/projection.hpp"

namespace xl {

namespace {

// Keras writes output_shape as a list, and takes a number too.
struct OneAxis {
  std::optional<int> extent;
};
Value to_value(const OneAxis& axis) { return axis.extent ? Value(Value::List{Value(*axis.extent)}) : Value(); }
void from_value(const Value& value, OneAxis& axis) {
  if (value.is_list() && value.as_list().size() != 1)
    throw ValueError("expected a number or a list of one, got " + value.to_text());
  xl::from_value(value.is_list() ? value.as_list()[0] : value, axis.extent);
}

}  // namespace

static void serialize(Archive& archive, MultiHeadAttentionOptions& o) {
  OneAxis output_shape{o.output_shape};
  archive("num_heads", o.num_heads);
  archive("key_dim", o.key_dim);
  archive("value_dim", o.value_dim);
  archive("dropout", o.dropout);
  archive("use_bias", o.use_bias);
  archive("use_gate", o.use_gate);
  archive("output_shape", output_shape);
  archive("attention_axes", o.attention_axes);
  archive("sliding_window", o.sliding_window);
  archive("kernel_initializer", o.kernel_initializer);
  archive("bias_initializer", o.bias_initializer);
  archive("kernel_regularizer", o.kernel_regularizer);
  archive("bias_regularizer", o.bias_regularizer);
  archive("activity_regularizer", o.activity_regularizer);
  archive("kernel_constraint", o.kernel_constraint);
  archive("bias_constraint", o.bias_constraint);
  archive("seed", o.seed);
  o.output_shape = output_shape.extent;
}

namespace {

// The inputs of a call are query, value[, key[, attention_mask]], and behind them those that the call names.
class MultiHeadAttentionLayer final : public WithOptions<CompositeLayer, MultiHeadAttentionOptions> {
 public:
  explicit MultiHeadAttentionLayer(MultiHeadAttentionOptions o)
      : WithOptions(o),
        query_(projection_to("query", {o.num_heads, o.key_dim})),
        key_(projection_to("key", {o.num_heads, o.key_dim})),
        gate_(projection_to("gate", {o.num_heads, *o.value_dim}, "sigmoid")),
        value_(projection_to("value", {o.num_heads, *o.value_dim})),
        output_(projection_to("attention_output", {})) {}

  std::vector<std::string> input_arguments() const override { return {"query", "value", "", "key"}; }
  std::vector<std::string> named_inputs() const override {
    return {"query_mask", "value_mask", "key_mask", "attention_mask"};
  }
  std::string input_name(const TensorSpec&) const override { return "attention_mask"; }
  Masking masking() const override { return Masking::keeps; }                   // the query's
  const Regularizer* activity_regularizer() const override { return nullptr; }  // it is that of the projections

  std::vector<Layer> children() const override {
    if (CompositeLayer::children().empty()) return {};
    if (options.use_gate) return {query_, key_, gate_, value_, output_};
    return {query_, key_, value_, output_};
  }

  SymbolicTensors call(const SymbolicTensors& given, const CallContext& context) const override {
    const SymbolicTensors inputs = with_masks(given, context.arguments);
    check(inputs);
    AttentionCore core{
        .sliding_window = options.sliding_window, .dropout = options.dropout, .seed = options.seed, .name = name()};
    for (const auto& [argument, value] : context.arguments.entries()) {
      if (argument == "use_causal_mask")
        core.causal = value.as_bool();
      else if (argument == "return_attention_scores")
        core.scores = value.as_bool();
      else if (!named_input(context.arguments, argument))
        value_error("unknown argument '" + argument + "'; known are use_causal_mask, return_attention_scores");
    }

    const SymbolicTensor &query = inputs[0], &value = inputs[1], &key = inputs[inputs.size() > 2 ? 2 : 1];
    SymbolicTensors projected{project(query_, query), project(key_, key), project(value_, value)};
    if (inputs.size() == 4) {
      core.attention_mask = inputs[3].dtype();
      projected.push_back(inputs[3]);
    }
    SymbolicTensors attended = attention_core(core).call(projected);
    if (options.use_gate) attended[0] = attended[0] * project(gate_, query);
    const int features = options.output_shape.value_or(static_cast<int>(query.shape().back()));
    attended[0] = project(output_, attended[0], {{"units", features}});
    return attended;
  }

 private:
  Layer projection_to(const char* name, const Shape& units, ActivationFunction activation = {}) const {
    return projection({.contracted = units.empty() ? 2u : 1u,
                       .units = units,
                       .activation = activation,
                       .use_bias = options.use_bias,
                       .kernel_initializer = options.kernel_initializer,
                       .bias_initializer = options.bias_initializer,
                       .kernel_regularizer = options.kernel_regularizer,
                       .bias_regularizer = options.bias_regularizer,
                       .activity_regularizer = options.activity_regularizer,
                       .kernel_constraint = options.kernel_constraint,
                       .bias_constraint = options.bias_constraint,
                       .name = name});
  }

  // Query, value, key and attention mask alone: each of the first three with the mask that the call gives it instead of its own.
  SymbolicTensors with_masks(const SymbolicTensors& given, const Config& arguments) const {
    const auto named = [&](const char* name) -> std::optional<SymbolicTensor> {
      const std::optional<std::size_t> place = named_input(arguments, name);
      if (place && *place >= given.size()) value_error(std::string("its ") + name + " is not among the inputs");
      return place ? std::optional(given[*place]) : std::nullopt;
    };
    const std::vector<std::string> names = named_inputs();
    const auto count = std::count_if(names.begin(), names.end(),
                                     [&](const std::string& name) { return named(name.c_str()).has_value(); });
    SymbolicTensors inputs(given.begin(), given.end() - count);
    const auto give_mask = [&](std::size_t i, const char* name) {
      const std::optional<SymbolicTensor> mask = named(name);
      if (!mask) return;
      if (i >= inputs.size() || inputs[i].shape().rank() != 3 || mask->shape().rank() != 2)
        shape_error(std::string("a ") + name + " (batch, steps) for an input (batch, steps, features)", mask->shape());
      inputs[i] = with_mask(inputs[i], *mask);
    };
    give_mask(0, "query_mask");
    give_mask(1, "value_mask");
    if (inputs.size() == 2 && (named("key_mask") || named("attention_mask"))) inputs.push_back(inputs[1]);
    give_mask(2, "key_mask");
    if (const std::optional<SymbolicTensor> mask = named("attention_mask")) inputs.push_back(*mask);
    return inputs;
  }

  // What does not fit a projection is said in the name of this layer, the one that its user knows:
  // "[MultiHeadAttention 'mha'] query: ...".
  SymbolicTensor project(const Layer& projection, const SymbolicTensor& x, const Config& arguments = {}) const {
    const auto text = [&](const std::exception& error) {
      const std::string said = error.what(), label = projection.base().label();
      return this->label() + projection.name() + ": " + (said.starts_with(label) ? said.substr(label.size()) : said);
    };
    try {
      return projection.call({x}, arguments)[0];
    } catch (const ShapeError& error) {
      throw ShapeError(text(error));
    } catch (const ValueError& error) {
      throw ValueError(text(error));
    }
  }

  void check(const SymbolicTensors& inputs) const {
    if (inputs.size() < 2 || inputs.size() > 4)
      throw ShapeError(label() + "takes query, value and if need be key and attention_mask, got " +
                       std::to_string(inputs.size()) + (inputs.size() == 1 ? " input" : " inputs"));
    const char* const names[] = {"query", "value", "key"};
    for (std::size_t i = 0; i < inputs.size() && i < 3; ++i) {
      if (inputs[i].shape().rank() != 3 || inputs[i].shape().back() == None)
        shape_error(std::string("a ") + names[i] + " (batch, steps, features)", inputs[i].shape());
      if (inputs[i].dtype() != DType::float32)
        throw ShapeError(label() + "expected a float32 " + names[i] + ", got " + to_string(inputs[i].dtype()));
      const Shape steps{None, inputs[i].shape()[1]};
      if (const std::optional<Shape>& mask = inputs[i].spec().mask; mask && !mask->compatible(steps))
        shape_error("a mask " + to_string(steps), *mask);
    }
    const auto check_features = [&](const Layer& layer, const char* name, const SymbolicTensor& input) {
      if (!layer.built()) return;
      const Dim features = shape(layer.base().weights()[0]->value)[0];
      if (input.shape().back() != features)
        shape_error(std::string("a ") + name + " whose last axis is " + std::to_string(features), input.shape());
    };
    check_features(query_, "query", inputs[0]);
    check_features(value_, "value", inputs[1]);
    check_features(key_, "key", inputs[inputs.size() > 2 ? 2 : 1]);
  }

  Layer query_, key_, gate_, value_, output_;
};

MultiHeadAttentionOptions checked(MultiHeadAttentionOptions o) {
  const std::string label = error_label("MultiHeadAttention", o.name);
  const auto at_least_one = [&](const char* option, int value) {
    if (value < 1) throw ValueError(label + "expected a " + option + " of 1 or more, got " + std::to_string(value));
  };
  if (!o.value_dim) o.value_dim = o.key_dim;
  at_least_one("num_heads", o.num_heads);
  at_least_one("key_dim", o.key_dim);
  at_least_one("value_dim", *o.value_dim);
  if (o.output_shape) at_least_one("output_shape", *o.output_shape);
  if (o.sliding_window) at_least_one("sliding_window", *o.sliding_window);
  if (!(o.dropout >= 0 && o.dropout <= 1))
    throw ValueError(label + "expected a dropout from 0 to 1, got " + number_text(o.dropout));
  if (o.attention_axes && *o.attention_axes != std::vector{1} && *o.attention_axes != std::vector{-2})
    throw ValueError(label +
                     "expected attention_axes of null or [1], the steps of an input (batch, steps, features), got " +
                     xl::to_value(o.attention_axes).to_text());
  return o;
}

}  // namespace

static std::shared_ptr<LayerBase> implement(MultiHeadAttentionOptions options) {
  return make_layer<MultiHeadAttentionLayer>(checked(std::move(options)));
}
template class LayerOf<MultiHeadAttentionOptions, MultiHeadAttention>;

}  // namespace xl
