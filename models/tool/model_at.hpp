#pragma once

#include <string>

#include "xlayers/models/model/model.hpp"

// Internal: what the commands are given as files.

namespace xl::tool {

/// True if the file holds weights and no model.
bool holds_weights_alone(const std::string& path);

/// The model in a .xl or .keras file; or of a .json file, which has a config and no weights. Throws as load_model.
Model model_at(const std::string& path, const LoadOptions& options = {});

}  // namespace xl::tool
