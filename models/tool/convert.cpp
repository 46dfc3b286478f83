// xlayers convert IN OUT

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/models/tool/commands.hpp"
#include "xlayers/models/tool/data_files.hpp"
#include "xlayers/models/tool/model_at.hpp"

namespace xl::tool {
namespace {

struct Arguments {
  std::string in, out, model, format = "binary";
  std::vector<std::string> test_case;
  bool no_compile = false;
};

Model read(const Arguments& given) {
  const LoadOptions options{.compile = !given.no_compile};
  if (!holds_weights_alone(given.in)) {
    if (!given.model.empty())
      throw ValueError("'" + given.in + "' holds a model: --model is for a file of weights alone");
    return model_at(given.in, options);
  }
  if (given.model.empty())
    throw ValueError("'" + given.in + "' holds weights alone: name the model that they are for, --model MODEL");
  const Model model = model_at(given.model, options);
  model.load_weights(given.in);
  return model;
}

void write(const Model& model, const Arguments& given) {
  const Format format = given.format == "xml" ? Format::xml : given.format == "text" ? Format::text : Format::binary;
  const bool weights_alone = given.out.ends_with(".safetensors") || given.out.ends_with(".h5");
  if (!weights_alone)
    return model.save(given.out, {.format = format, .test_case = read_inputs(given.test_case, {}, model)});
  if (!given.test_case.empty()) throw ValueError("a file of weights has no test case");
  model.save_weights(given.out, format);
}

}  // namespace

void add_convert(CLI::App& app) {
  const auto given = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("convert", "Writes a model, or its weights, into a file of another kind");
  command->add_option("IN", given->in, "A model, .xl, .keras or .json; or weights, .xl, .safetensors, .weights.h5")
      ->required();
  command->add_option("OUT", given->out, "A model, .xl or .keras; or weights, .safetensors, .weights.h5")->required();
  command->add_option("--model", given->model, "The model that IN's weights are for: .xl, .keras or .json");
  command->add_option("--format", given->format, "How an .xl file is written")
      ->check(CLI::IsMember({"binary", "text", "xml"}))
      ->capture_default_str();
  command->add_option("--test-case", given->test_case,
                      "Inputs that go into an .xl file with their outputs, as predict takes them");
  command->add_flag("--no-compile", given->no_compile,
                    "Leave out how the model is compiled, and the optimizer's state");
  command->callback([given] { write(read(*given), *given); });
}

}  // namespace xl::tool
