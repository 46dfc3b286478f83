#include "xlayers/framework/config/config.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <ostream>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"

namespace xl {

Value::Value() = default;
Value::~Value() = default;
Value::Value(const Value& other) = default;
Value::Value(Value&& other) noexcept = default;
Value& Value::operator=(const Value& other) = default;
Value& Value::operator=(Value&& other) noexcept = default;

namespace {

std::string shown(const Value& value) { return shortened(value.to_text()); }

template <class T>
const T& expect(const Value& value, const char* what) {
  if (const T* held = std::get_if<T>(&value.data())) return *held;
  throw ValueError(std::string("expected ") + what + ", got " + shown(value));
}

}  // namespace

// ---- Config

Config::Config(std::initializer_list<Entry> entries) {
  for (const Entry& entry : entries) set(entry.first, entry.second);
}

Config Config::from_entries(std::vector<Entry> entries) {
  std::vector<std::string_view> keys;
  keys.reserve(entries.size());
  for (const Entry& entry : entries) keys.push_back(entry.first);
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice != keys.end()) throw ValueError("the key '" + std::string(*twice) + "' comes twice in one config");
  Config config;
  config.entries_ = std::move(entries);
  return config;
}

std::size_t Config::size() const { return entries_.size(); }

const Value* Config::find(std::string_view key) const {
  for (const Entry& entry : entries_)
    if (entry.first == key) return &entry.second;
  return nullptr;
}

const Value& Config::at(std::string_view key) const {
  if (const Value* value = find(key)) return *value;
  const std::string keys = joined(entries_, [](const Entry& entry) { return entry.first; });
  throw ValueError("no key '" + std::string(key) + "' in the config; " +
                   (empty() ? "it has none" : "its keys are " + keys));
}

void Config::set(std::string_view key, Value value) {
  for (Entry& entry : entries_) {
    if (entry.first == key) {
      entry.second = std::move(value);
      return;
    }
  }
  entries_.emplace_back(std::string(key), std::move(value));
}

void Config::erase(std::string_view key) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.first == key; });
}

bool operator==(const Config& a, const Config& b) { return a.entries_ == b.entries_; }

std::ostream& operator<<(std::ostream& out, const Config& config) { return out << config.to_json(2); }

// ---- Value

bool Value::as_bool() const { return expect<bool>(*this, "true or false"); }

std::int64_t Value::as_int() const { return expect<std::int64_t>(*this, "an integer"); }

double Value::as_number() const {
  if (const auto* integer = std::get_if<std::int64_t>(&data_)) return static_cast<double>(*integer);
  return expect<double>(*this, "a number");
}

const std::string& Value::as_string() const { return expect<std::string>(*this, "a text"); }

const Value::List& Value::as_list() const { return expect<List>(*this, "a list"); }

const Config& Value::as_config() const { return expect<Config>(*this, "an object"); }

bool operator==(const Value& a, const Value& b) { return a.data_ == b.data_; }

// ---- options

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
