#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

namespace xl {

// How errors are worded.

/// "[Dense 'dense_1'] ", what an error of a layer begins with; "[Dense] " if it has no name yet.
std::string error_label(std::string_view class_name, std::string_view name);

/// "a, b, c". `name(item)` is what stands for an item.
template <class Items, class Name>
std::string joined(const Items& items, Name name) {
  std::string text;
  for (const auto& item : items) {
    if (!text.empty()) text += ", ";
    text += name(item);
  }
  return text;
}
template <class Items>
std::string joined(const Items& items) {
  return joined(items, [](std::string_view item) { return item; });
}

/// The text, or its beginning and "..." if it has more than `most` bytes; no UTF-8 character is cut.
std::string shortened(std::string_view text, std::size_t most = 100);

/// Throws ValueError, "LABELunknown OPTION 'VALUE'; known are a, b, c", unless `value` is one of `known`.
void check_known(const std::string& label, const char* option, const std::string& value,
                 std::initializer_list<std::string_view> known);

}  // namespace xl
