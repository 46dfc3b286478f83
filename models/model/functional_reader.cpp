// A functional model from a config of Keras: its layers are made, then their calls, each once what it is made on is there.

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/in_part.hpp"
#include "xlayers/framework/graph/call.hpp"
#include "xlayers/framework/graph/names.hpp"
#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/framework/graph/with_options.hpp"
#include "xlayers/models/model/call_arguments.hpp"
#include "xlayers/models/model/functional.hpp"

namespace xl {

namespace {

const Value* find_in(const Value& object, const char* key) {
  return object.is_config() ? object.as_config().find(key) : nullptr;
}

std::string text_in(const Value& object, const char* key) {
  const Value* text = find_in(object, key);
  return text != nullptr && text->is_string() ? text->as_string() : "";
}

bool is_operation(const Value& object) { return text_in(object, "module").starts_with("keras.src.ops."); }

// The operations that make tensors of bool. Keras writes down how it computes the masks that travel with tensors; here they
// travel by themselves.
void find_masks(const Value& value, std::set<std::string>& makers) {
  if (is_tensor(value)) {
    if (is_of_bool(value)) makers.insert(source_of(value).layer);
  } else if (value.is_list()) {
    for (const Value& one : value.as_list()) find_masks(one, makers);
  } else if (value.is_config()) {
    for (const auto& [key, one] : value.as_config().entries()) find_masks(one, makers);
  }
}

class Reader {
 public:
  Reader(const Config& config, const std::string& name) : owner_(error_label("Functional", name)) {
    const Value::List& layers =
        in_entry("layers", [&]() -> const Value::List& { return config.at("layers").as_list(); });
    for (const Value& value : layers)
      in_layer(value, [&] {
        if (const Value* calls = find_in(value, "inbound_nodes")) find_masks(*calls, masks_);
      });
    for (const Value& value : layers)
      if (text_in(value, "class_name") == "InputLayer") masks_.erase(name_of(value));
    for (const Value& value : layers) in_layer(value, [&] { add(value.as_config()); });
    make_calls();
    inputs = in_entry("input_layers", [&] { return ends(config.at("input_layers"), layout.inputs); });
    outputs = in_entry("output_layers", [&] { return ends(config.at("output_layers"), layout.outputs); });
  }

  SymbolicTensors inputs, outputs;
  FunctionalLayout layout;

 private:
  // A layer, the calls of it that the config lists, and what those made so far.
  struct Called {
    Layer layer;
    std::vector<CallArguments> calls;
    std::vector<SymbolicTensors> made;
    std::size_t waits_for = 0;                               // calls of others, before its next one can be made
    std::map<std::size_t, std::vector<Called*>> waited_for;  // by which layers, for each of its calls
  };

  [[noreturn]] void fail(const std::string& text) const { throw ValueError(owner_ + text); }

  template <class Read>
  std::invoke_result_t<Read> in_entry(const std::string& entry, Read read) const {
    return in_part(owner_, entry, read);
  }
  template <class Read>
  void in_layer(const Value& object, Read read) const {
    in_entry("its layer " + name_of(object, "'"), read);
  }

  // The name in a layer's object, or the object itself where there is none.
  static std::string name_of(const Value& object, const std::string& quote = "") {
    const Value* config = find_in(object, "config");
    std::string name = config == nullptr ? "" : text_in(*config, "name");
    if (name.empty()) name = text_in(object, "name");
    return name.empty() ? object.to_text().substr(0, 60) : quote + name + quote;
  }

  void add(const Config& object) {
    const auto is_mask = [&](const std::string& layer) { return masks_.contains(layer); };
    if (is_operation(object) && is_mask(object.at("config").as_config().at("name").as_string())) return;
    const Layer layer = layer_from_config(object);
    const auto [place, is_new] = layers_.try_emplace(layer.name(), Called{layer, {}, {}, 0, {}});
    if (!is_new) fail("has two layers of the name '" + layer.name() + "'");
    layout.layers.push_back(layer.name());
    Called& called = place->second;
    in_order_.push_back(&called);
    if (layer.base().is_input())
      called.made.push_back(call_layer(layer.shared_base(), {}));
    else
      for (const Value& call : object.at("inbound_nodes").as_list())
        called.calls.push_back(read_arguments(owner_, layer.base(), call.as_config(), is_mask));
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
    const CallArguments& call = called.calls[called.made.size()];
    SymbolicTensors inputs;
    for (const std::optional<TensorSource>& from : call.inputs) {
      if (!from) continue;
      if (const std::optional<SymbolicTensor> tensor = find(*from)) {
        inputs.push_back(*tensor);
      } else {
        layers_.at(from->layer).waited_for[static_cast<std::size_t>(from->call)].push_back(&called);
        ++called.waits_for;
      }
    }
    if (called.waits_for > 0) return false;
    if (call.masked &&
        std::none_of(inputs.begin(), inputs.end(), [](const SymbolicTensor& x) { return x.spec().mask; }))
      fail("calls '" + called.layer.name() + "' with a mask, but none travels with what it is called on");
    called.made.push_back(call_layer(called.layer.shared_base(), inputs, {.arguments = call.arguments}));
    return true;
  }

  // Nothing if the call has not been made yet.
  std::optional<SymbolicTensor> find(const TensorSource& source) const {
    const auto layer = layers_.find(source.layer);
    if (layer == layers_.end()) fail("has a call on '" + source.layer + "', but no layer of that name");
    const std::vector<SymbolicTensors>& made = layer->second.made;
    if (source.call < 0 || source.output < 0) fail("has a call on '" + source.layer + "' with a number below 0");
    if (static_cast<std::size_t>(source.call) >= made.size()) return std::nullopt;
    const SymbolicTensors& outputs = made[static_cast<std::size_t>(source.call)];
    if (static_cast<std::size_t>(source.output) >= outputs.size())
      fail("has a call on output " + std::to_string(source.output) + " of '" + source.layer + "', which has " +
           std::to_string(outputs.size()));
    return outputs[static_cast<std::size_t>(source.output)];
  }

  // [layer, call, output], or such in lists and objects.
  SymbolicTensors ends(const Value& value, Nest& nest) const {
    SymbolicTensors tensors;
    for (const Value* one : flatten(value, TensorSource::is)) {
      TensorSource from = TensorSource::from(*one);
      const auto layer = layers_.find(from.layer);
      const std::int64_t first = layer == layers_.end() ? 0 : first_call(layer->second.layer.base());
      std::optional<SymbolicTensor> found;
      if (from.call >= first) found = find({from.layer, from.call - first, from.output});
      if (!found) fail("has an input or output " + one->to_text() + ", which no call makes");
      tensors.push_back(*found);
    }
    nest = nest_of(value, TensorSource::is);
    return tensors;
  }

  const std::string owner_;
  std::map<std::string, Called> layers_;
  std::vector<Called*> in_order_;
  std::set<std::string> masks_;
};

}  // namespace

std::shared_ptr<FunctionalBase> functional_from_config(const Config& config) {
  std::string name;
  bool trainable = true;
  Archive archive = Archive::reader(config, "Functional");
  serialize_common(archive, name, trainable);
  archive.ignore("layers").ignore("input_layers").ignore("output_layers");
  archive.finish();
  Reader reader(config, name);
  auto model = std::make_shared<FunctionalBase>(reader.inputs, reader.outputs, name, std::move(reader.layout));
  if (!trainable) model->LayerBase::set_trainable(false);  // the layers have their own in the config
  return model;
}

}  // namespace xl
