#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "xlayers/framework/config/value.hpp"

namespace xl {

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

  /// An option of Keras that has one value here, since what it would choose is not supported: written with that value,
  /// and read only if it is that.
  Archive& only(const char* key, const Value& value);
  /// An option of Keras that counts only beside another, which is off here: written with that value, and read whatever it is.
  Archive& unused(const char* key, const Value& value);

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
