#include "xlayers/models/callbacks/early_stopping.hpp"

#include <cmath>
#include <iostream>

#include "xlayers/framework/config/config.hpp"
#include "xlayers/models/model/model.hpp"

namespace xl {

EarlyStopping::EarlyStopping() : EarlyStopping(Options()) {}

EarlyStopping::EarlyStopping(const Options& options)
    : MonitorCallback("EarlyStopping", options.monitor, options.mode, options.min_delta), options_(options) {
  check("patience", options.patience, options.patience >= 0, "0 or more epochs");
  check("start_from_epoch", options.start_from_epoch, options.start_from_epoch >= 0, "0 or more epochs");
  if (options.baseline) check("baseline", *options.baseline, std::isfinite(*options.baseline), "a number");
}

void EarlyStopping::on_train_begin(Logs& logs) {
  MonitorCallback::on_train_begin(logs);
  stopped_epoch_ = best_epoch_ = 0;
  best_weights_.clear();
}

Callback::State EarlyStopping::state() const {
  State state = MonitorCallback::state();
  state.config.set("best_epoch", best_epoch_);
  state.tensors = best_weights_;
  return state;
}

void EarlyStopping::restore(const State& state) {
  MonitorCallback::restore(state);
  best_epoch_ = static_cast<int>(state.config.at("best_epoch").as_int());
  best_weights_ = state.tensors;
}

void EarlyStopping::on_epoch_end(int epoch, Logs& logs) {
  const std::optional<double> value = monitored(logs, "Early stopping conditioned");
  if (!value || epoch < options_.start_from_epoch) return;
  ++wait_;
  if (improves(*value, best_)) {
    best_ = value;
    best_epoch_ = epoch;
    if (options_.restore_best_weights) best_weights_ = model().get_weights();
    if (improves(*value, options_.baseline)) wait_ = 0;
  } else if (wait_ >= options_.patience) {
    stopped_epoch_ = epoch;
    stop_training();
  }
}

void EarlyStopping::on_train_end(Logs&) {
  if (options_.verbose > 0 && stopped_epoch_ > 0)
    std::cout << "Epoch " << std::to_string(stopped_epoch_ + 1) << ": early stopping" << std::endl;
  if (!options_.restore_best_weights || !best_) return;
  if (options_.verbose > 0)
    std::cout << "Restoring model weights from the end of the best epoch: " << std::to_string(best_epoch_ + 1) << "."
              << std::endl;
  model().set_weights(best_weights_);
  best_weights_.clear();
}

}  // namespace xl
