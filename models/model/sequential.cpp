#include "xlayers/models/model/sequential.hpp"

#include <algorithm>
#include <unordered_set>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/in_part.hpp"
#include "xlayers/framework/graph/call.hpp"
#include "xlayers/framework/graph/names.hpp"
#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/framework/graph/shared_layers.hpp"
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
    if (input_ && !input_->shape().compatible(inputs[0].shape()))
      shape_error("an input " + to_string(input_->shape()), inputs[0].shape());
    return {pass(inputs[0], layers_)};
  }

  std::vector<Layer> layers() const override { return layers_; }
  std::int64_t call_count() const override { return call_count_; }

  // Adds layers at the end, and builds the model if it is known what goes in. If one does not fit, none is added.
  void add(std::span<const Sequential::Item> items) {
    if (settled()) value_error("stands in another model and cannot be changed any more");
    const std::optional<SymbolicTensor> input_before = input_;
    const std::size_t before = layers_.size();
    const std::int64_t calls_before = call_count_;
    try {
      for (const Sequential::Item& item : items) append(item.layer());
      const std::span<const Layer> added(layers_.data() + before, layers_.size() - before);
      if (built()) look(end_, added);  // so that the model is as it was if they do not fit
      if (const std::optional<TensorSpec> input = known_input(); input && !layers_.empty()) {
        unbuild();
        build({*input}, {});
      }
      settle(added);
    } catch (...) {
      for (; layers_.size() > before; layers_.pop_back()) names_.erase(layers_.back().name());
      input_ = input_before;
      call_count_ = calls_before;
      throw;
    }
  }

  Config get_config() const override {
    return write_layers([&] {
      Value::List layers;
      if (input_) layers.emplace_back(layer_to_config(Layer(input_->node().layer)));
      for (const Layer& layer : layers_) layers.emplace_back(layer_to_config(layer));
      Config config{{"name", name()}, {"trainable", trainable()}, {"dtype", "float32"}, {"layers", std::move(layers)}};
      if (const std::optional<Config> built_with = build_config())
        config.set("build_input_shape", built_with->at("input_shape"));
      return config;
    });
  }

 private:
  // The graph goes on where it ended, so that each layer costs the same.
  Graph make_graph(const TensorSpecs& inputs) override {
    if (inputs.size() != 1) throw ShapeError(label() + "takes one input, got " + std::to_string(inputs.size()));
    if (inputs[0].shape.rank() == 0) shape_error("an input with a batch axis", inputs[0].shape);
    if (passed_ == 0)
      begin_ = end_ = input_ ? *input_ : Input(inputs[0].shape.sample(), {.dtype = to_string(inputs[0].dtype)});
    const std::span<const Layer> rest(layers_.data() + passed_, layers_.size() - passed_);
    look(end_, rest);
    end_ = pass(end_, rest);
    passed_ = layers_.size();
    return {{begin_}, {end_}};
  }

  // What goes in, as far as that is known: the Input; or what the first layer takes, if that is a model that is built.
  std::optional<TensorSpec> known_input() const {
    if (passed_ > 0) return begin_.spec();
    if (input_) return input_->spec();
    if (layers_.size() < 2) return {};
    const auto* model = dynamic_cast<const ModelBase*>(&layers_[0].base());
    if (model == nullptr || !model->built() || model->graph().inputs.size() != 1) return {};
    return model->graph().inputs[0].spec();
  }

  // What the layers make of x, one after the other.
  SymbolicTensor pass(SymbolicTensor x, std::span<const Layer> layers) const {
    for (const Layer& layer : layers) {
      const SymbolicTensors outputs = call_layer(layer.shared_base(), {x}, {.in_sequential = true});
      if (outputs.size() != 1)
        value_error("takes layers of one output, but '" + layer.name() + "' has " + std::to_string(outputs.size()));
      x = outputs[0];
    }
    return x;
  }
  // Throws if the layers do not fit; none of them is built.
  void look(const SymbolicTensor& x, std::span<const Layer> layers) const {
    const WithoutBuilding only_looking;
    pass(x, layers);
  }

  void append(const Layer& layer) {
    if (layer.base().is_input()) {
      if (input_ || !layers_.empty())
        value_error("takes an Input as its first item only; '" + layer.name() + "' is not the first");
      input_ = call_layer(layer.shared_base(), {})[0];
      return;
    }
    if (contains(layer.base())) value_error("cannot contain itself");
    if (names_.contains(layer.name())) {
      if (std::find(layers_.begin(), layers_.end(), layer) != layers_.end())
        value_error("has the layer '" + layer.name() + "' already; a layer stands once in a Sequential");
      value_error("has two layers of the name '" + layer.name() + "'");
    }
    call_count_ = count_calls(call_count_, layer.base());
    names_.insert(layer.name());
    layers_.push_back(layer);
  }

  // True if this model is `layer` or stands somewhere in it.
  bool contains(const LayerBase& layer) const {
    if (&layer == this) return true;
    const std::vector<Layer> inside = layer.children();
    return std::any_of(inside.begin(), inside.end(), [&](const Layer& child) { return contains(child.base()); });
  }

  std::optional<SymbolicTensor> input_;  // what the user said goes in
  std::vector<Layer> layers_;
  std::unordered_set<std::string> names_;
  std::int64_t call_count_ = 0;
  SymbolicTensor begin_, end_;  // of the graph,
  std::size_t passed_ = 0;      // which goes through so many layers
};

SequentialBase& sequential(const Layer& layer) {
  auto* base = dynamic_cast<SequentialBase*>(&layer.base());
  if (base == nullptr) throw ValueError(layer.base().label() + "is not a Sequential");
  return *base;
}

std::shared_ptr<ModelBase> make_sequential(std::span<const Sequential::Item> items, const std::string& name) {
  auto model = std::make_shared<SequentialBase>();
  name_layer(*model, name, true);
  model->add(items);
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
std::shared_ptr<ModelBase> Sequential::model_of(const Layer& layer) {
  sequential(layer);
  return std::dynamic_pointer_cast<ModelBase>(layer.shared_base());
}

void Sequential::add(const Item& item) const { sequential(*this).add({&item, 1}); }

namespace {

Layer sequential_from_config(const Config& config) {
  std::string name;
  bool trainable = true;
  Archive archive = Archive::reader(config, "Sequential");
  serialize_common(archive, name, trainable);
  archive.ignore("layers").ignore("build_input_shape");
  archive.finish();

  const std::string label = error_label("Sequential", name);
  std::vector<Sequential::Item> items;
  in_part(label, "layers", [&] {
    for (const Value& object : config.at("layers").as_list()) items.emplace_back(layer_from_config(object.as_config()));
  });
  Sequential model(items, name);
  if (!trainable) model.base().LayerBase::set_trainable(false);  // the layers have their own in the config
  if (const Value* built_with = config.find("build_input_shape");
      built_with != nullptr && !built_with->is_null() && !model.built()) {
    std::vector<std::optional<std::int64_t>> dims;
    in_part(label, "build_input_shape", [&] { from_value(*built_with, dims); });
    Shape input;
    for (const std::optional<std::int64_t>& dim : dims) input.push_back(dim.value_or(None));
    model.build(input);
  }
  return model;
}

}  // namespace

Sequential Sequential::from_config(const Config& config) {
  return Sequential(read_layers([&] { return sequential_from_config(config); }));
}

}  // namespace xl
