#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace xl {

/// Something for each output of a model: one for all of them, `"mse"`; in the order of the outputs, `{"mse", "mae"}`; or
/// by the names of the outputs, `{{"trend", "mse"}, {"anomaly", "binary_crossentropy"}}`.
template <class T>
class PerOutput {
 public:
  PerOutput() = default;
  template <class U>
  requires(!std::is_same_v<std::remove_cvref_t<U>, PerOutput> && std::is_convertible_v<U&&, T>) PerOutput(U&& for_all)
      : values_{T(std::forward<U>(for_all))} {}
  PerOutput(std::initializer_list<T> values) : values_(values) {}
  PerOutput(std::vector<T> values) : values_(std::move(values)) {}
  PerOutput(std::initializer_list<std::pair<const std::string, T>> named) {
    for (const auto& [name, value] : named) add(name, value);
  }
  PerOutput(const std::map<std::string, T>& named) {
    for (const auto& [name, value] : named) add(name, value);
  }

  bool empty() const { return values_.empty(); }
  const std::vector<T>& values() const { return values_; }
  /// The names of the outputs, one for each value; none if the values have none.
  const std::vector<std::string>& names() const { return names_; }

  void add(const std::string& name, const T& value) {
    names_.push_back(name);
    values_.push_back(value);
  }

 private:
  std::vector<T> values_;
  std::vector<std::string> names_;
};

}  // namespace xl
