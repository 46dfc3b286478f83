#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "xlayers/framework/base/text.hpp"

namespace xl {

class Value;

/// The options of a layer, an optimizer, an initialiser or a whole model: an ordered list of names
/// and values with Keras' keys. `get_config()` gives one, `from_config()` takes one, and it
/// converts to and from JSON and Boost's text, binary and XML archives without losing a bit.
class Config {
 public:
  using Entry = std::pair<std::string, Value>;
  /// How deep lists and objects may stand in each other when a config is stored or read.
  static constexpr int max_depth = 64;
  /// How many items a list or an object may have then.
  static constexpr std::size_t max_items = 1 << 20;

  Config() = default;
  /// The entries in this order; of a key that comes twice, the first place and the last value.
  Config(std::initializer_list<Entry> entries);
  /// The entries in this order. Throws ValueError if a key comes twice.
  static Config from_entries(std::vector<Entry> entries);

  /// The value of `key`. Throws ValueError that lists the keys there are.
  const Value& at(TextView key) const;
  /// The value of `key`, or nullptr.
  const Value* find(TextView key) const;
  bool contains(TextView key) const { return find(key) != nullptr; }
  /// Replaces the value of `key`, or appends it.
  void set(TextView key, Value value);
  /// Removes `key` if it is there.
  void erase(TextView key);

  const std::vector<Entry>& entries() const { return entries_; }
  std::size_t size() const;
  bool empty() const { return size() == 0; }

  /// As JSON. `indent` < 0: on one line, as Python's json.dumps writes it (`{"units": 32, ...}`).
  /// Throws SerializationError for a NaN or an infinity, which JSON does not have, for a text that
  /// is not UTF-8, and for lists and objects that stand more than `max_depth` deep or have more than `max_items` items.
  std::string to_json(int indent = -1) const;
  /// The inverse, bit by bit. Throws SerializationError that says where the text stops being JSON,
  /// if a key comes twice, if an integer has more than 64 bits, or if the text is not an object.
  static Config from_json(TextView text);

  friend bool operator==(const Config& a, const Config& b);

 private:
  std::vector<Entry> entries_;
};

/// What a config holds: null, a bool, an integer, a number, a text, a list or a config. It never changes, so a copy is cheap.
class Value {
 public:
  using List = std::vector<Value>;
  enum class Kind : std::uint8_t { null, boolean, integer, number, text, list, config };

  Value() = default;
  Value(std::nullptr_t) {}
  template <class Bool>
  requires std::is_same_v<Bool, bool> Value(Bool value) : Value(of_bool(value)) {}
  template <class Integer>
  requires(std::is_integral_v<Integer> && !std::is_same_v<Integer, bool>) Value(Integer value)
      : Value(of_integer(static_cast<std::int64_t>(value))) {}
  Value(double value);
  /// Throws ValueError for a null pointer.
  Value(const char* value);
  Value(std::string value);
  Value(std::string_view value);
  Value(List value);
  Value(Config value);

  Kind kind() const;
  bool is_null() const { return kind() == Kind::null; }
  bool is_string() const { return kind() == Kind::text; }
  bool is_list() const { return kind() == Kind::list; }
  bool is_config() const { return kind() == Kind::config; }

  /// The value as that type; an integer goes as a number too. Throws ValueError that says what
  /// stands there and what was expected.
  bool as_bool() const;
  std::int64_t as_int() const;
  double as_number() const;
  const std::string& as_string() const;
  const List& as_list() const;
  const Config& as_config() const;

  /// The value as compact JSON; for messages. NaN and infinities are written as Python does.
  std::string to_text() const;

  friend bool operator==(const Value& a, const Value& b);

 private:
  struct Data;  // one of the kinds, in value.cpp, which keeps std::variant out of every program
  explicit Value(Data data);
  static Value of_bool(bool value);
  static Value of_integer(std::int64_t value);
  template <class T>
  const T& expect(const char* what) const;

  std::shared_ptr<const Data> data_;  // none for null
};

/// Prints the config as indented JSON.
std::ostream& operator<<(std::ostream& out, const Config& config);

}  // namespace xl
