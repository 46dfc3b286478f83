// A functional model as Keras writes it: its layers, each with its calls ("inbound_nodes"), whose arguments name the tensors
// that they are made on by layer, number of the call, and number of the output.

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <type_traits>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/call.hpp"
#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/framework/graph/with_options.hpp"
#include "xlayers/models/model/functional.hpp"

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

// The number of a layer's first call in the lists of inputs and outputs. Keras counts a call of its own in every functional
// model there, though not where a layer is called on what the model makes.
std::int64_t first_call(const LayerBase& layer) { return layer.class_name() == "Functional" ? 1 : 0; }

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
  Value history(const SymbolicTensor& tensor, std::int64_t first = 0) const {
    const std::vector<const Node*> calls = model_.calls_of(*tensor.node().layer);
    const auto call = std::find(calls.begin(), calls.end(), &tensor.node()) - calls.begin();
    return Value::List{tensor.node().layer->name(), first + call, tensor.index()};
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
    for (std::size_t i = 0; i < names.size() && (next < node.inputs.size() || arguments.contains(names[i])); ++i) {
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
    for (; next < node.inputs.size(); ++next) args.push_back(tensor(node.inputs[next]));
    if (names.empty() && args.size() > 1) args = {Value(std::move(args))};
    return {{"args", std::move(args)}, {"kwargs", std::move(kwargs)}};
  }

  // One input or output by itself, several in a list.
  Value ends(const SymbolicTensors& tensors) const {
    Value::List list;
    for (const SymbolicTensor& tensor : tensors) list.push_back(history(tensor, first_call(*tensor.node().layer)));
    return list.size() == 1 ? list[0] : Value(std::move(list));
  }

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
  Reader(const Config& config, const std::string& name) : owner_("[Functional '" + name + "'] ") {
    const Value::List& layers =
        in_entry("layers", [&]() -> const Value::List& { return config.at("layers").as_list(); });
    for (const Value& value : layers)
      in_layer(value, [&](const Config& object) {
        if (const Value* calls = object.find("inbound_nodes"); calls != nullptr && class_of(object) != "InputLayer")
          find_masks(*calls, masks_);
      });
    for (const Value& value : layers)
      if (class_of(value.as_config()) == "InputLayer") masks_.erase(name_of(value));
    for (const Value& value : layers) in_layer(value, [&](const Config& object) { add(object); });
    make_calls();
    inputs = in_entry("input_layers", [&] { return ends(config.at("input_layers")); });
    outputs = in_entry("output_layers", [&] { return ends(config.at("output_layers")); });
  }

  SymbolicTensors inputs, outputs;

 private:
  // A layer, the calls of it that the config lists, and what those made so far.
  struct Called {
    Layer layer;
    std::vector<const Config*> calls;
    std::vector<SymbolicTensors> made;
    std::size_t waits_for = 0;                               // calls of others, before its next one can be made
    std::map<std::size_t, std::vector<Called*>> waited_for;  // by which layers, for each of its calls
  };

  [[noreturn]] void fail(const std::string& text) const { throw ValueError(owner_ + text); }

  // Says of an error that names no layer which part of the model it is about.
  template <class Read>
  std::invoke_result_t<Read> in_entry(const std::string& entry, Read read) const {
    try {
      return read();
    } catch (const ValueError& error) {
      if (std::string_view(error.what()).starts_with('[')) throw;
      fail(entry + ": " + error.what());
    }
  }
  template <class Read>
  void in_layer(const Value& object, Read read) const {
    in_entry("its layer " + name_of(object, "'"), [&] { read(object.as_config()); });
  }

  static const Value* find_in(const Value& object, const char* key) {
    return object.is_config() ? object.as_config().find(key) : nullptr;
  }
  static std::string class_of(const Config& object) {
    const Value* name = object.find("class_name");
    return name != nullptr && name->is_string() ? name->as_string() : "";
  }
  // The name in a layer's object, or the object itself where there is none.
  static std::string name_of(const Value& object, const std::string& quote = "") {
    const Value* config = find_in(object, "config");
    const Value* name = config == nullptr ? nullptr : find_in(*config, "name");
    if (name == nullptr) name = find_in(object, "name");
    return name != nullptr && name->is_string() ? quote + name->as_string() + quote : object.to_text().substr(0, 60);
  }

  void add(const Config& object) {
    if (!is_layer(object) && masks_.contains(object.at("config").as_config().at("name").as_string())) return;
    const Layer layer = layer_from_config(object);
    const auto [place, is_new] = layers_.try_emplace(layer.name(), Called{layer, {}, {}, 0, {}});
    if (!is_new) fail("has two layers of the name '" + layer.name() + "'");
    Called& called = place->second;
    in_order_.push_back(&called);
    if (layer.base().is_input())
      called.made.push_back(call_layer(layer.shared_base(), {}));
    else
      for (const Value& call : object.at("inbound_nodes").as_list()) called.calls.push_back(&call.as_config());
  }

  // Each call once what it is made on is there, those of one layer in their order.
  void make_calls() {
    std::deque<Called*> ready(in_order_.begin(), in_order_.end());
    for (; !ready.empty(); ready.pop_front()) {
      Called& called = *ready.front();
      in_entry("its layer '" + called.layer.name() + "'", [&] {
        while (called.made.size() < called.calls.size() && make(called)) {
          const auto waiting = called.waited_for.find(called.made.size() - 1);
          if (waiting == called.waited_for.end()) continue;
          for (Called* other : waiting->second)
            if (--other->waits_for == 0) ready.push_back(other);
        }
      });
    }
    std::string names;
    for (const Called* called : in_order_)
      for (std::size_t i = called->made.size(); i < called->calls.size(); ++i)
        names += (names.empty() ? "'" : ", '") + called->layer.name() + "'";
    if (!names.empty())
      fail("its layers " + names + " are called on one another in a cycle, or on a call that is not there");
  }

  // Makes the layer's next call. False if something that it is made on is not there yet: then the layer waits for that.
  bool make(Called& called) {
    const Layer& layer = called.layer;
    const Config& call = *called.calls[called.made.size()];
    const std::vector<std::string> names = input_names(layer.base()).names;
    std::vector<std::optional<SymbolicTensor>> inputs;
    Config arguments;
    // What is given for input i, by position or by name: a tensor, a number in its place, or nothing.
    const auto give = [&](std::size_t i, const Value& value) {
      if (inputs.size() <= i) inputs.resize(i + 1);
      if (is_tensor(value)) {
        const History from = history(value.as_config().at("config").as_config().at("keras_history"));
        inputs[i] = find(from);
        if (!inputs[i]) {
          layers_.at(from.layer).waited_for[static_cast<std::size_t>(from.call)].push_back(&called);
          ++called.waits_for;
        }
        return;
      }
      if (i >= names.size() || value.is_list() || value.is_config())
        fail("calls '" + layer.name() + "' on " + value.to_text() + ", which is no tensor");
      if (!value.is_null()) arguments.set(names[i], value);
    };
    bool takes_mask = false;
    std::size_t position = 0;
    for (const Value& arg : call.at("args").as_list()) {
      if (!arg.is_list()) {
        give(position++, arg);
      } else {
        for (const Value& one : arg.as_list()) give(position++, one);
      }
    }
    for (const auto& [name, value] : call.at("kwargs").as_config().entries()) {
      const auto input = std::find(names.begin(), names.end(), name) - names.begin();
      if (value.is_null()) continue;
      if (name == "training") {
        // false stands there of itself for a layer whose call has it as its default
        if (value == Value(false)) continue;
        if (value == Value(true)) fail("calls '" + layer.name() + "' with training = true in every run");
        fail("calls '" + layer.name() + "' with training = " + value.to_text() + ", which is no bool");
      }
      if (name.ends_with("mask") && is_mask(value)) {
        takes_mask = takes_mask || !is_nothing(value);
        continue;
      }
      const bool known = static_cast<std::size_t>(input) < names.size();
      if (name == "mask" && is_tensor(value) && !known)
        fail("calls '" + layer.name() + "' with a mask of its own; here masks travel with tensors");
      if (is_tensor(value) || known) {
        give(known ? static_cast<std::size_t>(input) : inputs.size(), value);
      } else {
        arguments.set(name, value);
      }
    }
    if (called.waits_for > 0) return false;
    SymbolicTensors called_on;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const bool is_number = i < names.size() && arguments.contains(names[i]);
      if (!inputs[i] && !is_number && i > 0) inputs[i] = inputs[i - 1];
      if (inputs[i]) called_on.push_back(*inputs[i]);
    }
    if (takes_mask &&
        std::none_of(called_on.begin(), called_on.end(), [](const SymbolicTensor& x) { return x.spec().mask; }))
      fail("calls '" + layer.name() + "' with a mask, but none travels with what it is called on");
    called.made.push_back(call_layer(layer.shared_base(), called_on, {.arguments = arguments}));
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
    const auto layer = layers_.find(history.layer);
    if (layer == layers_.end()) fail("has a call on '" + history.layer + "', but no layer of that name");
    const std::vector<SymbolicTensors>& made = layer->second.made;
    if (history.call < 0 || history.output < 0) fail("has a call on '" + history.layer + "' with a number below 0");
    if (static_cast<std::size_t>(history.call) >= made.size()) return std::nullopt;
    const SymbolicTensors& outputs = made[static_cast<std::size_t>(history.call)];
    if (static_cast<std::size_t>(history.output) >= outputs.size())
      fail("has a call on output " + std::to_string(history.output) + " of '" + history.layer + "', which has " +
           std::to_string(outputs.size()));
    return outputs[static_cast<std::size_t>(history.output)];
  }

  // [layer, call, output], a list of such, or an object of such.
  SymbolicTensors ends(const Value& value) const {
    SymbolicTensors tensors;
    const auto add = [&](const Value& one) {
      const History from = history(one);
      const auto layer = layers_.find(from.layer);
      const std::int64_t first = layer == layers_.end() ? 0 : first_call(layer->second.layer.base());
      std::optional<SymbolicTensor> found;
      if (from.call >= first) found = find({from.layer, from.call - first, from.output});
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
  std::map<std::string, Called> layers_;
  std::vector<Called*> in_order_;
  std::set<std::string> masks_;
};

}  // namespace

bool is_named(const Node& call, std::size_t input) {
  return input < 2 || input + 1 == call.inputs.size() || call.inputs[input] != call.inputs[input - 1] ||
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
  const Reader reader(config, name);
  auto model = std::make_shared<FunctionalBase>(reader.inputs, reader.outputs, name);
  if (!trainable) model->LayerBase::set_trainable(false);  // the layers have their own in the config
  return model;
}

}  // namespace xl
