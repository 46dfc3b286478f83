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
// Compiled once, in per_output.cpp, for what there is one of for each output.
template <class T>
class PerOutput {
 public:
  PerOutput();
  PerOutput(const PerOutput&);
  PerOutput(PerOutput&&) noexcept;
  PerOutput& operator=(const PerOutput&);
  PerOutput& operator=(PerOutput&&) noexcept;
  ~PerOutput();

  template <class U>
  requires(!std::is_same_v<std::remove_cvref_t<U>, PerOutput> && std::is_convertible_v<U&&, T>) PerOutput(U&& for_all)
      : PerOutput({T(std::forward<U>(for_all))}) {}
  PerOutput(std::initializer_list<T> values);
  PerOutput(std::vector<T> values);
  PerOutput(std::initializer_list<std::pair<const std::string, T>> named);
  PerOutput(const std::map<std::string, T>& named);

  bool empty() const { return values_.empty(); }
  const std::vector<T>& values() const { return values_; }
  /// The names of the outputs, one for each value; none if the values have none.
  const std::vector<std::string>& names() const { return names_; }

  void add(const std::string& name, const T& value);

 private:
  std::vector<T> values_;
  std::vector<std::string> names_;
};

}  // namespace xl
