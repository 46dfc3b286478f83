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
  return tensor_value(tensor.shape(), to_string(tensor.dtype()), std::move(history));
}

Value tensor_value(const Shape& shape, std::string dtype, Value history) {
  Value::List extents;
  for (const Dim dim : shape) extents.push_back(dim == None ? Value() : Value(dim));
  return Config{
      {"class_name", "__keras_tensor__"},
      {"config",
       Config{{"shape", std::move(extents)}, {"dtype", std::move(dtype)}, {"keras_history", std::move(history)}}}};
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
      throw ValueError(which + "on " + value.to_text().substr(0, 100) + ", which is no tensor");
    else if (!value.is_null())
      result.arguments.set(names[i], value);
  };
  const auto made_as_mask = [&](const Value* one) { return is_tensor(*one) && is_mask(source_of(*one).layer); };
  // The masks that travel with the tensors given for the argument `mask`, or for `query` as `query_mask`.
  const auto travel = [&](const std::string& name, const Value& value) {
    const std::string of = name.ends_with("_mask") ? name.substr(0, name.size() - 5) : "";
    if (name != "mask" && std::find(names.begin(), names.end(), of) == names.end()) return false;
    const std::vector<const Value*> all = flatten(value, is_argument);
    return std::all_of(all.begin(), all.end(), [&](const Value* one) { return one->is_null() || made_as_mask(one); });
  };
  const std::vector<std::string> by_name = layer.named_inputs();
  std::vector<std::pair<std::string, TensorSource>> named;

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
    } else if (travel(name, value)) {
      result.masked = true;
    } else if (made_as_mask(&value)) {
      throw ValueError(which + "with the " + name + " that the operation '" + source_of(value).layer +
                       "' makes; operations on masks are not supported");
    } else if (std::find(by_name.begin(), by_name.end(), name) != by_name.end()) {
      if (!is_tensor(value))
        throw ValueError(which + "with " + name + " = " + value.to_text().substr(0, 100) + ", which is no tensor");
      named.emplace_back(name, source_of(value));
    } else if (known) {
      give(input, value);
    } else if (is_tensor(value)) {
      if (name == "mask") throw ValueError(which + "with a mask of its own; here masks travel with tensors");
      if (!names.empty()) throw ValueError(which + "with the tensor '" + name + "', which it does not take");
      give(result.inputs.size(), value);
    } else {
      result.arguments.set(name, value);
    }
  }
  for (std::size_t i = 0; i < result.inputs.size(); ++i)
    if (!result.inputs[i] && i < names.size() && !result.arguments.contains(names[i]))
      throw ValueError(which + "without '" + names[i] + "'");
  const auto given = [](const std::optional<TensorSource>& input) { return input.has_value(); };
  auto count = static_cast<std::size_t>(std::count_if(result.inputs.begin(), result.inputs.end(), given));
  if (count == 0) throw ValueError(which + "on no tensor");
  for (auto& [name, source] : named) {
    result.arguments.set(name, named_input(count++));
    result.inputs.emplace_back(std::move(source));
  }
  return result;
}

std::vector<std::string> keywords(const Node& call) {
  const auto [names, positional] = input_names(*call.layer);
  std::vector<std::string> keywords(call.inputs.size());
  for (const std::string& name : call.layer->named_inputs())
    if (const std::optional<std::size_t> input = named_input(call.context.arguments, name)) keywords.at(*input) = name;
  std::size_t next = 0;  // name
  for (std::size_t i = 0; i < keywords.size(); ++i) {
    if (!keywords[i].empty()) continue;
    while (next < names.size() && call.context.arguments.contains(names[next])) ++next;  // a number
    if (next >= names.size())
      keywords[i] = call.layer->input_name(call.inputs[i].spec());
    else if (next >= positional)
      keywords[i] = names[next];
    ++next;
  }
  return keywords;
}

Config write_arguments(const Node& call, const std::function<Value(const SymbolicTensor&)>& write, Value mask) {
  const auto [names, positional] = input_names(*call.layer);
  const std::vector<std::string> keywords = xl::keywords(call);
  Value::List args;
  Config kwargs, arguments = call.context.arguments;
  const auto add_numbers = [&, positional = positional, &names = names] {
    while (args.size() < positional && arguments.contains(names[args.size()])) {
      const std::string& name = names[args.size()];
      args.push_back(arguments.at(name));
      arguments.erase(name);
    }
  };
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    Value tensor = write(call.inputs[i]);
    arguments.erase(keywords[i]);
    add_numbers();
    if (keywords[i].empty())
      args.push_back(std::move(tensor));
    else
      kwargs.set(keywords[i], std::move(tensor));
  }
  add_numbers();
  for (const auto& [name, value] : arguments.entries()) kwargs.set(name, value);
  if (!mask.is_null()) kwargs.set("mask", std::move(mask));
  if (const auto* model = dynamic_cast<const ModelBase*>(call.layer.get()))
    args = {filled(model->input_nest(), std::move(args))};
  else if (names.empty() && args.size() > 1)
    args = {Value(std::move(args))};
  return {{"args", std::move(args)}, {"kwargs", std::move(kwargs)}};
}

}  // namespace xl
