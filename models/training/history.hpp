#pragma once

#include <map>
#include <string>
#include <vector>

namespace xl {

/// What `fit` returns: the epochs it ran, and for each name ("loss", a metric, "val_loss", ...) one
/// value an epoch. As keras.callbacks.History.
struct History {
  std::vector<int> epoch = {};
  std::map<std::string, std::vector<double>> history = {};
};

}  // namespace xl
