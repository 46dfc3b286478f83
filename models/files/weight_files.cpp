// Model::save_weights and load_weights.

#include <algorithm>
#include <iostream>
#include <map>
#include <optional>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/models/files/in_file.hpp"
#include "xlayers/models/files/model_contents.hpp"
#include "xlayers/models/files/model_format.hpp"
#include "xlayers/models/files/safetensors_file.hpp"
#include "xlayers/models/model/model.hpp"

namespace xl {
namespace {

void require_built(const Model& model) {
  if (!model.built())
    throw ValueError(model.base().label() + "has no weights yet: it is built when it is called or has an Input");
}

bool is_safetensors(const std::string& path) { return path.ends_with(".safetensors"); }
bool is_own(const std::string& path) { return path.ends_with(".xl") || is_safetensors(path); }
constexpr const char* own_endings = ".xl or .safetensors";

// ---- what is read for which weight

/// Where the numbers of a weight stand in a file: at a place of its table, perhaps with the axes in reverse.
struct Source {
  Weight* weight = nullptr;
  std::size_t place = 0;
  bool transposed = false;
};

/// What is read, and why what is not read does not fit.
struct Sources {
  std::vector<Source> sources;
  std::vector<std::string> misfits;
};

/// The tensors of an .xl file that are the weights of one layer.
struct StoredLayer {
  std::string name;
  std::size_t first = 0, count = 0;
};

std::vector<StoredLayer> stored_layers(const XlFile& file) {
  std::vector<StoredLayer> layers;
  std::size_t next = 0;
  for (const Value& layer : file.config().at("weights").as_list()) {
    const std::int64_t count = layer.as_config().at("count").as_int();
    if (count < 0 || static_cast<std::uint64_t>(count) > file.tensors().size() - next)
      throw ValueError("its list of weights is damaged");
    layers.push_back({layer.as_config().at("layer").as_string(), next, static_cast<std::size_t>(count)});
    next += static_cast<std::size_t>(count);
  }
  return layers;
}

/// Why the stored layer does not fit; empty if it does.
std::string misfit(const LayerWeights& layer, const StoredLayer& stored, const XlFile& file) {
  if (layer.weights.size() != stored.count)
    return "layer '" + layer.layer + "' has " + std::to_string(layer.weights.size()) + " weights, got " +
           std::to_string(stored.count) + " of '" + stored.name + "'";
  for (std::size_t i = 0; i < stored.count; ++i) {
    const TensorEntry& entry = file.tensors()[stored.first + i];
    const Shape expected = shape(layer.weights[i].second->value);
    if (entry.shape != expected || entry.dtype != DType::float32)
      return "expected weight '" + layer.weights[i].first + "' of shape " + to_string(expected) + ", got '" +
             entry.name + "' of shape " + to_string(entry.shape);
  }
  return "";
}

/// Layer by layer: each takes the stored one at its place, or of its name.
Sources by_layer(const ModelBase& model, const XlFile& file, const LoadWeightsOptions& options) {
  const std::vector<LayerWeights> layers = weights_by_layer(model);
  const std::vector<StoredLayer> stored = stored_layers(file);
  if (!options.by_name && layers.size() != stored.size()) {
    const std::string text =
        "has " + std::to_string(layers.size()) + " layers with weights, got " + std::to_string(stored.size());
    if (!options.skip_mismatch) throw ValueError(model.label() + text);
  }
  Sources result;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto from = options.by_name ? std::find_if(stored.begin(), stored.end(),
                                                     [&](const auto& one) { return one.name == layers[i].layer; })
                                      : stored.begin() + static_cast<std::ptrdiff_t>(std::min(i, stored.size()));
    if (from == stored.end()) continue;
    if (std::string text = misfit(layers[i], *from, file); !text.empty())
      result.misfits.push_back(std::move(text));
    else
      for (std::size_t k = 0; k < from->count; ++k)
        result.sources.push_back({layers[i].weights[k].second, from->first + k});
  }
  return result;
}

Shape reversed(const Shape& shape) {
  Shape result;
  for (std::size_t axis = shape.rank(); axis-- > 0;) result.push_back(shape[axis]);
  return result;
}

/// Weight by weight: each takes the tensor of its name, or of the one that the program has for it.
template <class Entries>
Sources by_weight(const ModelBase& model, const Entries& entries, const LoadWeightsOptions& options) {
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < entries.size(); ++i) places.emplace(entries[i].name, i);
  Sources result;
  for (const LayerWeights& layer : weights_by_layer(model))
    for (const auto& [name, weight] : layer.weights) {
      const StoredName stored = options.names ? options.names(name) : StoredName(name);
      const auto place = places.find(stored.name);
      const Shape expected = stored.transposed ? reversed(shape(weight->value)) : shape(weight->value);
      if (place == places.end())
        result.misfits.push_back("there is no tensor '" + stored.name + "' for the weight '" + name + "'; there are " +
                                 shortened(joined(entries, [](const auto& entry) { return entry.name; }), 1000));
      else if (entries[place->second].shape != expected)
        result.misfits.push_back("expected '" + stored.name + "', for the weight '" + name + "', of shape " +
                                 to_string(expected) + ", got " + to_string(entries[place->second].shape));
      else
        result.sources.push_back({weight, place->second, stored.transposed});
    }
  return result;
}

// ---- the numbers, none of which goes into a weight before all are read

using Values = std::vector<std::pair<Weight*, Tensor>>;

/// Reads the tensors in the order of the table: `read(place)` gives the next one, `skip()` passes over it.
template <class Read, class Skip>
Values read_values(const Sources& sources, std::size_t tensors, Read read, Skip skip) {
  std::vector<std::vector<Source>> wanted(tensors);
  for (const Source& source : sources.sources) wanted[source.place].push_back(source);
  Values values;
  for (std::size_t place = 0; place < tensors; ++place) {
    if (wanted[place].empty()) {
      skip();
      continue;
    }
    const Tensor numbers = read();
    for (const Source& source : wanted[place]) {
      if (!source.transposed) {
        values.emplace_back(source.weight, numbers);
        continue;
      }
      values.emplace_back(source.weight, empty(shape(source.weight->value)));
      from_fortran_order(numbers.data(), shape(source.weight->value), values.back().second.data());
    }
  }
  return values;
}

void require_fit(const ModelBase& model, const Sources& sources, const LoadWeightsOptions& options) {
  if (!options.skip_mismatch && !sources.misfits.empty()) throw ShapeError(model.label() + sources.misfits.front());
}

}  // namespace

void Model::save_weights(const Text& path, Format format) const {
  const ModelFormat* const other =
      is_own(path) ? nullptr : &model_format_of(path, "save weights to", own_endings, &ModelFormat::save_weights);
  require_built(*this);
  const WeightsTurn turn(model(), Turn::Of::saving);
  if (other != nullptr) return other->save_weights(*this, path);
  Contents contents;
  contents.config.set("xlayers", 1);
  add_weights(model(), contents);
  if (is_safetensors(path))
    write_safetensors_file(path, contents.tensors);
  else
    write_xl_file(path, format, contents.config, contents.tensors);
}

void Model::load_weights(const Text& path, const LoadWeightsOptions& options) const {
  const ModelFormat* const other =
      is_own(path) ? nullptr : &model_format_of(path, "load weights from", own_endings, &ModelFormat::load_weights);
  require_built(*this);
  if (other != nullptr) return in_file(path, "load weights from", [&] { other->load_weights(*this, path, options); });
  Sources sources;
  Values values;
  in_file(path, "load weights from", [&] {
    if (is_safetensors(path)) {
      SafetensorsFile file(path);
      sources = by_weight(model(), file.tensors(), options);
      require_fit(model(), sources, options);
      values = read_values(
          sources, file.tensors().size(), [&]() -> Tensor { return file.read(); }, [&] { file.skip(); });
      return;
    }
    XlFile file(path);
    file.checked([&] {
      sources = options.names ? by_weight(model(), file.tensors(), options) : by_layer(model(), file, options);
      require_fit(model(), sources, options);
      values = read_values(
          sources, file.tensors().size(), [&] { return file.read_tensor(); }, [&] { file.skip(); });
      file.finish();
    });
  });
  const WeightsTurn turn(model(), Turn::Of::run);
  for (const std::string& text : sources.misfits)
    std::cerr << "xlayers: warning: " << model().label() << "skips what does not fit in '" << path << "': " << text
              << "\n";
  for (const auto& [weight, value] : values) std::copy_n(value.data(), value.size(), weight->value.data());
}

}  // namespace xl
