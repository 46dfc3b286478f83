#pragma once

#include <iosfwd>

namespace xl {

/// Whether `out` is std::cout, std::cerr or std::clog and ends on a terminal.
bool is_terminal(const std::ostream& out);

/// The terminal's width in characters; 80 if `out` is not one or if it does not say.
int terminal_width(const std::ostream& out);

}  // namespace xl
