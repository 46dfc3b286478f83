#include "xlayers/framework/graph/names.hpp"

#include <map>
#include <mutex>

#include "xlayers/framework/base/ascii.hpp"
#include "xlayers/framework/base/mutex.hpp"
#include "xlayers/framework/graph/layer_base.hpp"

namespace xl {

namespace {

thread_local bool counting = true;

Mutex names_mutex;
std::map<std::string, int>& name_counts() {
  static std::map<std::string, int> counts;
  return counts;
}

}  // namespace

// Keras' rule: an underscore before each capital that begins a word, then lower case. A digit belongs to the
// word before it: Conv1D -> conv1d.
std::string snake_case(std::string_view class_name) {
  std::string name;
  for (std::size_t i = 0; i < class_name.size(); ++i) {
    const char c = class_name[i];
    const bool word_begins =
        i > 0 && is_upper(c) &&
        (is_lower(class_name[i - 1]) || (i + 1 < class_name.size() && is_lower(class_name[i + 1])));
    if (word_begins) name += '_';
    name += to_lower(c);
  }
  return name;
}

std::string unique_name(const std::string& name, std::string_view class_name) {
  if (!name.empty()) return name;
  const std::string base = snake_case(class_name);
  if (!counting) return base;
  const std::lock_guard lock(names_mutex);
  const int count = name_counts()[base]++;
  return count == 0 ? base : base + "_" + std::to_string(count);
}

WithoutCounting::WithoutCounting() : before_(counting) { counting = false; }
WithoutCounting::~WithoutCounting() { counting = before_; }

void clear_session() {
  const std::lock_guard lock(names_mutex);
  name_counts().clear();
}

void name_layer(LayerBase& layer, const std::string& name, bool trainable) {
  layer.set_name(unique_name(name, layer.class_name()));
  layer.set_trainable(trainable);
}

}  // namespace xl
