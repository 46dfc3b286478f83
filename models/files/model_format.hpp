#pragma once

#include <functional>
#include <string>
#include <vector>

#include "xlayers/models/files/xl_file.hpp"
#include "xlayers/models/model/model.hpp"

// Internal: formats of files that are not our own, of which a component of the library knows how to read and write them.

namespace xl {

/// What there is to do with a path of this ending; what there is not is empty.
struct ModelFormat {
  std::string ending;
  std::function<void(const Model&, const std::string& path, const SaveOptions&)> save = {};
  std::function<Model(const std::string& path, const LoadOptions&)> load = {};
  std::function<void(const Model&, const std::string& path)> save_weights = {};
  std::function<void(const Model&, const std::string& path, const LoadWeightsOptions&)> load_weights = {};
  std::function<std::vector<TensorEntry>(const std::string& path)> list_weights = {};
};

/// Makes a format known; before main, by the component.
void register_model_format(ModelFormat format);

/// The format of a path that ends in none of `own`, for which `what` is there. If there is none, throws ValueError that says
/// what "save a model to" and such could be done with: "expected a path that ends in .xl or .keras"; for one of Keras' endings
/// without the component, how to get it.
template <class What>
const ModelFormat& model_format_of(const std::string& path, const char* to_do, const std::string& own,
                                   What ModelFormat::*what);

}  // namespace xl
