#pragma once

#include <string>

namespace xl {

// Letters of names, which are ASCII: std::tolower and its like depend on the locale (in Turkish, I is no capital of i).

inline bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
inline bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
inline char to_lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }
inline std::string to_lower(std::string text) {
  for (char& c : text) c = to_lower(c);
  return text;
}

}  // namespace xl
