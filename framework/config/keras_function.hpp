#pragma once

#include <optional>
#include <string>

#include "xlayers/framework/config/config.hpp"

namespace xl::detail {

/// The name of a function: what stands there as text, or as Keras writes functions,
/// `{"module": "builtins", "class_name": "function", "config": "mean_squared_error", ...}`.
inline std::optional<std::string> keras_function(const Value& value) {
  if (value.is_string()) return value.as_string();
  if (!value.is_config()) return {};
  const Value* class_name = value.as_config().find("class_name");
  const Value* name = value.as_config().find("config");
  if (class_name == nullptr || *class_name != Value("function") || name == nullptr || !name->is_string()) return {};
  return name->as_string();
}

}  // namespace xl::detail
