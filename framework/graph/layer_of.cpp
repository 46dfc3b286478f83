#include "xlayers/framework/graph/layer_of.hpp"

#include "xlayers/framework/base/errors.hpp"

namespace xl {

namespace {

// Keras writes a dtype as a policy object; its name is all that counts.
struct DTypeName {
  std::string name = "float32";
};
Value to_value(const DTypeName& dtype) { return Value(dtype.name); }
void from_value(const Value& value, DTypeName& dtype) {
  dtype.name =
      value.is_config() ? value.as_config().at("config").as_config().at("name").as_string() : value.as_string();
  if (dtype.name != "float32")
    throw ValueError("expected \"float32\", the only dtype that layers compute in, got \"" + dtype.name + "\"");
}

}  // namespace

void serialize_common(Archive& archive, std::string& name, bool& trainable) {
  DTypeName dtype;
  archive("name", name);
  archive("trainable", trainable);
  archive("dtype", dtype);
}

}  // namespace xl
