#pragma once

#include <string>

// Internal: pictures of graphs.

namespace xl::tool {

/// Whether the program was built with Graphviz.
bool can_draw();

/// The graph, in the language DOT, as a picture: "svg", "png" or "pdf". Throws ValueError if Graphviz cannot make it.
std::string drawn(const std::string& dot, const std::string& format);

}  // namespace xl::tool
