#include "xlayers/models/callbacks/file_pattern.hpp"

#include <charconv>
#include <cmath>
#include <functional>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/number_text.hpp"
#include "xlayers/framework/config/value.hpp"

namespace xl {
namespace {

[[noreturn]] void fail(const std::string& pattern, const std::string& text) {
  throw ValueError("cannot make a file name of \"" + pattern + "\": " + text);
}

// [0][width][.precision][type]
struct Spec {
  bool zeros = false;
  int width = 0, precision = -1;
  char type = '\0';
};

Spec parse(const std::string& pattern, const std::string& text) {
  Spec spec;
  const char *at = text.data(), *const end = at + text.size();
  const auto number = [&](int& value) {
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc() || value > 99) fail(pattern, "expected a number up to 99 in \"" + text + "\"");
    at = next;
  };
  if (at != end && *at == '0') spec.zeros = true, ++at;
  if (at != end && *at >= '1' && *at <= '9') number(spec.width);
  if (at != end && *at == '.') ++at, number(spec.precision);
  if (at != end && std::string_view("dfeg").find(*at) != std::string_view::npos) spec.type = *at++;
  const bool takes_precision = spec.type != '\0' && spec.type != 'd';
  if (at != end || (spec.precision >= 0 && !takes_precision))
    fail(pattern, "\"" + text + "\" is no format such as 02d or .4f");
  return spec;
}

std::string formatted(const Spec& spec, double value, bool whole) {
  char digits[400];
  const auto with = [&](std::chars_format format) {
    return std::string(
        digits,
        std::to_chars(digits, digits + sizeof digits, value, format, spec.precision < 0 ? 6 : spec.precision).ptr);
  };
  std::string text;
  if (spec.type == 'f')
    text = with(std::chars_format::fixed);
  else if (spec.type == 'e')
    text = with(std::chars_format::scientific);
  else if (spec.type == 'g')
    text = with(std::chars_format::general);
  else if (whole)
    text = std::to_string(static_cast<std::int64_t>(value));
  else
    text = std::isfinite(value) ? Value(value).to_text() : number_text(value);
  const auto width = static_cast<std::size_t>(spec.width);
  if (text.size() < width)
    text.insert(spec.zeros && text[0] == '-' ? 1 : 0, width - text.size(), spec.zeros ? '0' : ' ');
  return text;
}

// The pattern with what `field(name, format)` says in the place of each {name:format}.
std::string replaced(const std::string& pattern, const std::function<std::string(std::string, Spec)>& field) {
  std::string text;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c != '{' && c != '}') {
      text += c;
      continue;
    }
    if (i + 1 < pattern.size() && pattern[i + 1] == c) {
      text += c, ++i;
      continue;
    }
    const std::size_t end = pattern.find('}', i);
    if (c == '}' || end == std::string::npos) fail(pattern, std::string("there is a '") + c + "' without its pair");
    const std::string inside = pattern.substr(i + 1, end - i - 1);
    const std::size_t colon = std::min(inside.find(':'), inside.size());
    text += field(inside.substr(0, colon), parse(pattern, inside.substr(std::min(colon + 1, inside.size()))));
    i = end;
  }
  return text;
}

}  // namespace

std::string fill_pattern(const std::string& pattern, const Logs& numbers) {
  return replaced(pattern, [&](const std::string& name, const Spec& spec) {
    const auto found = numbers.find(name);
    const bool whole = name == "epoch" || name == "batch";
    if (found == numbers.end())
      fail(pattern,
           "there is no '" + name + "'; there are " + joined(numbers, [](const auto& number) { return number.first; }));
    if (spec.type == 'd' && !whole) fail(pattern, "'" + name + "' is no whole number, which a d is for");
    return formatted(spec, found->second, whole);
  });
}

void check_pattern(const std::string& pattern) {
  replaced(pattern, [](const std::string&, const Spec&) { return std::string(); });
}

}  // namespace xl
