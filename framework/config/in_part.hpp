#pragma once

#include <string>
#include <string_view>
#include <type_traits>

#include "xlayers/framework/base/errors.hpp"

namespace xl {

/// What `read` gives. A ValueError of it that begins with no label yet is told what it is about:
/// "[Functional 'm'] input_layers: expected a list, got 3", with `label` "[Functional 'm'] " and `part` "input_layers".
template <class Read>
std::invoke_result_t<Read> in_part(const std::string& label, const std::string& part, Read read) {
  try {
    return read();
  } catch (const ValueError& error) {
    if (std::string_view(error.what()).starts_with('[')) throw;
    throw ValueError(label + part + ": " + error.what());
  }
}

}  // namespace xl
