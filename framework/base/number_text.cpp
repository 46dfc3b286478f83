#include "xlayers/framework/base/number_text.hpp"

#include <charconv>

namespace xl {
namespace {

// The largest double has 309 digits before the point.
template <class... How>
std::string text_of(How... how) {
  char text[400];
  return std::string(text, std::to_chars(text, text + sizeof text, how...).ptr);
}

}  // namespace

std::string number_text(float number) { return text_of(number); }
std::string number_text(double number) { return text_of(number); }
std::string fixed_text(double number, int digits) { return text_of(number, std::chars_format::fixed, digits); }
std::string scientific_text(double number, int digits) {
  return text_of(number, std::chars_format::scientific, digits);
}

}  // namespace xl
