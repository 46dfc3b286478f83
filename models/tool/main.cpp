// The program `xlayers`. What it has to say goes to the standard output; errors go to the standard error.

#include <exception>
#include <iostream>

#include "xlayers/models/tool/commands.hpp"

namespace {

enum ExitCode { success = 0, failure = 1, wrong_usage = 2 };

int run(int argc, char** argv) {
  CLI::App app(
      "Looks into, converts and runs models of xlayers and Keras.\n"
      "Exit code: 0, 1 for an error in a file or a model, 2 for a command line that it does not understand.",
      "xlayers");
  app.set_version_flag("--version", "xlayers " XLAYERS_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(32);
  app.failure_message([](const CLI::App* all, const CLI::Error& error) {
    const std::vector<CLI::App*> commands = all->get_subcommands();
    const std::string command = commands.empty() ? "" : commands[0]->get_name() + " ";
    return std::string("xlayers: ") + error.what() + "; see xlayers " + command + "--help\n";
  });
  xl::tool::add_summary(app);
  xl::tool::add_convert(app);
  xl::tool::add_predict(app);
  xl::tool::add_check(app);
  xl::tool::add_plot(app);
  xl::tool::add_bench(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? success : wrong_usage;
  }
  return success;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int code = run(argc, argv);
    std::cout.flush();
    if (std::cout) return code;
    std::cerr << "xlayers: cannot write to the standard output\n";
  } catch (const std::exception& error) {
    std::cout.flush();
    std::cerr << "xlayers: " << error.what() << "\n";
  }
  return failure;
}
