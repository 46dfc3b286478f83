#pragma once

#include <map>
#include <string>

namespace xl {

/// Names and values: the loss and the metrics so far, such as {"loss": 0.25, "val_loss": 0.31}.
using Logs = std::map<std::string, double>;

}  // namespace xl
