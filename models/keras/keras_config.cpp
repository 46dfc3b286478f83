#include "xlayers/models/keras/keras_config.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace xl {
namespace {

/// A class of KerasFactory: the options that it has, those of ours that it has in one way only, and those that say nothing of
/// a layer whose weights are read. Its TransformerBlock is not among them: it cannot read back its own weights.
struct FactoryClass {
  std::vector<std::string> options;
  Config fixed = {};
  std::vector<std::string> without_meaning = {};
};

const std::map<std::string, FactoryClass>& factory_classes() {
  static const std::map<std::string, FactoryClass> classes = {
      {"TokenEmbedding", {{"c_in", "d_model"}, {{"padding", "same"}, {"use_bias", false}}, {"kernel_initializer"}}},
      {"PositionalEmbedding",
       {{"d_model", "max_len"},
        {{"layout", "halves"}, {"merge_mode", "none"}, {"extrapolate", false}, {"max_wavelength", 10000.0}}}},
      {"FixedEmbedding",
       {{"n_features", "d_model"}, {{"layout", "halves"}, {"max_wavelength", 10000.0}, {"table_as_weight", true}}}},
      {"TemporalEmbedding", {{"d_model", "embed_type", "freq"}, {{"minute_size", 4}, {"layout", "halves"}}}},
      {"DataEmbeddingWithoutPosition",
       {{"c_in", "d_model", "embed_type", "freq", "dropout"},
        {{"padding", "same"}, {"use_bias", false}, {"minute_size", 4}, {"layout", "halves"}},
        {"kernel_initializer"}}},
      {"MovingAverage", {{"kernel_size"}}},
      {"SeriesDecomposition", {{"kernel_size"}}},
      {"ReversibleInstanceNorm", {{"num_features", "eps", "affine", "subtract_last", "non_norm"}}},
  };
  return classes;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Whether the layer has sinusoids of an odd width, of which KerasFactory's fail.
bool odd_sinusoids(const FactoryClass& factory, const Config& config) {
  const Value* learned = config.find("embed_type");
  return factory.fixed.contains("layout") && config.at("d_model").as_int() % 2 != 0 &&
         (learned == nullptr || *learned == Value("fixed"));
}

/// Gives the config KerasFactory's options alone. False, and changes nothing, if the layer does what that has not.
bool as_factory(const FactoryClass& factory, bool in_sequential, Config& config) {
  if (odd_sinusoids(factory, config)) return false;
  Config result;
  for (const auto& [key, value] : config.entries()) {
    if (contains({"name", "trainable", "dtype"}, key) || contains(factory.options, key)) {
      result.set(key, value);
    } else if (const Value* fixed = factory.fixed.find(key)) {
      const bool automatic =
          key == "merge_mode" && !in_sequential && value == Value("auto");  // "none", in such a model
      if (!(value == *fixed) && !automatic) return false;
    } else if (!contains(factory.without_meaning, key)) {
      return false;
    }
  }
  config = std::move(result);
  return true;
}

Value rewritten(const Value& layer, bool in_sequential) {
  if (!layer.is_config()) return layer;
  Config object = layer.as_config();
  const Value *name = object.find("class_name"), *inside = object.find("config");
  if (name == nullptr || !name->is_string() || inside == nullptr || !inside->is_config()) return layer;
  const std::string class_name = name->as_string();
  Config config = inside->as_config();
  if (const Value* layers = config.find("layers"); layers != nullptr && layers->is_list()) {
    Value::List all;
    for (const Value& each : layers->as_list()) all.push_back(rewritten(each, class_name == "Sequential"));
    config.set("layers", std::move(all));
  }
  const auto factory = factory_classes().find(class_name);
  const bool ours =
      object.contains("registered_name") && object.at("registered_name") == Value("xlayers>" + class_name);
  if (ours && factory != factory_classes().end() && as_factory(factory->second, in_sequential, config)) {
    object.set("module", "kerasfactory.layers." + class_name);
    object.set("registered_name", "kerasfactory.layers>" + class_name);
  } else if (ours && config.contains("merge_mode") && config.at("merge_mode") == Value("auto")) {
    config.set("merge_mode", in_sequential ? "add" : "none");  // a layer of Python does not know where it stands
  }
  object.set("config", std::move(config));
  return object;
}

}  // namespace

Config keras_config(const Config& model) { return rewritten(model, false).as_config(); }

}  // namespace xl
