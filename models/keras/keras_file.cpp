// .keras and .weights.h5 for Model::save, load_model, save_weights and load_weights.
//
// A .keras file is a zip archive of metadata.json, config.json and model.weights.h5; Keras writes them in this order, stored.

#include <ctime>
#include <iostream>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/file_reader.hpp"
#include "xlayers/framework/base/whole_file.hpp"
#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/framework/graph/without_drawing.hpp"
#include "xlayers/models/data/npz_impl.hpp"
#include "xlayers/models/files/model_contents.hpp"
#include "xlayers/models/files/model_format.hpp"
#include "xlayers/models/keras/keras_config.hpp"
#include "xlayers/models/keras/keras_weights.hpp"
#include "xlayers/models/keras/zip_archive.hpp"

namespace xl {
namespace {

constexpr const char* keras_version = "3.15.1";  // whose files these are like

ModelBase& base_of(const Model& model) { return static_cast<ModelBase&>(model.base()); }

std::string metadata() {
  const std::time_t now = std::time(nullptr);
  std::tm date{};
  gmtime_r(&now, &date);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d@%H:%M:%S", &date);
  return Config{{"keras_version", keras_version}, {"date_saved", text}}.to_json();
}

std::string label_of(const std::string& path) { return "cannot read '" + path + "': "; }

void save_model(const Model& model, const std::string& path, const SaveOptions& options) {
  if (!options.test_case.empty())
    throw ValueError("cannot save a model to '" + path + "': Keras' files have no test case");
  const bool compiled = options.include_optimizer && model.compiled();
  const Config config = keras_config(compiled ? model.to_config() : layer_to_config(model));
  write_whole_file(path, make_zip({{"metadata.json", metadata()},
                                   {"config.json", config.to_json()},
                                   {"model.weights.h5", keras_weights(base_of(model), compiled)}}));
}

Model load_keras_model(const std::string& path, const LoadOptions& options) {
  if (options.check_test_case) throw ValueError("Keras' files have no test case");
  const ZipReader zip(path);
  const std::string config = zip.read("config.json");
  std::string weights = zip.read("model.weights.h5");
  // What is compressed may hold more than its bytes: up to 64 MiB and four times the file.
  const auto most =
      static_cast<std::int64_t>(((std::uint64_t{64} << 20) + 4 * FileReader(path).size()) / sizeof(float));
  const Hdf5Reader file(std::move(weights), label_of(path));
  const Model model = [&] {
    const WithoutDrawing without(most);
    return model_from_json(config, {.compile = options.compile});
  }();
  read_keras_weights(file, base_of(model));
  if (model.compiled()) read_keras_optimizer(file, base_of(model));
  return model;
}

void save_weights(const Model& model, const std::string& path) {
  write_whole_file(path, keras_weights(base_of(model), model.compiled()));
}

Hdf5Reader weights_at(const std::string& path) { return {read_whole_file(path), label_of(path)}; }

std::vector<TensorEntry> list_weights(const std::string& path) {
  const Hdf5Reader file = weights_at(path);
  std::vector<TensorEntry> tensors;
  for (const std::string& dataset : file.datasets()) tensors.push_back({dataset, DType::float32, file.shape(dataset)});
  return tensors;
}

void load_weights(const Model& model, const std::string& path, const LoadWeightsOptions& options) {
  if (options.by_name || options.names) throw ValueError("Keras' weights go by their places, not by names");
  const Hdf5Reader file = weights_at(path);
  const WeightsTurn turn(base_of(model), Turn::Of::run);
  std::vector<std::string> skipped;
  read_keras_weights(file, base_of(model), options.skip_mismatch ? &skipped : nullptr);
  if (model.compiled() && skipped.empty()) read_keras_optimizer(file, base_of(model));
  for (const std::string& text : skipped)
    std::cerr << "xlayers: warning: " << model.base().label() << "skips what does not fit in '" << path << "': " << text
              << "\n";
}

}  // namespace

namespace {

std::map<std::string, std::string> read_zip(const std::string& path) {
  const ZipReader zip(path);
  std::map<std::string, std::string> members;
  for (const std::string& name : zip.names()) members.emplace(name, zip.read(name));
  return members;
}

}  // namespace

// Linked whenever the component is: see CMakeLists.txt.
extern "C" const bool xlayers_keras_files = [] {
  register_model_format({.ending = ".keras", .save = save_model, .load = load_keras_model});
  register_zip_reader(read_zip);
  register_model_format({.ending = ".weights.h5",
                         .save_weights = save_weights,
                         .load_weights = load_weights,
                         .list_weights = list_weights});
  return true;
}();

}  // namespace xl
