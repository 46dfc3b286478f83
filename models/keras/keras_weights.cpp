#include "xlayers/models/keras/keras_weights.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/models/files/model_contents.hpp"
#include "xlayers/models/keras/keras_paths.hpp"

namespace xl {
namespace {

bool is_of_optimizer(const std::string& dataset) { return dataset.starts_with("optimizer/"); }

// What random numbers come next is another matter here: the states of Keras' generators have no place.
bool is_of_chance(const std::string& dataset) { return dataset.find("seed_generator/") != std::string::npos; }

// Earlier versions of Keras kept the parts of an attention under their private names.
std::string where(const Hdf5Reader& file, const std::string& path) {
  if (file.contains(path)) return path;
  std::string earlier = path;
  for (const char* part : {"/query_dense", "/key_dense", "/value_dense", "/output_dense"})
    if (const std::size_t at = earlier.find(part); at != std::string::npos) earlier.insert(at + 1, 1, '_');
  return file.contains(earlier) ? earlier : path;
}

}  // namespace

void read_keras_weights(const Hdf5Reader& file, const ModelBase& model, std::vector<std::string>* skipped) {
  const KerasPaths paths = keras_paths(model);
  std::vector<std::pair<std::string, Weight*>> fitting;
  std::set<std::string> known;
  const auto misfit = [&](const std::string& text) {
    if (skipped == nullptr) throw ShapeError(model.label() + text);
    skipped->push_back(text);
  };
  for (const auto& [path, weight] : paths.variables) {
    const std::string dataset = where(file, path);
    known.insert(dataset);
    if (!file.contains(dataset))
      misfit("there is no dataset '" + dataset + "' for the weight '" + weight->name + "'");
    else if (const Shape got = file.shape(dataset), expected = shape(weight->value); got != expected)
      misfit("expected '" + dataset + "', for the weight '" + weight->name + "', of shape " + to_string(expected) +
             ", got " + to_string(got));
    else
      fitting.emplace_back(dataset, weight);
  }
  for (const std::string& dataset : file.datasets())
    if (!known.contains(dataset) && !is_of_optimizer(dataset) && !is_of_chance(dataset))
      misfit("the dataset '" + dataset + "' is no weight of the model");

  std::vector<Tensor> values;  // all of them first: reading one may fail
  for (const auto& [dataset, weight] : fitting) {
    values.push_back(empty(shape(weight->value)));
    file.read(dataset, values.back().data());
  }
  for (std::size_t i = 0; i < fitting.size(); ++i)
    std::copy_n(values[i].data(), values[i].size(), fitting[i].second->value.data());
}

namespace {

/// A tensor of the optimizer's state, and where it stands among Keras' variables.
struct KerasSlot {
  const char* name;
  Weight* weight;
  std::string path;
};

/// In Keras' order: that of the slots for the trained weights in the order of the model's weights.
std::vector<KerasSlot> keras_slots(const ModelBase& model, const std::vector<Weight*>& trained) {
  const Optimizer& optimizer = model.compiled()->optimizer;
  std::vector<Weight*> in_order;
  for (Weight* weight : model.weights())
    if (std::find(trained.begin(), trained.end(), weight) != trained.end()) in_order.push_back(weight);
  std::vector<KerasSlot> slots;
  int place = optimizer.scheduled() ? 1 : 2;  // behind the iteration and the learning rate
  for (const Optimizer::Slot& slot : optimizer.slots_for(static_cast<std::int64_t>(in_order.size())))
    slots.push_back(
        {slot.name, in_order[static_cast<std::size_t>(slot.weight)], "optimizer/vars/" + std::to_string(place++)});
  return slots;
}

std::vector<Weight*> trained_weights(const ModelBase& model) {
  const auto trained = model.progress().trained;
  return trained ? *trained : model.trainable_weights();
}

}  // namespace

void read_keras_optimizer(const Hdf5Reader& file, ModelBase& model) {
  const auto variables =
      static_cast<std::size_t>(std::count_if(file.datasets().begin(), file.datasets().end(), is_of_optimizer));
  if (variables == 0) return;
  Optimizer optimizer = model.compiled()->optimizer;
  const std::int64_t iteration = file.read_whole("optimizer/vars/0");
  float rate = 0;
  if (!optimizer.scheduled()) {
    if (file.shape("optimizer/vars/1").elements() != 1)
      throw ShapeError("expected 'optimizer/vars/1', the learning rate, to be one number");
    file.read("optimizer/vars/1", &rate);
  }
  const std::size_t before = optimizer.scheduled() ? 1 : 2;
  const std::vector<Weight*> trained = trained_weights(model);
  const std::vector<KerasSlot> slots = keras_slots(model, trained);
  const bool stepped = variables > before;
  std::vector<Tensor> values;  // all of them first: reading one may fail
  if (stepped) {
    if (variables != before + slots.size())
      throw ValueError("expected an optimizer with " + std::to_string(before + slots.size()) + " variables, as " +
                       optimizer.class_name() + " has, got " + std::to_string(variables));
    for (const KerasSlot& slot : slots) {
      if (file.shape(slot.path) != shape(slot.weight->value))
        throw ShapeError("expected '" + slot.path + "', the " + slot.name + " of a weight '" + slot.weight->name +
                         "', of shape " + to_string(shape(slot.weight->value)) + ", got " +
                         to_string(file.shape(slot.path)));
      values.push_back(empty(shape(slot.weight->value)));
      file.read(slot.path, values.back().data());
    }
  }
  optimizer.set_iterations(iteration);
  if (!optimizer.scheduled()) optimizer.set_learning_rate(rate);
  if (!stepped) return;
  ModelBase::Progress progress = model.progress();
  progress.trained = trained;
  progress.state.steps = static_cast<std::uint64_t>(iteration);
  model.resume(progress);
  const OptimizerTensors tensors = optimizer_tensors(model);
  for (std::size_t i = 0; i < slots.size(); ++i)
    std::copy_n(values[i].data(), values[i].size(), tensors.at({slots[i].name, slots[i].weight}).data());
}

std::string keras_weights(const ModelBase& model, bool with_optimizer) {
  Hdf5Writer file;
  const KerasPaths paths = keras_paths(model);
  for (const KerasPaths::Group& group : paths.groups) file.group(group.path, group.name);
  for (const auto& [path, weight] : paths.variables) file.write(path, shape(weight->value), weight->value.data());
  if (!with_optimizer) return file.bytes();

  const Optimizer& optimizer = model.compiled()->optimizer;
  const ModelBase::Progress progress = model.progress();
  file.group("optimizer/vars", optimizer.name());
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  file.write_whole("optimizer/vars/0", static_cast<std::int32_t>(std::min(optimizer.iterations(), most)));
  const float rate = optimizer.scheduled() ? 0 : optimizer.learning_rate();
  if (!optimizer.scheduled()) file.write("optimizer/vars/1", {}, &rate);
  if (!progress.trained) return file.bytes();
  const OptimizerTensors tensors = optimizer_tensors(model);
  for (const KerasSlot& slot : keras_slots(model, *progress.trained))
    file.write(slot.path, shape(slot.weight->value), tensors.at({slot.name, slot.weight}).data());
  return file.bytes();
}

}  // namespace xl
