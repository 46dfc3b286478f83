#include "xlayers/models/model/sequential.hpp"

#include <algorithm>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/call.hpp"
#include "xlayers/framework/graph/node.hpp"
#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/framework/graph/with_options.hpp"
#include "xlayers/models/model/model_base.hpp"

namespace xl {

namespace {

class SequentialBase final : public ModelBase {
 public:
  std::string_view class_name() const override { return "Sequential"; }
  std::string_view package() const override { return "keras"; }
  std::string module() const override { return "keras"; }

  SymbolicTensors call(const SymbolicTensors& inputs, const CallContext& context) const override {
    refuse_arguments(context);
    if (inputs.size() != 1) throw ShapeError(label() + "takes one input, got " + std::to_string(inputs.size()));
    if (input_) {
      const Shape expected = input_->base().infer({}, {})[0].shape;
      if (!expected.compatible(inputs[0].shape())) shape_error("an input " + to_string(expected), inputs[0].shape());
    }
    SymbolicTensors x = inputs;
    for (const Layer& layer : layers_) {
      x = one(call_layer(layer.shared_base(), x, {.in_sequential = true}), layer);
    }
    return x;
  }

  std::vector<Layer> layers() const override { return layers_; }

  void add(const Layer& layer) {
    if (used_) value_error("stands in another model and cannot be changed any more");
    const bool is_input = layer.base().is_input();
    if (is_input && (input_ || !layers_.empty()))
      value_error("takes an Input as its first item only; '" + layer.name() + "' is not the first");
    if (contains(layer.base())) value_error("cannot contain itself");
    for (const Layer& other : layers_)
      if (other == layer)
        value_error("has the layer '" + layer.name() + "' already; a layer stands once in a Sequential");
      else if (other.name() == layer.name())
        value_error("has two layers of the name '" + layer.name() + "'");
    const TensorSpecs inputs = input_ ? input_->base().infer({}, {}) : TensorSpecs{};
    // Called once for a try: if it does not fit, this model stays as it is.
    if (!is_input && (built() || input_))
      called_on(built() ? specs(graph().outputs) : inputs, [&](const SymbolicTensors& x) {
        return one(call_layer(layer.shared_base(), x, {.in_sequential = true}), layer);
      });
    if (is_input) {
      input_ = layer;
    } else {
      layers_.push_back(layer);
      if (auto* inner = dynamic_cast<SequentialBase*>(&layer.base())) inner->used_ = true;
    }
    unbuild();
    if (input_ && !layers_.empty()) build(inputs, {});
  }

  Config get_config() const override {
    Value::List layers;
    if (input_) layers.emplace_back(layer_to_config(*input_));
    for (const Layer& layer : layers_) layers.emplace_back(layer_to_config(layer));
    Config config{{"name", name()}, {"trainable", trainable()}, {"dtype", "float32"}, {"layers", std::move(layers)}};
    if (const std::optional<Config> built_with = build_config())
      config.set("build_input_shape", built_with->at("input_shape"));
    return config;
  }

 private:
  // The only output of a layer.
  SymbolicTensors one(SymbolicTensors outputs, const Layer& layer) const {
    if (outputs.size() != 1)
      value_error("takes layers of one output, but '" + layer.name() + "' has " + std::to_string(outputs.size()));
    return outputs;
  }

  // True if this model is `layer` or stands somewhere in it.
  bool contains(const LayerBase& layer) const {
    if (&layer == this) return true;
    const auto* model = dynamic_cast<const ModelBase*>(&layer);
    const std::vector<Layer> inside = model != nullptr ? model->layers() : layer.children();
    return std::any_of(inside.begin(), inside.end(), [&](const Layer& child) { return contains(child.base()); });
  }

  std::optional<Layer> input_;
  std::vector<Layer> layers_;
  bool used_ = false;
};

SequentialBase& sequential(const Layer& layer) {
  auto* base = dynamic_cast<SequentialBase*>(&layer.base());
  if (base == nullptr) throw ValueError(layer.base().label() + "is not a Sequential");
  return *base;
}

std::shared_ptr<ModelBase> make_sequential(std::span<const Sequential::Item> items, const std::string& name) {
  auto model = std::make_shared<SequentialBase>();
  name_layer(*model, name, true);
  for (const Sequential::Item& item : items) model->add(item.layer());
  return model;
}

}  // namespace

Sequential::Item::Item(const SymbolicTensor& input) : layer_(input.node().layer) {
  if (!layer_.base().is_input())
    throw ValueError("a Sequential takes layers and an Input, not what a layer was called on");
}

Sequential::Sequential(std::initializer_list<Item> items, const std::string& name)
    : Model(make_sequential({items.begin(), items.size()}, name)) {}
Sequential::Sequential(const std::vector<Item>& items, const std::string& name) : Model(make_sequential(items, name)) {}
Sequential::Sequential(const Layer& layer)
    : Model(std::dynamic_pointer_cast<ModelBase>((sequential(layer), layer.shared_base()))) {}

void Sequential::add(const Item& item) const { sequential(*this).add(item.layer()); }

Sequential Sequential::from_config(const Config& config) {
  std::string name;
  bool trainable = true;
  Archive archive = Archive::reader(config, "Sequential");
  serialize_common(archive, name, trainable);
  archive.ignore("layers").ignore("build_input_shape");
  archive.finish();

  std::vector<Item> items;
  for (const Value& object : config.at("layers").as_list()) items.emplace_back(layer_from_config(object.as_config()));
  Sequential model(items, name);
  if (!trainable) model.base().LayerBase::set_trainable(false);  // the layers have their own in the config
  if (const Value* built_with = config.find("build_input_shape");
      built_with != nullptr && !built_with->is_null() && !model.built()) {
    Shape input;
    for (const Value& dim : built_with->as_list()) input.push_back(dim.is_null() ? None : dim.as_int());
    model.build(input);
  }
  return model;
}

}  // namespace xl
