// xlayers summary FILE

#include <iostream>

#include "xlayers/models/files/in_file.hpp"
#include "xlayers/models/files/model_format.hpp"
#include "xlayers/models/files/safetensors_file.hpp"
#include "xlayers/models/tool/commands.hpp"
#include "xlayers/models/tool/model_at.hpp"

namespace xl::tool {
namespace {

void print_weight(const std::string& name, const std::string& type, const Shape& shape) {
  std::cout << name << " " << type << " " << to_string(shape) << "\n";
}

void print_weights(const std::string& path) {
  if (path.ends_with(".safetensors")) {
    const SafetensorsFile file(path);
    for (const SafetensorsFile::Entry& entry : file.tensors()) print_weight(entry.name, entry.type_name, entry.shape);
    return;
  }
  const std::vector<TensorEntry> tensors =
      path.ends_with(".xl")
          ? XlFile(path).tensors()
          : model_format_of(path, "list the weights of", ".xl or .safetensors", &ModelFormat::list_weights)
                .list_weights(path);
  for (const TensorEntry& entry : tensors) print_weight(entry.name, to_string(entry.dtype), entry.shape);
}

}  // namespace

void add_summary(CLI::App& app) {
  struct Arguments {
    std::string file;
    int width = 0;
  };
  const auto given = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("summary", "Shows the layers of a model, or the tensors of a file of weights");
  command->add_option("FILE", given->file, "A model, .xl, .keras or .json; or weights, .xl, .safetensors, .weights.h5")
      ->required();
  command->add_option("--width", given->width, "Characters of a line; else as many as the terminal has")
      ->check(CLI::Range(40, 1000));
  command->callback([given] {
    if (holds_weights_alone(given->file))
      print_weights(given->file);
    else
      model_at(given->file).summary(std::cout, given->width);
  });
}

}  // namespace xl::tool
