#include "xlayers/framework/base/error_text.hpp"

#include <algorithm>

#include "xlayers/framework/base/errors.hpp"

namespace xl {

std::string error_label(std::string_view class_name, std::string_view name) {
  std::string label = "[";
  label += class_name;
  if (!name.empty()) label.append(" '").append(name).append("'");
  return label + "] ";
}

std::string shortened(std::string text) {
  if (text.size() > 100) text = text.substr(0, 97) + "...";
  return text;
}

void check_known(const std::string& label, const char* option, const std::string& value,
                 std::initializer_list<std::string_view> known) {
  if (std::find(known.begin(), known.end(), value) == known.end())
    throw ValueError(label + "unknown " + option + " '" + value + "'; known are " + joined(known));
}

}  // namespace xl
