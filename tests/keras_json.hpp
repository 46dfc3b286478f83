#pragma once

// Comparing configs with those of Keras.

#include <string>
#include <vector>

#include "golden.hpp"

namespace xl::testing_golden {

/// Keras' JSON with what is written differently here, or not at all: a dtype is its name, an initialiser has no axes
/// to choose, and there is nothing to quantise.
inline Json as_here(Json keras) {
  if (keras.is_object()) {
    if (keras.contains("class_name") && keras["class_name"] == "DTypePolicy") return keras["config"]["name"];
    for (const char* key : {"quantization_config", "input_axes", "output_axes"})
      if (keras.contains(key) && keras[key].is_null()) keras.erase(key);
    for (auto& [key, value] : keras.items()) value = as_here(value);
  } else if (keras.is_array()) {
    for (Json& value : keras) value = as_here(value);
  }
  return keras;
}

/// The paths of all keys, in their order.
inline void list_keys(const Json& json, const std::string& path, std::vector<std::string>& into) {
  if (json.is_object())
    for (const auto& [key, value] : json.items()) {
      into.push_back(path + "/" + key);
      list_keys(value, path + "/" + key, into);
    }
  if (json.is_array())
    for (std::size_t i = 0; i < json.size(); ++i) list_keys(json[i], path + "/" + std::to_string(i), into);
}
inline std::vector<std::string> keys(const Json& json) {
  std::vector<std::string> all;
  list_keys(json, "", all);
  return all;
}

}  // namespace xl::testing_golden
