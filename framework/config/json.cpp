// Config as JSON: written as Python's json.dumps writes it, read by nlohmann/json's event parser.

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/config.hpp"

namespace xl {
namespace {

using Json = nlohmann::ordered_json;

// ---- writing

/// The shortest digits that read back as the same number, laid out as Python's repr: an exponent
/// from 1e16 and below 1e-4, and ".0" behind an integer, so that a number stays a number.
std::string python_repr(double number) {
  char text[64];
  char* const end = text + sizeof text;
  const double size = std::abs(number);
  const bool fixed = size == 0 || (size >= 1e-4 && size < 1e16);
  const auto format = fixed ? std::chars_format::fixed : std::chars_format::scientific;
  const std::string digits(text, std::to_chars(text, end, number, format).ptr);
  return fixed && digits.find('.') == std::string::npos ? digits + ".0" : digits;
}

struct Writer {
  int indent;   // < 0: one line
  bool strict;  // what JSON does not have is an error; else, for messages, it is written somehow
  std::string out = {};

  void write(const Value& value, int depth) {
    switch (value.kind()) {
      case Value::Kind::null:
        out += "null";
        break;
      case Value::Kind::boolean:
        out += value.as_bool() ? "true" : "false";
        break;
      case Value::Kind::integer:
        out += std::to_string(value.as_int());
        break;
      case Value::Kind::number:
        write(value.as_number());
        break;
      case Value::Kind::text:
        write(value.as_string());
        break;
      case Value::Kind::list:
        write(value.as_list(), depth);
        break;
      case Value::Kind::config:
        write(value.as_config(), depth);
        break;
    }
  }

  void write(double value) {
    if (std::isfinite(value)) {
      out += python_repr(value);
    } else if (strict) {
      throw SerializationError("a config holds finite numbers only, got " + Value(value).to_text());
    } else {
      out += std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
    }
  }

  void write(const std::string& text) {
    try {
      const auto invalid = strict ? Json::error_handler_t::strict : Json::error_handler_t::replace;
      out += Json(text).dump(-1, ' ', strict, invalid);
    } catch (const Json::exception&) {
      throw SerializationError("a text is not UTF-8: " + Value(text).to_text());
    }
  }

  void write(const Value::List& list, int depth) {
    brackets('[', ']', list, depth, [&](const Value& item) { write(item, depth + 1); });
  }

  void write(const Config& config, int depth) {
    brackets('{', '}', config.entries(), depth, [&](const Config::Entry& entry) {
      write(entry.first);
      out += ": ";
      write(entry.second, depth + 1);
    });
  }

  template <class Items, class WriteItem>
  void brackets(char open, char close, const Items& items, int depth, WriteItem write_item) {
    if (strict && depth >= Config::max_depth)
      throw SerializationError("a config is more than " + std::to_string(Config::max_depth) + " levels deep");
    if (strict && items.size() > Config::max_items)
      throw SerializationError("a list in a config has more than " + std::to_string(Config::max_items) + " items");
    out += open;
    bool first = true;
    for (const auto& item : items) {
      if (!first) out += indent < 0 ? ", " : ",";
      first = false;
      new_line(depth + 1);
      write_item(item);
    }
    if (!first) new_line(depth);
    out += close;
  }

  void new_line(int depth) {
    if (indent >= 0) out.append(1, '\n').append(static_cast<std::size_t>(indent * depth), ' ');
  }
};

// ---- reading

[[noreturn]] void refuse(const std::string& why) { throw SerializationError("cannot read a config from JSON: " + why); }

/// Takes the parser's events and builds the values; what is open stands on a stack.
class Reader : public nlohmann::json_sax<Json> {
 public:
  Value result;

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(std::int64_t value) override { return add(value); }
  bool number_unsigned(std::uint64_t value) override {
    if (value > static_cast<std::uint64_t>(INT64_MAX)) too_large(std::to_string(value));
    return add(static_cast<std::int64_t>(value));
  }
  bool number_float(double value, const std::string& text) override {
    if (text.find_first_not_of("-0123456789") == std::string::npos) too_large(text);
    // The parser has the point of the locale, and reads with it if that is one byte.
    std::string with_point = text;
    for (char& c : with_point)
      if (std::string_view("+-0123456789eE").find(c) == std::string_view::npos) c = '.';
    std::from_chars(with_point.data(), with_point.data() + with_point.size(), value);
    return add(value);
  }
  bool string(std::string& text) override { return add(std::move(text)); }
  bool binary(Json::binary_t&) override { refuse("binary data"); }

  bool start_object(std::size_t) override { return open(true); }
  bool key(std::string& key) override {
    open_.back().key = std::move(key);
    return true;
  }
  bool end_object() override {
    auto entries = std::move(open_.back().entries);
    open_.pop_back();
    try {
      return add(Config::from_entries(std::move(entries)));
    } catch (const ValueError& error) {
      refuse(error.what());
    }
  }

  bool start_array(std::size_t) override { return open(false); }
  bool end_array() override {
    auto list = std::move(open_.back().list);
    open_.pop_back();
    return add(std::move(list));
  }

  bool parse_error(std::size_t, const std::string&, const Json::exception& error) override {
    const std::string text = error.what();  // "[json.exception.parse_error.101] parse error at ..."
    const std::size_t prefix = text.find("] ");
    refuse(prefix == std::string::npos ? text : text.substr(prefix + 2));
  }

 private:
  struct Open {
    bool is_object;
    std::string key = {};
    std::vector<Config::Entry> entries = {};
    Value::List list = {};
  };

  bool open(bool is_object) {
    if (open_.size() >= static_cast<std::size_t>(Config::max_depth))
      refuse("it is more than " + std::to_string(Config::max_depth) + " levels deep");
    open_.push_back({is_object});
    return true;
  }

  bool add(Value value) {
    if (open_.empty()) {
      result = std::move(value);
      return true;
    }
    if (open_.back().entries.size() + open_.back().list.size() == Config::max_items)
      refuse("a list in it has more than " + std::to_string(Config::max_items) + " items");
    if (open_.back().is_object) {
      open_.back().entries.emplace_back(std::move(open_.back().key), std::move(value));
    } else {
      open_.back().list.push_back(std::move(value));
    }
    return true;
  }

  [[noreturn]] static void too_large(const std::string& text) {
    refuse("the integer " + text + " has more than 64 bits");
  }

  std::vector<Open> open_;
};

}  // namespace

std::string Config::to_json(int indent) const {
  Writer writer{indent, true};
  writer.write(*this, 0);
  return std::move(writer.out);
}

Config Config::from_json(TextView text) {
  Reader reader;
  Json::sax_parse(text.begin(), text.end(), &reader);
  if (!reader.result.is_config()) refuse("expected an object {...}, got " + reader.result.to_text());
  return reader.result.as_config();
}

std::string Value::to_text() const {
  Writer writer{-1, false};
  writer.write(*this, 0);
  return std::move(writer.out);
}

}  // namespace xl
