#pragma once

#include <new>
#include <string>
#include <string_view>

#include "xlayers/framework/base/errors.hpp"

// Internal: errors about a file name it.

namespace xl {

/// What `use` gives. Its errors become SerializationErrors "cannot WHAT 'PATH': ...", unless they name the path already.
template <class Use>
auto in_file(const std::string& path, const char* what, Use use) {
  const auto text = [&](const char* error) { return std::string("cannot ") + what + " '" + path + "': " + error; };
  try {
    return use();
  } catch (const std::bad_alloc&) {
    throw SerializationError(text("there is not enough memory for it"));
  } catch (const Error& error) {
    if (std::string_view(error.what()).find("'" + path + "'") != std::string_view::npos) throw;
    throw SerializationError(text(error.what()));
  }
}

}  // namespace xl
