#include "xlayers/models/model/nest.hpp"

#include <algorithm>
#include <numeric>

namespace xl {

namespace {

// The places of an object's entries as their keys sort.
std::vector<std::size_t> sorted(const Config& config) {
  std::vector<std::size_t> places(config.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  const auto& entries = config.entries();
  std::sort(places.begin(), places.end(), [&](auto a, auto b) { return entries[a].first < entries[b].first; });
  return places;
}

// The nest once more, with what `leaf` makes of what stands in it, asked in order.
template <class Leaf>
Value rebuilt(const Value& nested, bool (*is_leaf)(const Value&), Leaf& leaf) {
  if (is_leaf(nested)) return leaf(nested);
  if (nested.is_list()) {
    Value::List list;
    for (const Value& one : nested.as_list()) list.push_back(rebuilt(one, is_leaf, leaf));
    return list;
  }
  if (!nested.is_config()) return leaf(nested);
  const auto& entries = nested.as_config().entries();
  std::vector<Config::Entry> built(entries.size());  // the keys stay where they are
  for (const std::size_t place : sorted(nested.as_config()))
    built[place] = {entries[place].first, rebuilt(entries[place].second, is_leaf, leaf)};
  return Config::from_entries(std::move(built));
}

bool is_place(const Value& value) { return value.is_null(); }

}  // namespace

std::vector<const Value*> flatten(const Value& nested, bool (*is_leaf)(const Value&)) {
  std::vector<const Value*> leaves;
  auto leaf = [&](const Value& value) {
    leaves.push_back(&value);
    return Value();
  };
  rebuilt(nested, is_leaf, leaf);
  return leaves;
}

Nest nest_of(const Value& nested, bool (*is_leaf)(const Value&)) {
  auto leaf = [](const Value&) { return Value(); };
  return rebuilt(nested, is_leaf, leaf);
}

Nest plain_nest(std::size_t count) { return count == 1 ? Value() : Value(Value::List(count)); }

Value filled(const Nest& nest, std::vector<Value> leaves) {
  std::size_t next = 0;
  auto leaf = [&](const Value&) { return std::move(leaves.at(next++)); };
  return rebuilt(nest, is_place, leaf);
}

std::vector<std::string> keys_of(const Nest& nest) {
  std::vector<std::string> keys;
  if (!nest.is_config()) return keys;
  for (const std::size_t place : sorted(nest.as_config())) {
    const auto& [key, inside] = nest.as_config().entries()[place];
    if (!is_place(inside)) return {};
    keys.push_back(key);
  }
  return keys;
}

}  // namespace xl
