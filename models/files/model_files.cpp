// Model::save and load_model.

#include <algorithm>
#include <cmath>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/without_drawing.hpp"
#include "xlayers/models/files/in_file.hpp"
#include "xlayers/models/files/model_contents.hpp"
#include "xlayers/models/files/model_format.hpp"
#include "xlayers/models/model/model.hpp"

namespace xl {
namespace {

bool is_own(const std::string& path) { return path.ends_with(".xl"); }

// ---- the test case of a file

void add_test_case(const Model& model, const Data& inputs, Contents& contents) {
  Value::List names;
  for (const std::string& name : inputs.names()) names.emplace_back(name);
  List<Tensor> outputs = model.predict_all(inputs, {.verbose = 0});
  contents.config.set("test_case",
                      Config{{"inputs", inputs.size()}, {"names", std::move(names)}, {"outputs", outputs.size()}});
  for (std::size_t i = 0; i < inputs.size(); ++i)
    contents.tensors.push_back(stored("test_case/input/" + std::to_string(i), inputs[i]));
  for (std::size_t i = 0; i < outputs.size(); ++i)
    contents.add("test_case/output/" + std::to_string(i), std::move(outputs[i]));
}

struct TestCase {
  Data inputs;
  std::vector<Tensor> outputs;
};

// The last tensors of the file.
TestCase read_test_case(XlFile& file) {
  const Config& config = file.config().at("test_case").as_config();
  const std::int64_t inputs = config.at("inputs").as_int(), outputs = config.at("outputs").as_int();
  const auto all = static_cast<std::int64_t>(file.tensors().size());
  const Value::List& names = config.at("names").as_list();
  if (inputs < 0 || outputs < 0 || inputs > all || outputs > all - inputs ||
      (!names.empty() && static_cast<std::int64_t>(names.size()) != inputs))
    throw ValueError("its test case is damaged");
  file.skip_to_last(static_cast<std::size_t>(inputs + outputs));
  TestCase test;
  for (std::int64_t i = 0; i < inputs; ++i)
    if (names.empty())
      test.inputs.push_back(file.read_array());
    else
      test.inputs.add(names[static_cast<std::size_t>(i)].as_string(), file.read_array());
  for (std::int64_t i = 0; i < outputs; ++i) test.outputs.push_back(file.read_tensor());
  return test;
}

// |y - expected| <= 1e-5 max(1, |expected|): what instruction sets may differ by. A NaN is equal to a NaN.
void check_test_case(const Model& model, const TestCase& test) {
  constexpr double most = 1e-5;
  const List<Tensor> outputs = model.predict_all(test.inputs, {.verbose = 0});
  if (outputs.size() != test.outputs.size())
    throw ValueError("its test case has " + std::to_string(test.outputs.size()) + " outputs, the model " +
                     std::to_string(outputs.size()));
  for (std::size_t i = 0; i < test.outputs.size(); ++i) {
    if (shape(outputs[i]) != shape(test.outputs[i]))
      throw ShapeError("its test case expects output " + std::to_string(i) + " of shape " +
                       to_string(shape(test.outputs[i])) + ", got " + to_string(shape(outputs[i])));
    for (std::size_t k = 0; k < outputs[i].size(); ++k) {
      const double got = outputs[i].data()[k], expected = test.outputs[i].data()[k];
      const bool equal = got == expected || (std::isnan(got) && std::isnan(expected)) ||
                         std::abs(got - expected) <= most * std::max(1.0, std::abs(expected));
      if (!equal)
        throw ValueError("the model fails its test case: expected " + std::to_string(expected) + " at element " +
                         std::to_string(k) + " of output " + std::to_string(i) + ", got " + std::to_string(got));
    }
  }
}

}  // namespace

// ---- models

void Model::save(const Text& path, const SaveOptions& options) const {
  const ModelFormat* const other =
      is_own(path) ? nullptr : &model_format_of(path, "save a model to", ".xl", &ModelFormat::save);
  const WeightsTurn turn(model(), Turn::Of::saving);
  if (other != nullptr) return other->save(*this, path, options);
  Contents contents;
  const bool compiled = options.include_optimizer && this->compiled();
  contents.config.set("xlayers", 1);
  contents.config.set("model", compiled ? to_config() : layer_to_config(*this));
  add_weights(model(), contents);
  if (compiled) add_training(model(), contents);
  if (!options.test_case.empty()) add_test_case(*this, options.test_case, contents);
  write_xl_file(path, options.format, contents.config, contents.tensors);
}

Model load_model(const Text& path, const LoadOptions& options) {
  if (!is_own(path)) {
    const ModelFormat& other = model_format_of(path, "load a model from", ".xl", &ModelFormat::load);
    return in_file(path, "load", [&] { return other.load(path, options); });
  }
  return in_file(path, "load", [&] {
    XlFile file(path);
    return file.checked([&] {
      const Config& config = file.config();
      if (!config.contains("model"))
        throw ValueError("it holds weights alone, which model.load_weights reads into a model");
      std::int64_t numbers = 0;
      for (const TensorEntry& tensor : file.tensors()) numbers += tensor.shape.elements();
      const Model model = [&] {
        const WithoutDrawing without(numbers);
        return model_from_config(config.at("model").as_config(), {.compile = options.compile});
      }();
      auto& base = static_cast<ModelBase&>(model.base());
      if (model.compiled() && config.contains("training"))
        read_weights_and_training(file, base);
      else
        read_weights(file, base);
      std::optional<TestCase> test;
      if (options.check_test_case) {
        if (!config.contains("test_case")) throw ValueError("it has no test case; save takes one: {.test_case = x}");
        test = read_test_case(file);
      }
      file.finish();
      if (test) check_test_case(model, *test);
      return model;
    });
  });
}

}  // namespace xl
