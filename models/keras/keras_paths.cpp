#include "xlayers/models/keras/keras_paths.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

namespace xl {
namespace {

bool upper(char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; }
bool lower(char c) { return std::islower(static_cast<unsigned char>(c)) != 0; }

/// The attribute of Python's class that the part of a layer is.
std::string attribute(std::string_view class_name, const std::string& part) {
  if (class_name == "MultiHeadAttention") return part == "attention_output" ? "output_dense" : part + "_dense";
  if (class_name == "TransformerEncoder") return "_" + part;
  return part;
}

/// The parts on the way to a weight of its own, for a layer that is made of layers there and not here.
std::string own_part(const LayerBase& layer, const Weight& weight) {
  if (layer.class_name() == "FixedEmbedding") return "embedding_layer/";
  if (layer.class_name() == "TemporalEmbedding") {
    const bool fixed = layer.get_config().at("embed_type").as_string() == "fixed";
    return weight.name + (fixed ? "/embedding_layer/" : "/");
  }
  return "";
}

class Walk {
 public:
  void model(const ModelBase& model, const std::string& path) {
    if (!visit(model, path)) return;
    std::map<std::string, int> used;
    for (const Layer& layer : model.layers()) {
      if (layer.base().module().starts_with("keras.src.ops")) continue;  // an operation is no layer there
      std::string name = snake_case(std::string(layer.class_name()));
      if (const auto [entry, is_new] = used.try_emplace(name, 0); !is_new)
        name.append("_").append(std::to_string(++entry->second));
      any(layer.base(), path + "layers/" + name + "/");
    }
  }

  KerasPaths paths;

 private:
  void any(const LayerBase& layer, const std::string& path) {
    if (const auto* inner = dynamic_cast<const ModelBase*>(&layer))
      model(*inner, path);
    else if (visit(layer, path))
      parts(layer, layer, path);
  }

  // The first visit wins; what is met again is not there again.
  bool visit(const LayerBase& layer, const std::string& path) {
    if (!visited_.insert(&layer).second) return false;
    paths.groups.push_back({path + "vars", layer.name()});
    return true;
  }

  // The weights of `layer`, and of what it is made of; `whole` is the layer that Keras has, of which a part that has its name
  // is none there.
  void parts(const LayerBase& whole, const LayerBase& layer, const std::string& path) {
    std::set<const Weight*> of_children;
    for (const Layer& child : layer.children()) {
      if (child.base().weights().empty()) continue;
      for (const Weight* weight : child.base().weights()) of_children.insert(weight);
      if (child.name() == layer.name())
        parts(whole, child.base(), path);
      else
        any(child.base(), path + attribute(layer.class_name(), child.name()) + "/");
    }
    std::map<std::string, int> counts;
    for (Weight* weight : layer.weights()) {
      if (of_children.contains(weight)) continue;
      const std::string group = path + own_part(whole, *weight);
      paths.variables.push_back({group + "vars/" + std::to_string(counts[group]++), weight});
      if (group != path && counts[group] == 1) paths.groups.push_back({group + "vars", weight->name});
    }
  }

  std::set<const LayerBase*> visited_;
};

}  // namespace

// As Keras: a capital begins a word, if a small letter follows or stands before it.
std::string snake_case(const std::string& name) {
  std::string words;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool begins = i > 0 && upper(name[i]) && ((i + 1 < name.size() && lower(name[i + 1])) || lower(name[i - 1]));
    if (begins && words.back() != '_') words += '_';
    words += static_cast<char>(std::tolower(static_cast<unsigned char>(name[i])));
  }
  return words;
}

KerasPaths keras_paths(const ModelBase& model) {
  Walk walk;
  if (model.built()) walk.model(model, "");
  return std::move(walk.paths);
}

}  // namespace xl
