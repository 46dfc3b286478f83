#pragma once

#include <CLI/CLI.hpp>

// Internal: the commands of the program. Each stands in a file of its own, and is run while the arguments are read.

namespace xl::tool {

void add_summary(CLI::App& app);
void add_convert(CLI::App& app);
void add_predict(CLI::App& app);
void add_check(CLI::App& app);
void add_plot(CLI::App& app);
void add_bench(CLI::App& app);

}  // namespace xl::tool
