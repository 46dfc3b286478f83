#pragma once

#include <map>
#include <string>

#include "xlayers/models/console/logs.hpp"

// Internal: the names of files that hold numbers.

namespace xl {

/// "{epoch:02d}-{val_loss:.2f}.xl" with the numbers put in, of which "epoch" and "batch" are whole: as Python's str.format with
/// nothing but a width, which a 0 in front fills with zeros, and the types d, f, e and g, with a precision; `{{` is a brace.
///
/// Throws ValueError that quotes the pattern if it is none, and for a name that is not among the numbers.
std::string fill_pattern(const std::string& pattern, const Logs& numbers);

/// Throws as fill_pattern for what is no pattern, whatever the names.
void check_pattern(const std::string& pattern);

}  // namespace xl
