#pragma once

#include <concepts>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "xlayers/framework/base/list.hpp"
#include "xlayers/framework/base/text.hpp"
#include "xlayers/framework/tensor/tensor.hpp"

namespace xl {

/// What `evaluate`, `train_on_batch` and `test_on_batch` give: the loss first, then the metrics in the order of
/// `compile`.
class Scores {
 public:
  using Values = xt::svector<double, 8>;  // up to eight without an allocation

  Scores(std::shared_ptr<const std::vector<std::string>> names, Values values)
      : names_(std::move(names)), values_(std::move(values)) {}
  Scores(const Scores&) = default;  // what is moved is copied: there are names always
  Scores& operator=(const Scores&) = default;

  double loss() const { return values_[0]; }
  /// The value of that name. Throws ValueError that lists the names there are.
  double operator[](TextView name) const;
  /// The value at that place: the loss is 0, the last metric -1. Throws ValueError if there is none.
  double operator[](std::integral auto place) const {
    return values_[detail::index_in_list(static_cast<std::int64_t>(place), values_.size())];
  }

  /// "loss", and the names of the metrics.
  const std::vector<std::string>& names() const& { return *names_; }
  std::vector<std::string> names() && { return *names_; }
  const Values& values() const& { return values_; }
  Values values() && { return values_; }

 private:
  std::shared_ptr<const std::vector<std::string>> names_;
  Values values_;
};

/// Prints as Keras prints logs: `loss: 0.1234 - mae: 0.2345`.
std::ostream& operator<<(std::ostream& out, const Scores& scores);

}  // namespace xl
