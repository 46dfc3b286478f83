#include "xlayers/models/files/model_contents.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "xlayers/framework/base/errors.hpp"

namespace xl {
namespace {

StoredTensor stored(std::string name, const Tensor& tensor) {
  return {{std::move(name), DType::float32, shape(tensor)}, tensor.data()};
}

// "encoder/attention/query/kernel": the layers on the way to each weight, and its own name.
void name_weights(const LayerBase& layer, const std::string& path, std::map<const Weight*, std::string>& names) {
  for (const Layer& child : layer.children()) name_weights(child.base(), path + "/" + child.name(), names);
  for (const Weight* weight : layer.weights()) names.try_emplace(weight, path + "/" + weight->name);
}

std::vector<Weight*> all_weights(const ModelBase& model) {
  return model.built() ? model.weights() : std::vector<Weight*>();
}

// What a number of a training may be.
std::uint64_t count_at(const Config& config, const char* key) {
  const std::int64_t count = config.at(key).as_int();
  if (count < 0) throw ValueError(std::string("expected ") + key + " from 0 on, got " + std::to_string(count));
  return static_cast<std::uint64_t>(count);
}

// Reads the next tensor, which has to be of this shape.
void read_into(XlFile& file, std::size_t place, std::span<float> numbers, const Shape& shape) {
  if (place >= file.tensors().size())
    throw ValueError("expected more than " + std::to_string(file.tensors().size()) + " tensors");
  const TensorEntry& entry = file.tensors()[place];
  if (entry.dtype != DType::float32 || entry.shape != shape)
    throw ShapeError("expected the tensor '" + entry.name + "' to be float32 of shape " + to_string(shape) + ", got " +
                     to_string(entry.dtype) + " of shape " + to_string(entry.shape));
  file.read(numbers.data());
}

}  // namespace

std::vector<LayerWeights> weights_by_layer(const ModelBase& model) {
  std::vector<LayerWeights> layers;
  if (!model.built()) return layers;
  std::set<const Weight*> met;
  std::set<std::string> taken;
  for (const Layer& layer : model.layers()) {
    std::map<const Weight*, std::string> names;
    name_weights(layer.base(), layer.name(), names);
    LayerWeights of_layer{layer.name(), {}};
    for (Weight* weight : layer.base().weights()) {
      if (!met.insert(weight).second) continue;
      std::string name = names.at(weight);
      for (int number = 1; !taken.insert(name).second; ++number)
        name = names.at(weight) + "_" + std::to_string(number);
      of_layer.weights.emplace_back(std::move(name), weight);
    }
    if (!of_layer.weights.empty()) layers.push_back(std::move(of_layer));
  }
  return layers;
}

void add_weights(const ModelBase& model, Contents& contents) {
  Value::List layers;
  for (const LayerWeights& layer : weights_by_layer(model)) {
    layers.push_back(Config{{"layer", layer.layer}, {"count", layer.weights.size()}});
    for (const auto& [name, weight] : layer.weights) contents.tensors.push_back(stored(name, weight->value));
  }
  contents.config.set("weights", std::move(layers));
}

void add_training(const ModelBase& model, Contents& contents) {
  const ModelBase::Progress progress = model.progress();
  const Optimizer& optimizer = model.compiled()->optimizer;
  Value::List not_decayed, trained, slots;
  for (const std::string& part : optimizer.not_decayed()) not_decayed.emplace_back(part);
  Config training{{"seed", static_cast<std::int64_t>(progress.state.seed)},
                  {"epochs_shuffled", static_cast<std::int64_t>(progress.state.epochs_shuffled)},
                  {"steps", static_cast<std::int64_t>(progress.state.steps)},
                  {"iterations", optimizer.iterations()},
                  {"not_decayed", std::move(not_decayed)}};
  if (progress.trained) {
    std::map<const Weight*, std::string> names;
    for (const LayerWeights& layer : weights_by_layer(model))
      for (const auto& [name, weight] : layer.weights) names[weight] = name;
    const std::vector<Weight*> all = all_weights(model);
    for (const Weight* weight : *progress.trained)
      trained.emplace_back(std::find(all.begin(), all.end(), weight) - all.begin());
    for (const Optimizer::Slot& slot : optimizer.slots()) {
      const Weight* weight = progress.trained->at(static_cast<std::size_t>(slot.weight));
      slots.emplace_back(slot.name);
      contents.tensors.push_back({{std::string(slot.name) + "/" + names.at(weight), DType::float32, shape(weight->value)},
                                  slot.values.data()});
    }
    training.set("trained", std::move(trained));
    training.set("slots", std::move(slots));
  }
  contents.config.set("training", std::move(training));
}

void read_weights(XlFile& file, const ModelBase& model) {
  std::size_t place = 0;
  for (Weight* weight : all_weights(model)) {
    read_into(file, place, {weight->value.data(), weight->value.size()}, shape(weight->value));
    ++place;
  }
}

void read_training(XlFile& file, ModelBase& model) {
  const Config& training = file.config().at("training").as_config();
  const std::vector<Weight*> all = all_weights(model);
  ModelBase::Progress progress{{.seed = count_at(training, "seed"),
                                .epochs_shuffled = count_at(training, "epochs_shuffled"),
                                .steps = count_at(training, "steps")},
                               std::nullopt};
  if (const Value* trained = training.find("trained")) {
    progress.trained.emplace();
    for (const Value& place : trained->as_list()) {
      if (place.as_int() < 0 || place.as_int() >= static_cast<std::int64_t>(all.size()))
        throw ValueError("expected trained weights from 0 to " + std::to_string(all.size() - 1) + ", got " +
                         place.to_text());
      progress.trained->push_back(all[static_cast<std::size_t>(place.as_int())]);
    }
  }
  Optimizer optimizer = model.compiled()->optimizer;
  std::vector<std::string> not_decayed;
  for (const Value& part : training.at("not_decayed").as_list()) not_decayed.push_back(part.as_string());
  optimizer.exclude_from_weight_decay(std::move(not_decayed));
  model.resume(progress);
  optimizer.set_iterations(training.at("iterations").as_int());
  if (!progress.trained) return;

  if (model.progress().trained != progress.trained)
    throw ValueError("expected the trained weights in the order of the model's layers");
  const Value::List& slots = training.at("slots").as_list();
  if (slots.size() != optimizer.slots().size())
    throw ValueError("expected an optimizer with " + std::to_string(optimizer.slots().size()) + " tensors, got " +
                     std::to_string(slots.size()));
  std::size_t place = all.size();
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const Optimizer::Slot& slot = optimizer.slots()[i];
    if (slots[i].as_string() != slot.name)
      throw ValueError("expected the optimizer's tensor " + std::to_string(i) + " to be a " + slot.name + ", got " +
                       slots[i].to_text());
    read_into(file, place++, slot.values, shape(progress.trained->at(static_cast<std::size_t>(slot.weight))->value));
  }
}

}  // namespace xl
