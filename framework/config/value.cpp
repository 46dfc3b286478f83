#include "xlayers/framework/config/value.hpp"

#include <algorithm>
#include <ostream>
#include <variant>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"

namespace xl {

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

// In the order of the kinds.
struct Value::Data : std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Config> {
  using variant::variant;
};

Value::Value(Data data) : data_(std::make_shared<const Data>(std::move(data))) {}
Value Value::of_bool(bool value) { return Value(Data(value)); }
Value Value::of_integer(std::int64_t value) { return Value(Data(value)); }
Value::Value(double value) : Value(Data(value)) {}
Value::Value(std::string value) : Value(Data(std::move(value))) {}
Value::Value(std::string_view value) : Value(std::string(value)) {}
Value::Value(List value) : Value(Data(std::move(value))) {}
Value::Value(Config value) : Value(Data(std::move(value))) {}
Value::Value(const char* value) {
  if (value == nullptr) throw ValueError("expected a text, got a null pointer");
  *this = std::string(value);
}

Value::Kind Value::kind() const { return data_ ? static_cast<Kind>(data_->index()) : Kind::null; }

template <class T>
const T& Value::expect(const char* what) const {
  if (const T* held = data_ ? std::get_if<T>(data_.get()) : nullptr) return *held;
  throw ValueError(std::string("expected ") + what + ", got " + shortened(to_text()));
}

bool Value::as_bool() const { return expect<bool>("true or false"); }

std::int64_t Value::as_int() const { return expect<std::int64_t>("an integer"); }

double Value::as_number() const {
  return kind() == Kind::integer ? static_cast<double>(as_int()) : expect<double>("a number");
}

const std::string& Value::as_string() const { return expect<std::string>("a text"); }

const Value::List& Value::as_list() const { return expect<List>("a list"); }

const Config& Value::as_config() const { return expect<Config>("an object"); }

bool operator==(const Value& a, const Value& b) {
  if (a.is_null() || b.is_null()) return a.is_null() && b.is_null();
  return *a.data_ == *b.data_;
}

}  // namespace xl
