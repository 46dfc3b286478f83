// A functional model as Keras writes it: its layers, each with its calls ("inbound_nodes"), whose arguments name the tensors
// that they are made on by layer, number of the call, and number of the output.

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "xlayers/framework/errors.hpp"
#include "xlayers/models/detail/functional.hpp"

namespace xl {

namespace {

Value dims(const Shape& shape) {
  Value::List list;
  for (Dim dim : shape) list.push_back(dim == None ? Value() : Value(dim));
  return list;
}

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

// ---- writing

class Writer {
 public:
  explicit Writer(const FunctionalBase& model) : model_(model) {}

  Config config() const {
    Value::List layers;
    for (const Layer& layer : model_.layers()) {
      Config object = layer_to_config(layer);
      object.set("name", layer.name());
      Value::List calls;
      for (const Node* call : model_.calls_of(layer.base()))
        if (!call->layer->is_input()) calls.emplace_back(this->call(*call));
      object.set("inbound_nodes", std::move(calls));
      layers.emplace_back(std::move(object));
    }
    const Graph graph = model_.own_graph();
    return {{"name", model_.name()},
            {"trainable", model_.trainable()},
            {"layers", std::move(layers)},
            {"input_layers", ends(graph.inputs)},
            {"output_layers", ends(graph.outputs)}};
  }

 private:
  // [layer, call, output]
  Value history(const SymbolicTensor& tensor) const {
    const std::vector<const Node*> calls = model_.calls_of(*tensor.node().layer);
    const auto call = std::find(calls.begin(), calls.end(), &tensor.node()) - calls.begin();
    return Value::List{tensor.node().layer->name(), call, tensor.index()};
  }

  Value tensor(const SymbolicTensor& tensor) const {
    return Config{{"class_name", "__keras_tensor__"},
                  {"config", Config{{"shape", dims(tensor.shape())},
                                    {"dtype", to_string(tensor.dtype())},
                                    {"keras_history", history(tensor)}}}};
  }

  Config call(const Node& node) const {
    Value::List args;
    Config kwargs, arguments = node.context.arguments;
    const auto [names, positional] = input_names(*node.layer);
    std::size_t next = 0;  // input
    for (std::size_t i = 0; i < names.size() && (next < node.called_on || arguments.contains(names[i])); ++i) {
      const Value* number = arguments.find(names[i]);
      if (number == nullptr && !is_named(node, next++)) continue;
      Value value = number != nullptr ? *number : tensor(node.inputs[next - 1]);
      arguments.erase(names[i]);
      if (i < positional)
        args.push_back(std::move(value));
      else
        kwargs.set(names[i], std::move(value));
    }
    for (const auto& [name, value] : arguments.entries()) kwargs.set(name, value);
    for (; next < node.called_on; ++next) args.push_back(tensor(node.inputs[next]));
    if (names.empty() && args.size() > 1) args = {Value(std::move(args))};
    return {{"args", std::move(args)}, {"kwargs", std::move(kwargs)}};
  }

  // One input or output by itself, several in a list.
  Value ends(const SymbolicTensors& tensors) const {
    Value::List list;
    for (const SymbolicTensor& tensor : tensors)
      if (list.size() < count(tensors)) list.push_back(history(tensor));
    return list.size() == 1 ? list[0] : Value(std::move(list));
  }
  std::size_t count(const SymbolicTensors& tensors) const { return without_masks(specs(tensors)); }

  const FunctionalBase& model_;
};

// ---- reading

// A tensor by where it comes from.
struct History {
  std::string layer;
  std::int64_t call = 0, output = 0;
};

History history(const Value& value) {
  const Value::List& list = value.as_list();
  if (list.size() != 3) throw ValueError("expected [layer, call, output], got " + value.to_text());
  return {list[0].as_string(), list[1].as_int(), list[2].as_int()};
}

bool is_tensor(const Value& value) {
  return value.is_config() && value.as_config().contains("class_name") &&
         value.as_config().at("class_name") == Value("__keras_tensor__");
}

bool is_layer(const Config& object) {
  const Value* module = object.find("module");
  return module == nullptr || !module->is_string() || !module->as_string().starts_with("keras.src.ops.");
}

// The operations that make tensors of bool. Keras writes down how it computes the masks that travel with tensors; here they
// travel by themselves.
void find_masks(const Value& value, std::set<std::string>& makers) {
  if (is_tensor(value)) {
    const Config& tensor = value.as_config().at("config").as_config();
    if (tensor.at("dtype") == Value("bool")) makers.insert(history(tensor.at("keras_history")).layer);
  } else if (value.is_list()) {
    for (const Value& one : value.as_list()) find_masks(one, makers);
  } else if (value.is_config()) {
    for (const auto& [key, one] : value.as_config().entries()) find_masks(one, makers);
  }
}

class Reader {
 public:
  explicit Reader(const Config& config) : owner_("[Functional '" + config.at("name").as_string() + "'] ") {
    for (const Value& value : config.at("layers").as_list())
      if (const Value* calls = value.as_config().find("inbound_nodes")) find_masks(*calls, masks_);
    for (const Value& value : config.at("layers").as_list()) {
      const Config& object = value.as_config();
      if (!is_layer(object) && masks_.contains(object.at("config").as_config().at("name").as_string())) continue;
      const Layer layer = layer_from_config(object);
      const auto [place, is_new] = layers_.emplace(layer.name(), layer);
      if (!is_new) fail("has two layers of the name '" + layer.name() + "'");
      if (layer.base().is_input()) {
        made_[layer.name()].push_back(call_layer(layer.shared_base(), {}));
        continue;
      }
      made_[layer.name()];
      for (const Value& call : object.at("inbound_nodes").as_list()) waiting_.push_back({layer, call.as_config()});
    }
    make_calls();
    inputs = ends(config.at("input_layers"));
    outputs = ends(config.at("output_layers"));
  }

  SymbolicTensors inputs, outputs;

 private:
  struct Call {
    Layer layer;
    Config config;
  };

  [[noreturn]] void fail(const std::string& text) const { throw ValueError(owner_ + text); }

  // Each call once what it is made on is there, those of one layer in their order.
  void make_calls() {
    while (!waiting_.empty()) {
      std::vector<Call> still;
      for (const Call& call : waiting_) {
        const bool waits =
            std::any_of(still.begin(), still.end(), [&](const Call& c) { return c.layer == call.layer; });
        if (waits || !make(call)) still.push_back(call);
      }
      if (still.size() == waiting_.size()) stuck();
      waiting_ = std::move(still);
    }
  }

  [[noreturn]] void stuck() const {
    std::string names;
    for (const Call& call : waiting_) names += (names.empty() ? "'" : ", '") + call.layer.name() + "'";
    fail("its layers " + names + " are called on one another in a cycle, or on a call that is not there");
  }

  // False if something that the call is made on is not there yet.
  bool make(const Call& call) {
    const std::vector<std::string> names = input_names(call.layer.base()).names;
    std::vector<std::optional<SymbolicTensor>> inputs;
    Config arguments;
    // What is given for input i, by position or by name: a tensor, a number in its place, or nothing.
    const auto give = [&](std::size_t i, const Value& value) {
      if (inputs.size() <= i) inputs.resize(i + 1);
      if (is_tensor(value)) {
        inputs[i] = find(history(value.as_config().at("config").as_config().at("keras_history")));
        return inputs[i].has_value();
      }
      if (i >= names.size() || value.is_list() || value.is_config())
        fail("calls '" + call.layer.name() + "' on " + value.to_text() + ", which is no tensor");
      if (!value.is_null()) arguments.set(names[i], value);
      return true;
    };
    bool takes_mask = false;
    std::size_t position = 0;
    for (const Value& arg : call.config.at("args").as_list()) {
      if (!arg.is_list()) {
        if (!give(position++, arg)) return false;
      } else {
        for (const Value& one : arg.as_list())
          if (!give(position++, one)) return false;
      }
    }
    for (const auto& [name, value] : call.config.at("kwargs").as_config().entries()) {
      const auto input = std::find(names.begin(), names.end(), name) - names.begin();
      if (value.is_null()) continue;
      if (name == "training") {
        if (value == Value(true)) fail("calls '" + call.layer.name() + "' with training = true in every run");
        continue;
      }
      if (name.ends_with("mask") && is_mask(value)) {
        takes_mask = takes_mask || !is_nothing(value);
        continue;
      }
      if (is_tensor(value) || static_cast<std::size_t>(input) < names.size()) {
        const std::size_t place = static_cast<std::size_t>(input) < names.size() ? input : inputs.size();
        if (!give(place, value)) return false;
      } else {
        arguments.set(name, value);
      }
    }
    SymbolicTensors called_on;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const bool is_number = i < names.size() && arguments.contains(names[i]);
      if (!inputs[i] && !is_number && i > 0) inputs[i] = inputs[i - 1];
      if (inputs[i]) called_on.push_back(*inputs[i]);
    }
    if (takes_mask && without_masks(specs(with_masks(called_on))) == with_masks(called_on).size())
      fail("calls '" + call.layer.name() + "' with a mask, but none travels with what it is called on");
    made_[call.layer.name()].push_back(call_layer(call.layer.shared_base(), called_on, {.arguments = arguments}));
    return true;
  }

  // A mask that Keras has computed, or several, some of which may be null.
  bool is_mask(const Value& value) const {
    if (value.is_list()) {
      const Value::List& list = value.as_list();
      return std::all_of(list.begin(), list.end(), [&](const Value& one) { return one.is_null() || is_mask(one); });
    }
    return is_tensor(value) &&
           masks_.contains(history(value.as_config().at("config").as_config().at("keras_history")).layer);
  }
  static bool is_nothing(const Value& value) {
    if (!value.is_list()) return value.is_null();
    return std::all_of(value.as_list().begin(), value.as_list().end(), is_nothing);
  }

  // Nothing if the call has not been made yet.
  std::optional<SymbolicTensor> find(const History& history) const {
    const auto layer = made_.find(history.layer);
    if (layer == made_.end()) fail("has a call on '" + history.layer + "', but no layer of that name");
    if (history.call < 0 || history.output < 0) fail("has a call on '" + history.layer + "' with a number below 0");
    if (static_cast<std::size_t>(history.call) >= layer->second.size()) return std::nullopt;
    const SymbolicTensors& outputs = layer->second[static_cast<std::size_t>(history.call)];
    if (static_cast<std::size_t>(history.output) >= outputs.size())
      fail("has a call on output " + std::to_string(history.output) + " of '" + history.layer + "', which has " +
           std::to_string(outputs.size()));
    return outputs[static_cast<std::size_t>(history.output)];
  }

  // [layer, call, output], a list of such, or an object of such.
  SymbolicTensors ends(const Value& value) const {
    SymbolicTensors tensors;
    const auto add = [&](const Value& one) {
      const std::optional<SymbolicTensor> found = find(history(one));
      if (!found) fail("has an input or output " + one.to_text() + ", which no call makes");
      tensors.push_back(*found);
    };
    if (value.is_config()) {
      for (const auto& [name, one] : value.as_config().entries()) add(one);
    } else if (!value.as_list().empty() && value.as_list()[0].is_string()) {
      add(value);
    } else {
      for (const Value& one : value.as_list()) add(one);
    }
    return tensors;
  }

  const std::string owner_;
  std::map<std::string, Layer> layers_;
  std::map<std::string, std::vector<SymbolicTensors>> made_;  // each layer's calls so far
  std::vector<Call> waiting_;
  std::set<std::string> masks_;
};

}  // namespace

bool is_named(const Node& call, std::size_t input) {
  return input < 2 || input + 1 == call.called_on || call.inputs[input] != call.inputs[input - 1] ||
         call.layer->input_arguments().empty();
}

Config FunctionalBase::get_config() const { return Writer(*this).config(); }

std::shared_ptr<FunctionalBase> functional_from_config(const Config& config) {
  std::string name;
  bool trainable = true;
  Archive archive = Archive::reader(config, "Functional");
  serialize_common(archive, name, trainable);
  archive.ignore("layers").ignore("input_layers").ignore("output_layers");
  archive.finish();
  const Reader reader(config);
  auto model = std::make_shared<FunctionalBase>(reader.inputs, reader.outputs, name);
  if (!trainable) model->LayerBase::set_trainable(false);  // the layers have their own in the config
  return model;
}

}  // namespace xl
