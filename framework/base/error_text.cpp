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

std::string shortened(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  std::size_t end = most - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

void check_known(const std::string& label, const char* option, const std::string& value,
                 std::initializer_list<std::string_view> known) {
  if (std::find(known.begin(), known.end(), value) == known.end())
    throw ValueError(label + "unknown " + option + " '" + value + "'; known are " + joined(known));
}

}  // namespace xl
