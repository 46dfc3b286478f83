#include "xlayers/framework/graph/shared_layers.hpp"

#include <map>
#include <unordered_map>
#include <unordered_set>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/in_part.hpp"

namespace xl {

namespace {

constexpr const char* key = "shared_layer";

struct Written {
  bool counting = true;  // the first time: which layers stand in several places?
  std::unordered_set<const LayerBase*> met, shared;
  const LayerBase* within = nullptr;  // one that has been met before
  std::unordered_map<const LayerBase*, std::int64_t> numbers;
};
using Read = std::map<std::int64_t, Layer>;

thread_local Written* written = nullptr;
thread_local Read* layers_read = nullptr;

// Sets a pointer, and takes it back at the end of the scope.
template <class T>
class Set {
 public:
  Set(T*& pointer, T& value) : pointer_(pointer) { pointer = &value; }
  ~Set() { pointer_ = nullptr; }
  Set(const Set&) = delete;
  Set& operator=(const Set&) = delete;

 private:
  T*& pointer_;
};

}  // namespace

Config write_layers(const std::function<Config()>& write) {
  if (written != nullptr) return write();
  Written now;
  const Set set(written, now);
  const Config config = write();
  if (now.shared.empty()) return config;
  now.counting = false;
  return write();
}

Config write_layer(const LayerBase& layer, const std::function<Config()>& write) {
  return write_layers([&] {
    if (written->counting) {
      if (written->within != nullptr || written->met.insert(&layer).second) return write();
      written->shared.insert(&layer);
      const Set within(written->within, layer);  // the layers inside it are not in several places for that alone
      return write();
    }
    Config object = write();
    if (written->shared.contains(&layer))
      object.set(key, written->numbers.try_emplace(&layer, written->numbers.size() + 1).first->second);
    return object;
  });
}

Layer read_layers(const std::function<Layer()>& read) {
  if (layers_read != nullptr) return read();
  Read now;
  const Set set(layers_read, now);
  return read();
}

Layer read_layer(const Config& object, const std::function<Layer()>& read) {
  return read_layers([&] {
    const Value* number = object.find(key);
    if (number == nullptr) return read();
    const std::int64_t n = in_part("", key, [&] { return number->as_int(); });
    const auto known = layers_read->find(n);
    if (known == layers_read->end()) return layers_read->try_emplace(n, read()).first->second;
    const std::string class_name(known->second.class_name());
    if (object.at("class_name") != Value(class_name))
      throw ValueError(known->second.base().label() + "is the " + key + " " + number->to_text() +
                       " of a config, but so is a " + object.at("class_name").to_text());
    return known->second;
  });
}

}  // namespace xl
