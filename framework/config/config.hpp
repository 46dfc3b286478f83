#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

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

  Config() = default;
  /// The entries in this order; of a key that comes twice, the first place and the last value.
  Config(std::initializer_list<Entry> entries);
  /// The entries in this order. Throws ValueError if a key comes twice.
  static Config from_entries(std::vector<Entry> entries);

  /// The value of `key`. Throws ValueError that lists the keys there are.
  const Value& at(std::string_view key) const;
  /// The value of `key`, or nullptr.
  const Value* find(std::string_view key) const;
  bool contains(std::string_view key) const { return find(key) != nullptr; }
  /// Replaces the value of `key`, or appends it.
  void set(std::string_view key, Value value);
  /// Removes `key` if it is there.
  void erase(std::string_view key);

  const std::vector<Entry>& entries() const { return entries_; }
  std::size_t size() const;
  bool empty() const { return size() == 0; }

  /// As JSON. `indent` < 0: on one line, as Python's json.dumps writes it (`{"units": 32, ...}`).
  /// Throws SerializationError for a NaN or an infinity, which JSON does not have, for a text that
  /// is not UTF-8, and for lists and objects that stand more than `max_depth` deep.
  std::string to_json(int indent = -1) const;
  /// The inverse, bit by bit. Throws SerializationError that says where the text stops being JSON,
  /// if a key comes twice, if an integer has more than 64 bits, or if the text is not an object.
  static Config from_json(std::string_view text);

  friend bool operator==(const Config& a, const Config& b);

 private:
  std::vector<Entry> entries_;
};

/// What a config holds: null, a bool, an integer, a number, a text, a list or a config.
class Value {
 public:
  using List = std::vector<Value>;

  Value();
  ~Value();
  Value(const Value& other);
  Value(Value&& other) noexcept;
  Value& operator=(const Value& other);
  Value& operator=(Value&& other) noexcept;

  Value(std::nullptr_t) : Value() {}
  template <class Bool>
  requires std::is_same_v<Bool, bool> Value(Bool value) : data_(value) {}
  template <class Integer>
  requires(std::is_integral_v<Integer> && !std::is_same_v<Integer, bool>) Value(Integer value)
      : data_(static_cast<std::int64_t>(value)) {}
  Value(double value) : data_(value) {}
  Value(const char* value) : data_(std::string(value)) {}
  Value(std::string value) : data_(std::move(value)) {}
  Value(std::string_view value) : data_(std::string(value)) {}
  Value(List value) : data_(std::move(value)) {}
  Value(Config value) : data_(std::move(value)) {}

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  bool is_string() const { return std::holds_alternative<std::string>(data_); }
  bool is_list() const { return std::holds_alternative<List>(data_); }
  bool is_config() const { return std::holds_alternative<Config>(data_); }

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

  using Data = std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Config>;
  const Data& data() const { return data_; }

  friend bool operator==(const Value& a, const Value& b);

 private:
  Data data_;
};

/// Prints the config as indented JSON.
std::ostream& operator<<(std::ostream& out, const Config& config);

/// The formats in which a config can be stored.
enum class Format : std::uint8_t { json, text, binary, xml };

/// Writes `config`. JSON is plain text; the other three are Boost archives behind a header with
/// magic, format version, length and checksum. Throws SerializationError if the stream fails.
void save_config(std::ostream& out, const Config& config, Format format);
/// Reads what save_config wrote. Throws SerializationError for a stream that is cut short, changed,
/// of another format or from a newer version; never crashes, and never allocates more than the
/// stream holds.
Config load_config(std::istream& in, Format format);

// ---- one description of the options

/// How an option of type T becomes a value, and the other way. Any type can be an option that has
/// these two beside it: `Value to_value(const T&)` and `void from_value(const Value&, T&)`.
/// from_value throws ValueError that says what stands there and what was expected, and then leaves
/// the option as it was.
Value to_value(bool option);
Value to_value(int option);
Value to_value(std::int64_t option);
/// As the shortest decimal number that reads back as the same float: 0.1f is stored as 0.1.
Value to_value(float option);
Value to_value(double option);
Value to_value(const std::string& option);
template <class T>
Value to_value(const std::optional<T>& option);
template <class T>
Value to_value(const std::vector<T>& option);

void from_value(const Value& value, bool& option);
void from_value(const Value& value, int& option);
void from_value(const Value& value, std::int64_t& option);
/// Throws ValueError for a NaN, an infinity, or what is an infinity as a float.
void from_value(const Value& value, float& option);
/// Throws ValueError for a NaN or an infinity.
void from_value(const Value& value, double& option);
void from_value(const Value& value, std::string& option);
/// null is nullopt.
template <class T>
void from_value(const Value& value, std::optional<T>& option);
template <class T>
void from_value(const Value& value, std::vector<T>& option);

/// Reads or writes the options of an object, name by name, so that one function describes both
/// ways:
///
///     void serialize(Archive& archive, Options& options) {
///       archive("units", options.units)("activation", options.activation);
///     }
class Archive {
 public:
  /// An archive that writes into `config`.
  static Archive writer(Config& config) { return Archive(&config, nullptr, {}); }
  /// An archive that reads from `config`; keys that are missing leave the option as it is. `owner`
  /// is named in errors, such as "Dense 'dense_1'".
  static Archive reader(const Config& config, std::string owner) { return Archive(nullptr, &config, std::move(owner)); }

  bool writing() const { return out_ != nullptr; }

  template <class T>
  Archive& operator()(const char* key, T& option) {
    if (writing()) {
      write(key, to_value(option));
    } else if (const Value* value = read(key)) {
      try {
        from_value(*value, option);
      } catch (const std::exception& error) {
        fail(key, error);
      }
    }
    return *this;
  }

  /// The same for an option that Keras writes only if it is set: a null is not written.
  template <class T>
  Archive& optional(const char* key, T& option) {
    return writing() && to_value(option).is_null() ? *this : (*this)(key, option);
  }

  /// Accepts `key` when reading and drops it: for keys of Keras that mean nothing here. Writes
  /// nothing.
  Archive& ignore(const char* key);

  /// Call after reading: throws ValueError if the config has a key that nobody asked for; the text
  /// names it and the keys there are.
  void finish() const;

 private:
  Archive(Config* out, const Config* in, std::string owner);
  void write(const char* key, Value value);
  const Value* read(const char* key);
  [[noreturn]] void fail(const char* key, const std::exception& error) const;

  Config* out_;
  const Config* in_;
  std::string owner_;
  std::vector<std::string> known_;
};

template <class T>
Value to_value(const std::optional<T>& option) {
  return option ? to_value(*option) : Value();
}

template <class T>
Value to_value(const std::vector<T>& option) {
  Value::List list;
  list.reserve(option.size());
  for (const T& item : option) list.push_back(to_value(item));
  return Value(std::move(list));
}

template <class T>
void from_value(const Value& value, std::optional<T>& option) {
  if (value.is_null()) {
    option.reset();
  } else {
    T inner{};
    from_value(value, inner);
    option = std::move(inner);
  }
}

template <class T>
void from_value(const Value& value, std::vector<T>& option) {
  std::vector<T> items;
  for (const Value& item : value.as_list()) {
    T inner{};
    from_value(item, inner);
    items.push_back(std::move(inner));
  }
  option = std::move(items);
}

}  // namespace xl
