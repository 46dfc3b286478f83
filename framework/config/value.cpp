#include "xlayers/framework/config/value.hpp"

#include <algorithm>
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

Value::Value(const char* value) {
  if (value == nullptr) throw ValueError("expected a text, got a null pointer");
  data_ = std::string(value);
}

namespace {

template <class T>
const T& expect(const Value& value, const char* what) {
  if (const T* held = std::get_if<T>(&value.data())) return *held;
  throw ValueError(std::string("expected ") + what + ", got " + shortened(value.to_text()));
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

const Value* Config::find(TextView key) const {
  for (const Entry& entry : entries_)
    if (entry.first == key) return &entry.second;
  return nullptr;
}

const Value& Config::at(TextView key) const {
  if (const Value* value = find(key)) return *value;
  const std::string keys = joined(entries_, [](const Entry& entry) { return entry.first; });
  throw ValueError("no key '" + std::string(key) + "' in the config; " +
                   (empty() ? "it has none" : "its keys are " + keys));
}

void Config::set(TextView key, Value value) {
  for (Entry& entry : entries_) {
    if (entry.first == key) {
      entry.second = std::move(value);
      return;
    }
  }
  entries_.emplace_back(std::string(key), std::move(value));
}

void Config::erase(TextView key) {
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

}  // namespace xl
