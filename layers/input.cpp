#include "xlayers/layers/input.hpp"

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/call.hpp"
#include "xlayers/framework/graph/names.hpp"
#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/framework/graph/with_options.hpp"

namespace xl {

namespace {

// The layer behind an Input. It stands in configs and summaries, and is never run.
class InputLayer final : public PrimitiveLayer {
 public:
  explicit InputLayer(TensorSpec spec) : spec_(std::move(spec)) {}

  std::string_view class_name() const override { return "InputLayer"; }
  std::string_view package() const override { return "keras"; }
  bool is_input() const override { return true; }
  bool needs_building() const override { return false; }

  Config get_config() const override {
    Value::List shape;
    for (Dim dim : spec_.shape) shape.push_back(dim == None ? Value() : Value(dim));
    return {{"batch_shape", std::move(shape)},
            {"dtype", to_string(spec_.dtype)},
            {"sparse", false},
            {"ragged", false},
            {"name", name()},
            {"optional", false}};
  }

  TensorSpecs outputs(const TensorSpecs&) const override { return {spec_}; }
  void forward(const ForwardCall&) const override {}
  void backward(const BackwardCall&) const override {}

 private:
  TensorSpec spec_;
};

Layer input_from_config(const Config& config) {
  Archive archive = Archive::reader(config, "InputLayer");
  std::vector<std::optional<std::int64_t>> dims;
  std::string dtype = "float32", name;
  bool sparse = false, ragged = false, optional = false;
  archive("batch_shape", dims)("dtype", dtype)("sparse", sparse)("ragged", ragged)("name", name);
  archive("optional", optional);
  archive.finish();
  if (sparse || ragged || optional)
    throw ValueError("[InputLayer '" + name + "'] sparse, ragged and optional inputs are not supported");
  if (dims.empty()) throw ValueError("[InputLayer '" + name + "'] batch_shape: expected a batch axis, got []");
  Shape shape{None};  // also where Keras has a batch of fixed size
  for (std::size_t axis = 1; axis < dims.size(); ++axis) shape.push_back(dims[axis].value_or(None));
  if (dtype == "bool") dtype = "int32";  // 0 and 1, as attention masks are given here
  TensorSpec spec{shape};
  try {
    spec.dtype = dtype_from_string(dtype);
  } catch (const ValueError& error) {
    throw ValueError("[InputLayer '" + name + "'] dtype: " + error.what());
  }
  auto layer = std::make_shared<InputLayer>(std::move(spec));
  name_layer(*layer, name, true);
  return Layer(layer);
}

}  // namespace

SymbolicTensor Input(const Shape& shape, const InputOptions& options) {
  auto layer = std::make_shared<InputLayer>(TensorSpec{shape.with_batch(None), dtype_from_string(options.dtype)});
  name_layer(*layer, options.name, true);
  return call_layer(layer, {})[0];
}

namespace detail {
void register_input() { register_layer("InputLayer", input_from_config); }
}  // namespace detail

}  // namespace xl
