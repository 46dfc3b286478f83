#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace xl {

namespace detail {

/// Throws ValueError for a null pointer, as std::getenv may give one.
const char* not_null(const char* text);

}  // namespace detail

/// A std::string among the options and arguments. Throws ValueError for a null pointer.
class Text : public std::string {
 public:
  Text() = default;
  Text(std::string text) : std::string(std::move(text)) {}
  Text(const char* text) : std::string(detail::not_null(text)) {}
  Text(std::nullptr_t) = delete;
};

/// The same for a std::string_view.
class TextView : public std::string_view {
 public:
  TextView(std::string_view text) : std::string_view(text) {}
  TextView(const std::string& text) : std::string_view(text) {}
  TextView(const char* text) : std::string_view(detail::not_null(text)) {}
  TextView(std::nullptr_t) = delete;
};

}  // namespace xl
