#include "xlayers/models/tool/model_at.hpp"

#include "xlayers/framework/base/file_reader.hpp"
#include "xlayers/models/files/in_file.hpp"
#include "xlayers/models/files/xl_file.hpp"

namespace xl::tool {

bool holds_weights_alone(const std::string& path) {
  if (path.ends_with(".safetensors") || path.ends_with(".weights.h5")) return true;
  return path.ends_with(".xl") && !XlFile(path).config().contains("model");
}

Model model_at(const std::string& path, const LoadOptions& options) {
  if (!path.ends_with(".json")) return load_model(path, options);
  return in_file(path, "load", [&] { return model_from_json(read_whole_file(path), options); });
}

}  // namespace xl::tool
