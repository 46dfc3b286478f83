#pragma once

// Internal: structs of options. Each has `static constexpr auto class_name`, and beside it, in its namespace and in the
// source of what is made from it, `void serialize(Archive&, Options&)` describes it for reading and for writing.

#include <string>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/archive.hpp"

namespace xl::detail {

template <class Options>
Config write_options(Options options) {
  Config config;
  Archive archive = Archive::writer(config);
  serialize(archive, options);
  return config;
}

/// Throws ValueError for a key that is not known, and for a value that does not fit.
template <class Options>
Options read_options(const Config& config) {
  Options options;
  Archive archive = Archive::reader(config, Options::class_name);
  serialize(archive, options);
  archive.finish();
  return options;
}

/// Throws ValueError, "[Adam 'adam'] beta_1 is 1.5, expected a number in [0, 1)", unless the option is good.
inline void check_option(const std::string& label, const std::string& option, const Value& got, bool good,
                         const std::string& expected) {
  if (!good) throw ValueError(label + option + " is " + got.to_text() + ", expected " + expected);
}
/// The same for these options, which have no name.
template <class Options>
requires requires { Options::class_name; }
void check_option(const Options&, const char* option, const Value& got, bool good, const char* expected) {
  check_option(error_label(Options::class_name, ""), option, got, good, expected);
}

}  // namespace xl::detail
