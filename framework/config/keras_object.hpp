#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "xlayers/framework/config/value.hpp"

namespace xl {

/// How Keras writes an object: `{"module": "keras.initializers", "class_name": "Constant",
/// "config":
/// {"value": 0.5}, "registered_name": null}`.
struct KerasObject {
  std::string class_name;
  std::optional<Config> config;  ///< none if it is a bare name
};

/// Writes that object.
Value to_keras_object(std::string_view module, std::string_view class_name, Config config);
/// Reads it, with an empty config where there is none; or a bare name; or a function, which is its name:
/// `{"module": "builtins", "class_name": "function", "config": "mean_squared_error", ...}`. `what`, such as "an
/// initializer", is named in the ValueError for anything else.
KerasObject from_keras_object(const Value& value, std::string_view what);

}  // namespace xl
