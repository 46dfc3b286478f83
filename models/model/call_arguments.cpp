#include "xlayers/models/model/call_arguments.hpp"

#include <algorithm>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/call.hpp"
#include "xlayers/framework/graph/names.hpp"
#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/framework/graph/with_options.hpp"
#include "xlayers/models/model/model_base.hpp"

namespace xl {

namespace {

// The arguments of the layer's call in Keras that are tensors, and how many of them are given by position.
struct InputNames {
  std::vector<std::string> names;
  std::size_t positional = 0;
};
InputNames input_names(const LayerBase& layer) {
  InputNames result{layer.input_arguments(), 0};
  const auto end = std::find(result.names.begin(), result.names.end(), "");
  result.positional = static_cast<std::size_t>(end - result.names.begin());
  if (end != result.names.end()) result.names.erase(end);
  return result;
}

const Config& config_of(const Value& tensor) { return tensor.as_config().at("config").as_config(); }

// What is not looked into for tensors: a tensor, any other object of Keras, and what is neither a list nor an object.
bool is_argument(const Value& value) {
  return !value.is_list() && !(value.is_config() && !value.as_config().contains("class_name"));
}

bool is_nothing(const Value& value) {
  const std::vector<const Value*> all = flatten(value, is_argument);
  return !all.empty() && std::all_of(all.begin(), all.end(), [](const Value* one) { return one->is_null(); });
}

}  // namespace

TensorSource TensorSource::from(const Value& value) {
  const Value::List& list = value.as_list();
  if (list.size() != 3) throw ValueError("expected [layer, call, output], got " + value.to_text());
  return {list[0].as_string(), list[1].as_int(), list[2].as_int()};
}

bool TensorSource::is(const Value& value) {
  return value.is_list() && !value.as_list().empty() && value.as_list()[0].is_string();
}

bool is_tensor(const Value& value) {
  const Value* class_name = value.is_config() ? value.as_config().find("class_name") : nullptr;
  return class_name != nullptr && *class_name == Value("__keras_tensor__");
}

TensorSource source_of(const Value& tensor) { return TensorSource::from(config_of(tensor).at("keras_history")); }

bool is_of_bool(const Value& tensor) { return config_of(tensor).at("dtype") == Value("bool"); }

Value tensor_value(const SymbolicTensor& tensor, Value history) {
  Value::List shape;
  for (const Dim dim : tensor.shape()) shape.push_back(dim == None ? Value() : Value(dim));
  return Config{{"class_name", "__keras_tensor__"},
                {"config", Config{{"shape", std::move(shape)},
                                  {"dtype", to_string(tensor.dtype())},
                                  {"keras_history", std::move(history)}}}};
}

CallArguments read_arguments(const std::string& owner, const LayerBase& layer, const Config& call,
                             const std::function<bool(const std::string& layer)>& is_mask) {
  CallArguments result;
  const std::vector<std::string> names = input_names(layer).names;
  const std::string which = owner + "calls '" + layer.name() + "' ";
  // What is given for input i, by position or by name: a tensor, or a number in its place.
  const auto give = [&](std::size_t i, const Value& value) {
    if (result.inputs.size() <= i) result.inputs.resize(i + 1);
    if (is_tensor(value))
      result.inputs[i] = source_of(value);
    else if (i >= names.size() || value.is_config())
      throw ValueError(which + "on " + value.to_text() + ", which is no tensor");
    else if (!value.is_null())
      result.arguments.set(names[i], value);
  };
  const auto masks = [&](const Value& value) {
    const std::vector<const Value*> all = flatten(value, is_argument);
    return std::all_of(all.begin(), all.end(), [&](const Value* one) {
      return one->is_null() || (is_tensor(*one) && is_mask(source_of(*one).layer));
    });
  };

  const Value& args = call.at("args");
  args.as_list();  // throws if it is none
  std::size_t position = 0;
  for (const Value* arg : flatten(args, is_argument)) give(position++, *arg);
  for (const auto& [name, value] : call.at("kwargs").as_config().entries()) {
    const auto input = static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
    const bool known = input < names.size();
    if (is_nothing(value)) continue;
    if (name == "training") {
      // false stands there of itself for a layer whose call has it as its default
      if (value == Value(true)) throw ValueError(which + "with training = true in every run");
      if (value != Value(false)) throw ValueError(which + "with training = " + value.to_text() + ", which is no bool");
    } else if (name.ends_with("mask") && masks(value)) {
      result.masked = true;
    } else if (name == "mask" && is_tensor(value) && !known) {
      throw ValueError(which + "with a mask of its own; here masks travel with tensors");
    } else if (is_tensor(value) || known) {
      give(known ? input : result.inputs.size(), value);
    } else {
      result.arguments.set(name, value);
    }
  }
  // An input that is not given is the one before it.
  for (std::size_t i = 1; i < result.inputs.size(); ++i) {
    const bool is_number = i < names.size() && result.arguments.contains(names[i]);
    if (!result.inputs[i] && !is_number) result.inputs[i] = result.inputs[i - 1];
  }
  const auto given = [](const std::optional<TensorSource>& input) { return input.has_value(); };
  if (std::none_of(result.inputs.begin(), result.inputs.end(), given)) throw ValueError(which + "on no tensor");
  return result;
}

Config write_arguments(const Node& call, const std::function<Value(const SymbolicTensor&)>& write) {
  const auto [names, positional] = input_names(*call.layer);
  Value::List args;
  Config kwargs, arguments = call.context.arguments;
  std::size_t next = 0;  // input
  for (std::size_t i = 0; i < names.size() && (next < call.inputs.size() || arguments.contains(names[i])); ++i) {
    const Value* number = arguments.find(names[i]);
    if (number == nullptr && !is_named(call, next++)) continue;
    Value value = number != nullptr ? *number : write(call.inputs[next - 1]);
    arguments.erase(names[i]);
    if (i < positional)
      args.push_back(std::move(value));
    else
      kwargs.set(names[i], std::move(value));
  }
  for (const auto& [name, value] : arguments.entries()) kwargs.set(name, value);
  for (; next < call.inputs.size(); ++next) args.push_back(write(call.inputs[next]));
  if (const auto* model = dynamic_cast<const ModelBase*>(call.layer.get()))
    args = {filled(model->input_nest(), std::move(args))};
  else if (names.empty() && args.size() > 1)
    args = {Value(std::move(args))};
  return {{"args", std::move(args)}, {"kwargs", std::move(kwargs)}};
}

bool is_named(const Node& call, std::size_t input) {
  return input < 2 || input + 1 == call.inputs.size() || call.inputs[input] != call.inputs[input - 1] ||
         call.layer->input_arguments().empty();
}

}  // namespace xl
