#pragma once

// Include this to put a Config into a Boost archive of your own:
//
//     boost::archive::text_oarchive archive(stream);
//     archive << boost::serialization::make_nvp("config", config);
//
// A config is written as a plain tree, without Boost's pointers, class versions and tracking, so
// reading allocates no more than a small multiple of what the archive holds, and its depth is
// bounded. What is not a config throws xl::SerializationError or boost::archive::archive_exception.
// The numbers of a text or XML archive are written in the locale of its stream. Boost does not
// promise to survive bytes that somebody has tampered with: for files from elsewhere, see
// save_config and load_config.

#include <boost/serialization/level.hpp>
#include <boost/serialization/tracking.hpp>
#include <boost/serialization/traits.hpp>
#include <utility>
#include <vector>

#include "xlayers/framework/config/config_boost_parts.hpp"

namespace xl::boost_archive {

template <class T>
struct Node;

/// How each part of the tree is written and read.
struct Tree {
  template <class BoostArchive>
  static void write(BoostArchive& archive, const Config::Entry& entry, int depth) {
    write_text(archive, "key", entry.first);
    transfer(archive, "value", entry.second, depth);
  }

  template <class BoostArchive>
  static void read(BoostArchive& archive, Config::Entry& entry, int depth) {
    read_text(archive, "key", entry.first);
    transfer(archive, "value", entry.second, depth);
  }

  /// The items of a list, or the entries of a config: their number, then one after the other.
  template <class BoostArchive, class Item>
  static void write(BoostArchive& archive, const std::vector<Item>& items, int depth) {
    check_depth(depth);
    const std::uint64_t size = items.size();
    check_items(size);
    archive << make_nvp("size", size);
    for (const Item& item : items) transfer(archive, "item", item, depth + 1);
  }

  template <class BoostArchive, class Item>
  static void read(BoostArchive& archive, std::vector<Item>& items, int depth) {
    check_depth(depth);
    std::uint64_t size = 0;
    archive >> make_nvp("size", size);
    check_items(size);
    items.clear();
    for (std::uint64_t i = 0; i < size; ++i) {
      Item item;
      transfer(archive, "item", item, depth + 1);
      items.push_back(std::move(item));
    }
  }

  template <class BoostArchive>
  static void write(BoostArchive& archive, const Value& value, int depth) {
    // Only new kinds at the end keep old archives readable.
    const auto kind = static_cast<std::uint8_t>(value.kind());
    archive << make_nvp("kind", kind);
    switch (static_cast<Value::Kind>(kind)) {
      case Value::Kind::null:
        break;
      case Value::Kind::boolean: {
        const std::uint8_t boolean = value.as_bool() ? 1 : 0;
        archive << make_nvp("boolean", boolean);
        break;
      }
      case Value::Kind::integer: {
        const std::int64_t integer = value.as_int();
        archive << make_nvp("integer", integer);
        break;
      }
      case Value::Kind::number: {
        const double number = value.as_number();
        check_finite(number);
        archive << make_nvp("number", number);
        break;
      }
      case Value::Kind::text:
        write_text(archive, "text", value.as_string());
        break;
      case Value::Kind::list:
        transfer(archive, "list", value.as_list(), depth);
        break;
      case Value::Kind::config:
        transfer(archive, "config", value.as_config().entries(), depth);
        break;
    }
  }

  template <class BoostArchive>
  static void read(BoostArchive& archive, Value& value, int depth) {
    std::uint8_t kind = 0;
    archive >> make_nvp("kind", kind);
    switch (static_cast<Value::Kind>(kind)) {
      case Value::Kind::null:
        value = nullptr;
        return;
      case Value::Kind::boolean: {
        std::uint8_t boolean = 0;
        archive >> make_nvp("boolean", boolean);
        if (boolean > 1) throw SerializationError("a bool is stored as 0 or 1, got " + std::to_string(boolean));
        value = boolean == 1;
        return;
      }
      case Value::Kind::integer: {
        std::int64_t integer = 0;
        archive >> make_nvp("integer", integer);
        value = integer;
        return;
      }
      case Value::Kind::number: {
        double number = 0;
        archive >> make_nvp("number", number);
        check_finite(number);
        value = number;
        return;
      }
      case Value::Kind::text: {
        std::string text;
        read_text(archive, "text", text);
        value = std::move(text);
        return;
      }
      case Value::Kind::list: {
        Value::List list;
        transfer(archive, "list", list, depth);
        value = std::move(list);
        return;
      }
      case Value::Kind::config: {
        std::vector<Config::Entry> entries;
        transfer(archive, "config", entries, depth);
        value = Config::from_entries(std::move(entries));
        return;
      }
    }
    throw SerializationError("a value of unknown kind " + std::to_string(kind));
  }

  template <class BoostArchive, class T>
  static void transfer(BoostArchive& archive, const char* name, T& part, int depth) {
    Node<T> node(part, depth);
    archive& make_nvp(name, node);
  }
};

/// A part of the tree with its depth: what Boost sees as an object, and XML as an element.
template <class T>
struct Node : boost::serialization::traits<Node<T>, boost::serialization::object_serializable,
                                           boost::serialization::track_never> {
  Node(T& part, int depth) : part(part), depth(depth) {}

  template <class BoostArchive>
  void serialize(BoostArchive& archive, unsigned) {
    if constexpr (BoostArchive::is_saving::value) {
      Tree::write(archive, part, depth);
    } else {
      Tree::read(archive, part, depth);
    }
  }

  T& part;
  int depth;
};

}  // namespace xl::boost_archive

namespace xl {

template <class BoostArchive>
void serialize(BoostArchive& archive, Config& config, unsigned) {
  if constexpr (BoostArchive::is_saving::value) {
    boost_archive::Tree::write(archive, config.entries(), 0);
  } else {
    std::vector<Config::Entry> entries;
    boost_archive::Tree::read(archive, entries, 0);
    config = Config::from_entries(std::move(entries));
  }
}

}  // namespace xl

BOOST_CLASS_IMPLEMENTATION(xl::Config, boost::serialization::object_serializable)
BOOST_CLASS_TRACKING(xl::Config, boost::serialization::track_never)
