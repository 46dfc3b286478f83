// xlayers plot MODEL -o graph.svg

#include <filesystem>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/whole_file.hpp"
#include "xlayers/models/model/model_to_dot.hpp"
#include "xlayers/models/tool/commands.hpp"
#include "xlayers/models/tool/graphviz.hpp"
#include "xlayers/models/tool/model_at.hpp"

namespace xl::tool {
namespace {

bool is_dot(const std::string& format) { return format == "dot" || format == "gv"; }

/// What a path ends in. Throws ValueError if nothing is drawn into such a file.
std::string format_of(const std::string& path) {
  const std::string ending = std::filesystem::path(path).extension();
  if (ending == ".dot" || ending == ".gv" || (can_draw() && (ending == ".svg" || ending == ".png" || ending == ".pdf")))
    return ending.substr(1);
  throw ValueError(
      "cannot draw into '" + path + "': expected a path that ends in .dot" +
      (can_draw() ? ", .svg, .png or .pdf" : ": this program was built without Graphviz, whose `dot` draws that"));
}

}  // namespace

void add_plot(CLI::App& app) {
  struct Arguments {
    std::string model, output, rankdir = "TB";
    bool names_alone = false, dtypes = false, activations = false, trainable = false, nested = false;
  };
  const auto given = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("plot", "Draws the graph of a model: layers, shapes, arrows");
  command->add_option("MODEL", given->model, "A model: .xl, .keras or .json")->required();
  command->add_option("-o,--output", given->output, "The picture: .svg, .png, .pdf, or .dot as text")->required();
  command->add_option("--rankdir", given->rankdir, "Data goes down, up, to the right or to the left")
      ->check(CLI::IsMember({"TB", "BT", "LR", "RL"}))
      ->capture_default_str();
  command->add_flag("--expand-nested", given->nested, "Models inside are drawn with what is in them");
  command->add_flag("--names-alone", given->names_alone, "No shapes");
  command->add_flag("--dtypes", given->dtypes, "What tensors are made of, too");
  command->add_flag("--activations", given->activations, "The activations of layers, too");
  command->add_flag("--trainable", given->trainable, "Which layers are trainable, too");
  command->callback([given] {
    const std::string format = format_of(given->output);
    const std::string dot = model_to_dot(model_at(given->model), {.show_shapes = !given->names_alone,
                                                                  .show_dtype = given->dtypes,
                                                                  .rankdir = given->rankdir,
                                                                  .expand_nested = given->nested,
                                                                  .show_layer_activations = given->activations,
                                                                  .show_trainable = given->trainable});
    write_whole_file(given->output, is_dot(format) ? dot : drawn(dot, format));
  });
}

}  // namespace xl::tool
