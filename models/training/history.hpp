#pragma once

#include <iosfwd>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "xlayers/framework/base/text.hpp"

namespace xl {

/// Values of epochs by name, "loss" or "val_mae": a std::map whose names have to be there. Throws ValueError that lists them
/// for another. What is asked of a History that nobody keeps, `model.fit(x, y).history["loss"]`, is a copy.
class EpochValues : public std::map<std::string, std::vector<double>> {
 public:
  using std::map<std::string, std::vector<double>>::map;

  std::vector<double>& at(const Text& name) &;
  const std::vector<double>& at(const Text& name) const&;
  std::vector<double> at(const Text& name) &&;
  std::vector<double>& operator[](const Text& name) & { return at(name); }
  const std::vector<double>& operator[](const Text& name) const& { return at(name); }
  std::vector<double> operator[](const Text& name) && { return std::move(*this).at(name); }
};

/// What `fit` returns: the epochs it ran, and for each name ("loss", a metric, "val_loss", ...) one
/// value an epoch. As keras.callbacks.History.
struct History {
  std::vector<int> epoch = {};
  EpochValues history = {};
};

/// Prints names and values: `{"loss": [0.5, 0.25], "val_loss": [0.75, 0.5]}`.
std::ostream& operator<<(std::ostream& out, const History& history);

}  // namespace xl
