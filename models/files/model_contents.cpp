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

// "encoder/attention/query/kernel": the layers on the way to each weight, and its own name. A part that has the name of its
// layer is no step on the way.
void name_weights(const LayerBase& layer, const std::string& path, std::map<const Weight*, std::string>& names) {
  for (const Layer& child : layer.children())
    name_weights(child.base(), child.name() == layer.name() ? path : path + "/" + child.name(), names);
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

// Throws unless the tensor at this place is float32 of this shape.
void require(const XlFile& file, std::size_t place, const Shape& shape) {
  if (place >= file.tensors().size())
    throw ShapeError("expected more than " + std::to_string(file.tensors().size()) + " tensors");
  const TensorEntry& entry = file.tensors()[place];
  if (entry.dtype != DType::float32 || entry.shape != shape)
    throw ShapeError("expected the tensor '" + entry.name + "' to be float32 of shape " + to_string(shape) + ", got " +
                     to_string(entry.dtype) + " of shape " + to_string(entry.shape));
}

void require_weights(const XlFile& file, const std::vector<Weight*>& weights) {
  for (std::size_t i = 0; i < weights.size(); ++i) require(file, i, shape(weights[i]->value));
}

std::vector<const void*> addresses_of(const ModelBase& model) {
  const std::vector<Weight*> weights = all_weights(model);
  std::vector<const void*> all(weights.begin(), weights.end());
  std::sort(all.begin(), all.end(), std::less<>());
  return all;
}

// What is read of a training before anything changes.
struct StoredTraining {
  ModelBase::Progress progress;
  std::int64_t iterations = 0;
  std::optional<float> learning_rate;
  std::vector<std::string> not_decayed;
};

StoredTraining read(const Config& training, const std::vector<Weight*>& weights) {
  StoredTraining stored{{{.seed = count_at(training, "seed"),
                          .epochs_shuffled = count_at(training, "epochs_shuffled"),
                          .steps = count_at(training, "steps")},
                         std::nullopt},
                        static_cast<std::int64_t>(count_at(training, "iterations")),
                        std::nullopt,
                        {}};
  if (const Value& rate = training.at("learning_rate"); !rate.is_null())
    stored.learning_rate = static_cast<float>(rate.as_number());
  for (const Value& part : training.at("not_decayed").as_list()) stored.not_decayed.push_back(part.as_string());
  if (const Value* trained = training.find("trained")) {
    stored.progress.trained.emplace();
    for (const Value& place : trained->as_list()) {
      const std::int64_t i = place.as_int();
      if (i < 0 || i >= static_cast<std::int64_t>(weights.size()))
        throw ValueError("expected a trained weight below " + std::to_string(weights.size()) + ", got " +
                         std::to_string(i));
      stored.progress.trained->push_back(weights[static_cast<std::size_t>(i)]);
    }
  }
  return stored;
}

// Throws unless the tensors from `place` on are the state of this optimizer for these weights.
void require_slots(const XlFile& file, std::size_t place, const Optimizer& optimizer,
                   const std::vector<Weight*>& trained) {
  const Value::List& names = file.config().at("training").as_config().at("slots").as_list();
  const std::vector<Optimizer::Slot> slots = optimizer.slots_for(static_cast<std::int64_t>(trained.size()));
  if (names.size() != slots.size())
    throw ValueError("expected an optimizer with " + std::to_string(slots.size()) + " tensors, as " +
                     optimizer.class_name() + " has, got " + std::to_string(names.size()));
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (names[i].as_string() != slots[i].name)
      throw ValueError("expected the optimizer's tensor " + std::to_string(i) + " to be a " + slots[i].name +
                       ", as in " + optimizer.class_name() + ", got " + names[i].to_text());
    require(file, place + i, shape(trained[static_cast<std::size_t>(slots[i].weight)]->value));
  }
}

}  // namespace

WeightsTurn::WeightsTurn(const ModelBase& model, Turn::Of what)
    : weights_(addresses_of(model)), turn_(what, weights_, model.label()) {}

void Contents::add(const std::string& name, Tensor tensor) {
  made.push_back(std::make_unique<Tensor>(std::move(tensor)));
  tensors.push_back(stored(name, *made.back()));
}

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
      for (int number = 1; !taken.insert(name).second; ++number) name = names.at(weight) + "_" + std::to_string(number);
      of_layer.weights.emplace_back(std::move(name), weight);
    }
    if (!of_layer.weights.empty()) layers.push_back(std::move(of_layer));
  }
  return layers;
}

OptimizerTensors optimizer_tensors(const ModelBase& model) {
  OptimizerTensors tensors;
  const auto trained = model.progress().trained;
  if (!trained) return tensors;
  for (const Optimizer::Slot& slot : model.compiled()->optimizer.slots())
    tensors[{slot.name, (*trained)[static_cast<std::size_t>(slot.weight)]}] = slot.values;
  return tensors;
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
                  {"learning_rate", optimizer.scheduled() ? Value() : Value(optimizer.learning_rate())},
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
      contents.tensors.push_back(
          {{std::string(slot.name) + "/" + names.at(weight), DType::float32, shape(weight->value)},
           slot.values.data()});
    }
    training.set("trained", std::move(trained));
    training.set("slots", std::move(slots));
  }
  contents.config.set("training", std::move(training));
}

void read_weights(XlFile& file, const ModelBase& model) {
  const std::vector<Weight*> weights = all_weights(model);
  require_weights(file, weights);
  for (Weight* weight : weights) file.read(weight->value.data());
}

void read_weights_and_training(XlFile& file, ModelBase& model) {
  const std::vector<Weight*> weights = all_weights(model);
  Optimizer optimizer = model.compiled()->optimizer;
  require_weights(file, weights);
  const StoredTraining stored = read(file.config().at("training").as_config(), weights);
  const auto& trained = stored.progress.trained;
  if (trained) require_slots(file, weights.size(), optimizer, *trained);

  optimizer.exclude_from_weight_decay(stored.not_decayed);
  model.resume(stored.progress);  // throws if the optimizer is in use with other weights
  optimizer.set_iterations(stored.iterations);
  if (stored.learning_rate) optimizer.set_learning_rate(*stored.learning_rate);
  read_weights(file, model);
  if (!trained) return;
  const OptimizerTensors tensors = optimizer_tensors(model);
  for (const Optimizer::Slot& slot : optimizer.slots_for(static_cast<std::int64_t>(trained->size()))) {
    const auto found = tensors.find({slot.name, (*trained)[static_cast<std::size_t>(slot.weight)]});
    if (found == tensors.end()) throw ValueError("expected a state of weights that the model trains");
    file.read(found->second.data());
  }
}

}  // namespace xl
