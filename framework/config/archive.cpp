#include "xlayers/framework/config/archive.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"

namespace xl {

Value to_value(bool option) { return option; }
Value to_value(int option) { return option; }
Value to_value(std::int64_t option) { return option; }
Value to_value(double option) { return option; }
Value to_value(const std::string& option) { return option; }

Value to_value(float option) {
  if (!std::isfinite(option)) return static_cast<double>(option);
  char text[32];
  const char* end = std::to_chars(text, text + sizeof text, option).ptr;
  double shortest = 0;
  std::from_chars(text, end, shortest);
  return shortest;
}

void from_value(const Value& value, bool& option) { option = value.as_bool(); }

void from_value(const Value& value, std::int64_t& option) { option = value.as_int(); }

void from_value(const Value& value, int& option) {
  const std::int64_t integer = value.as_int();
  if (integer < std::numeric_limits<int>::min() || integer > std::numeric_limits<int>::max())
    throw ValueError("expected an integer of 32 bits, got " + value.to_text());
  option = static_cast<int>(integer);
}

void from_value(const Value& value, double& option) {
  const double number = value.as_number();
  if (!std::isfinite(number)) throw ValueError("expected a finite number, got " + value.to_text());
  option = number;
}

void from_value(const Value& value, float& option) {
  double number = 0;
  from_value(value, number);
  // Beyond the largest float by half a unit in the last place or more, rounding gives an infinity.
  if (std::abs(number) >= 0x1.ffffffp127)
    throw ValueError("expected a number that fits into a float, got " + value.to_text());
  option = static_cast<float>(number);
}

void from_value(const Value& value, std::string& option) { option = value.as_string(); }

// ---- Archive

Archive::Archive(Config* out, const Config* in, std::string owner) : out_(out), in_(in), owner_(std::move(owner)) {}

Archive& Archive::only(const char* key, const Value& value) {
  if (writing()) {
    write(key, value);
  } else if (const Value* given = read(key); given != nullptr && *given != value) {
    fail(key, ValueError("only " + value.to_text() + " is supported, got " + given->to_text()));
  }
  return *this;
}

Archive& Archive::unused(const char* key, const Value& value) {
  if (writing()) write(key, value);
  return ignore(key);
}

Archive& Archive::ignore(const char* key) {
  if (!writing()) known_.emplace_back(key);
  return *this;
}

void Archive::write(const char* key, Value value) { out_->set(key, std::move(value)); }

const Value* Archive::read(const char* key) {
  known_.emplace_back(key);
  return in_->find(key);
}

void Archive::fail(const char* key, const std::exception& error) const {
  const std::string where = owner_.empty() ? "" : "[" + owner_ + "] ";
  throw ValueError(where + "option '" + key + "': " + error.what());
}

void Archive::finish() const {
  if (writing()) return;
  const std::string where = owner_.empty() ? "" : "[" + owner_ + "] ";
  for (const auto& [key, value] : in_->entries()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    if (known_.empty()) throw ValueError(where + "unknown option '" + key + "'; there are no options");
    throw ValueError(where + "unknown option '" + key + "'; the options are " + joined(known_));
  }
}

}  // namespace xl
