#include "xlayers/framework/base/number_text.hpp"

#include <charconv>

#include "xlayers/framework/base/errors.hpp"

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
double number_of(const std::string& text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [next, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || next != end) throw ValueError("expected a number, got '" + text + "'");
  return number;
}

std::string fixed_text(double number, int digits) { return text_of(number, std::chars_format::fixed, digits); }
std::string scientific_text(double number, int digits) {
  return text_of(number, std::chars_format::scientific, digits);
}

}  // namespace xl
