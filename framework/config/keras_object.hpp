#pragma once

#include <string>
#include <string_view>

#include "xlayers/framework/config/config.hpp"

namespace xl {

/// How Keras writes an object: `{"module": "keras.initializers", "class_name": "Constant",
/// "config":
/// {"value": 0.5}, "registered_name": null}`.
struct KerasObject {
  std::string class_name;
  Config config;
};

/// Writes that object.
Value to_keras_object(std::string_view module, std::string_view class_name, Config config);
/// Reads it, or a bare name, which is a class name with an empty config. `what`, such as "an
/// initializer", is named in the ValueError for anything else.
KerasObject from_keras_object(const Value& value, std::string_view what);

}  // namespace xl
