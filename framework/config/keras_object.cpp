#include "xlayers/framework/config/keras_object.hpp"

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"

namespace xl {

Value to_keras_object(std::string_view module, std::string_view class_name, Config config) {
  return Config{
      {"module", module}, {"class_name", class_name}, {"config", std::move(config)}, {"registered_name", nullptr}};
}

KerasObject from_keras_object(const Value& value, std::string_view what) {
  if (value.is_string()) return {value.as_string(), {}};
  if (value.is_config()) {
    const Config& object = value.as_config();
    const Value* class_name = object.find("class_name");
    const Value* config = object.find("config");
    if (class_name != nullptr && class_name->is_string()) {
      if (config == nullptr) return {class_name->as_string(), Config()};
      if (config->is_config()) return {class_name->as_string(), config->as_config()};
      if (config->is_string() && *class_name == Value("function")) return {config->as_string(), {}};
    }
  }
  throw ValueError("expected " + std::string(what) + " as a name or as {\"class_name\": ..., \"config\": {...}}, got " +
                   shortened(value.to_text()));
}

}  // namespace xl
