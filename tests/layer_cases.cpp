#include "layer_cases.hpp"

#include <filesystem>

#include "xlayers/framework/graph/call.hpp"
#include "xlayers/framework/graph/node.hpp"
#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/layers/activation.hpp"
#include "xlayers/layers/conv1d.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/positional_embedding.hpp"
#include "xlayers/layers/token_embedding.hpp"
#include "xlayers/models/model/sequential.hpp"

namespace xl::testing_layers {

using testing_golden::drawn;
using testing_golden::golden;
using testing_golden::Json;

namespace {

// A layer of one's own adds its line here.
struct Row {
  const char* name;
  Layer layer;
  std::vector<Shape> inputs;
};

std::vector<Row> own_rows() {
  return {
      {"dense_float_options",
       Dense({.units = 3, .activation = activations::elu(0.5f), .kernel_initializer = RandomNormal{.stddev = 0.3f}}),
       {{4, 5}}},
      {"dense_constrained",
       Dense({.units = 3, .kernel_constraint = "non_neg", .bias_constraint = "unit_norm"}),
       {{2, 3, 4}}},
      {"dense_large_batch", Dense({.units = 2, .activation = "sigmoid"}), {{301, 3}}},
      {"dense_frozen", Dense({.units = 2, .trainable = false}), {{3, 4}}},
      {"conv1d_glu", Conv1D({.filters = 6, .kernel_size = 2, .padding = "causal", .activation = "glu"}), {{2, 5, 3}}},
      {"conv1d_strided_gap", Conv1D({.filters = 2, .kernel_size = 2, .strides = 4}), {{2, 11, 3}}},
      {"conv1d_circular_whole_turn", Conv1D({.filters = 2, .kernel_size = 5, .padding = "circular"}), {{2, 2, 3}}},
      {"activation_softmax_rank2", Activation("softmax"), {{4, 6}}},
      {"activation_regularized", Activation({.activation = "tanh", .activity_regularizer = L2{0.1f}}), {{3, 4}}},
      {"activation_rank4", Activation("gelu"), {{2, 3, 2, 5}}},
      {"token_embedding_causal",
       TokenEmbedding({.c_in = 2, .d_model = 5, .padding = "causal", .use_bias = true}),
       {{3, 6, 2}}},
      {"token_embedding_frozen", TokenEmbedding({.c_in = 1, .d_model = 4, .trainable = false}), {{3, 6, 1}}},
      {"positional_embedding", PositionalEmbedding({.max_len = 20, .d_model = 6}), {{3, 12, 6}}},
      {"positional_embedding_odd_halves",
       PositionalEmbedding({.max_len = 20, .d_model = 7, .layout = "halves"}),
       {{3, 20, 2}}},
      {"positional_embedding_add",
       PositionalEmbedding({.max_len = 20, .d_model = 6, .merge_mode = "add"}),
       {{3, 12, 6}}},
      {"positional_embedding_extrapolate",
       PositionalEmbedding({.max_len = 5, .d_model = 4, .merge_mode = "add", .extrapolate = true}),
       {{2, 13, 4}}},
      {"positional_embedding_wavelength",
       PositionalEmbedding({.max_len = 9, .d_model = 5, .max_wavelength = 50.5f}),
       {{2, 9}}},
      {"sequential_page",
       Sequential({TokenEmbedding({.c_in = 1, .d_model = 8}), PositionalEmbedding({.max_len = 10, .d_model = 8}),
                   Dense({.units = 5, .activation = "relu"}), Dense({.units = 1})}),
       {{5, 10, 1}}},
      {"sequential_nested",
       Sequential(
           {Sequential({Dense({.units = 3, .activation = "tanh"})}), Activation("softplus"), Dense({.units = 2})}),
       {{4, 6, 5}}},
  };
}

// {"l1": ..., "l2": ...} -> the object that Keras writes.
Json regularizer(const Json& words) {
  const bool l1 = words.contains("l1"), l2 = words.contains("l2");
  return {{"module", "keras.regularizers"},
          {"class_name", l1 && l2 ? "L1L2"
                         : l1     ? "L1"
                                  : "L2"},
          {"config", words},
          {"registered_name", nullptr}};
}

Array array(const Json& json) {
  const Tensor values = testing_golden::tensor(json);
  return json.value("dtype", "float32") == "int32" ? Array(IntTensor(xt::cast<std::int32_t>(values)))
                                                   : Array(values);
}

Case from_golden(const std::string& name, const Json& json) {
  Json options = json.at("options");
  for (auto& [key, value] : options.items())
    if (key.ends_with("_regularizer") && value.is_object()) value = regularizer(value);
  const Json object{{"class_name", json.at("layer")}, {"config", options}};
  Case one{name, Config::from_json(object.dump()), {}, {}, testing_golden::tensors(json.at("weights")), &json};
  for (const Json& input : json.at("inputs")) one.inputs.push_back(array(input));
  if (json.contains("arguments")) one.options.arguments = Config::from_json(json.at("arguments").dump());
  for (const Json& mask : json.value("masks", Json::array()))
    one.options.masks.push_back(mask.is_null() ? Tensor::from_shape({}) : testing_golden::tensor(mask));
  return one;
}

// `count` rows from `first` on, beginning again at the end; each of 16 rounds of floats is a little off.
Array rows_of(const Array& all, std::int64_t first, std::int64_t count, bool exact) {
  const std::int64_t size = all.shape().sample().elements(), samples = all.shape()[0];
  const Shape wanted = all.shape().sample().with_batch(count);
  if (all.dtype() == DType::int32) {
    IntTensor part = IntTensor::from_shape(std::vector<std::size_t>(wanted.begin(), wanted.end()));
    for (std::int64_t i = 0; i < count; ++i)
      std::copy_n(all.integers() + (first + i) % samples * size, size, part.data() + i * size);
    return part;
  }
  Tensor part = empty(wanted);
  for (std::int64_t i = 0; i < count; ++i) {
    std::copy_n(all.data() + (first + i) % samples * size, size, part.data() + i * size);
    if (exact) continue;
    for (std::int64_t k = 0; k < size; ++k) part.data()[i * size + k] += 0.01f * static_cast<float>(i / samples % 16);
  }
  return part;
}

Tensor tensor_of(const Array& array) {
  Tensor result = empty(array.shape());
  std::copy_n(array.data(), result.size(), result.data());
  return result;
}

Case rows_of(const Case& all, std::int64_t first, std::int64_t count, bool exact) {
  Case part = all;
  for (Array& input : part.inputs) input = rows_of(input, first, count, exact);
  for (Tensor& mask : part.options.masks)
    if (mask.dimension() > 0) mask = tensor_of(rows_of(mask, first, count, true));
  return part;
}

}  // namespace

SymbolicTensors Case::symbolic(bool open) const {
  TensorSpecs specs;
  for (const Array& input : inputs) {
    Shape sample = input.shape().sample();
    if (open && sample.rank() == 2) sample[0] = None;
    specs.push_back({sample.with_batch(None), input.dtype(), true});
    const std::size_t i = specs.size() - 1;
    if (i >= options.masks.size() || options.masks[i].dimension() == 0) continue;
    Shape steps = shape(options.masks[i]).sample().with_batch(None);
    if (open && steps.rank() == 2) steps[1] = None;
    specs[i].mask = steps;
  }
  return placeholders(specs);
}

Layer Case::layer() const {
  const Layer layer = layer_from_config(object);
  call_layer(layer.shared_base(), symbolic(), {.arguments = options.arguments});
  if (!weights.empty()) layer.set_weights(weights);
  return layer;
}

std::vector<Tensor> Case::outputs(const Layer& layer, const std::vector<Array>& at) const {
  return layer.call(at, options);
}

Gradients Case::gradients(const Layer& layer, const std::vector<Array>& at, const std::vector<Tensor>& dy) const {
  return xl::gradients(layer, at, dy, options);
}

Case Case::with_samples(std::int64_t count) const { return rows_of(*this, 0, count, false); }
Case Case::part(std::int64_t first, std::int64_t count) const { return rows_of(*this, first, count, true); }

const std::vector<Case>& cases() {
  static const std::vector<Case> all = [] {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(XLAYERS_GOLDEN_DIR))
      if (entry.path().extension() == ".json" && entry.path().stem().string().starts_with("layers"))
        files.push_back(entry.path().stem().string());
    std::sort(files.begin(), files.end());
    std::vector<Case> made;
    for (const std::string& file : files)
      for (const auto& [name, json] : golden(file).at("cases").items()) made.push_back(from_golden(name, json));
    unsigned seed = 1;
    for (const Row& row : own_rows()) {
      Case& one = made.emplace_back(Case{row.name, layer_to_config(row.layer), {}, {}, {}, nullptr});
      for (const Shape& shape : row.inputs) one.inputs.push_back(drawn(shape, seed++));
      // Weights of the case's own: the layer draws its anew each time.
      const Layer layer = one.layer();
      for (const Tensor& weight : layer.get_weights()) one.weights.push_back(drawn(shape(weight), seed++));
    }
    return made;
  }();
  return all;
}

testing::internal::ParamGenerator<const Case*> rows(const std::function<bool(const Case&)>& wanted) {
  std::vector<const Case*> some;
  for (const Case& one : cases())
    if (!wanted || wanted(one)) some.push_back(&one);
  return testing::ValuesIn(some);
}

std::string name_of_row(const testing::TestParamInfo<const Case*>& row) {
  std::string name = row.param->name;
  std::replace(name.begin(), name.end(), '-', '_');  // of "axis-1"
  return name;
}

}  // namespace xl::testing_layers
