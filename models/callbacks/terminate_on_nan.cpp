#include "xlayers/models/callbacks/terminate_on_nan.hpp"

#include <cmath>
#include <iostream>

#include "xlayers/framework/base/errors.hpp"

namespace xl {

TerminateOnNaN::TerminateOnNaN() : TerminateOnNaN(Options()) {}
TerminateOnNaN::TerminateOnNaN(const Options& options) : options_(options) {}

void TerminateOnNaN::on_train_batch_end(int batch, Logs& logs) {
  const auto loss = logs.find("loss");
  if (loss == logs.end() || std::isfinite(loss->second)) return;
  if (options_.raise_error)
    throw ValueError("NaN or Inf loss encountered at batch " + std::to_string(batch) + ". Loss value: " +
                     (std::isnan(loss->second) ? "nan"
                      : loss->second > 0       ? "inf"
                                               : "-inf") +
                     ". Terminating training immediately.");
  std::cout << "Batch " << std::to_string(batch) << ": Invalid loss, terminating training" << std::endl;
  stop_training();
}

}  // namespace xl
