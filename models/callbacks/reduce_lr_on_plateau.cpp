#include "xlayers/models/callbacks/reduce_lr_on_plateau.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>

#include "xlayers/framework/config/config.hpp"
#include "xlayers/models/model/model.hpp"

namespace xl {

ReduceLROnPlateau::ReduceLROnPlateau() : ReduceLROnPlateau(Options()) {}

ReduceLROnPlateau::ReduceLROnPlateau(const Options& options)
    : MonitorCallback("ReduceLROnPlateau", options.monitor, options.mode, options.min_delta), options_(options) {
  check("factor", options.factor, options.factor >= 0 && options.factor < 1,
        "a number from 0 up to, but not including, 1");
  check("patience", options.patience, options.patience >= 0, "0 or more epochs");
  check("cooldown", options.cooldown, options.cooldown >= 0, "0 or more epochs");
  check("min_lr", options.min_lr, options.min_lr >= 0 && std::isfinite(options.min_lr), "a number from 0 on");
}

void ReduceLROnPlateau::on_train_begin(Logs& logs) {
  MonitorCallback::on_train_begin(logs);
  cooldown_left_ = 0;
}

Callback::State ReduceLROnPlateau::state() const {
  State state = MonitorCallback::state();
  state.config.set("cooldown_left", cooldown_left_);
  return state;
}

void ReduceLROnPlateau::restore(const State& state) {
  MonitorCallback::restore(state);
  cooldown_left_ = static_cast<int>(state.config.at("cooldown_left").as_int());
}

void ReduceLROnPlateau::on_epoch_end(int epoch, Logs& logs) {
  Optimizer optimizer = model().optimizer();
  const float rate = optimizer.learning_rate();
  logs["learning_rate"] = rate;
  const std::optional<double> value = monitored(logs, "Learning rate reduction is conditioned");
  if (!value) return;
  if (cooldown_left_ > 0) {
    --cooldown_left_;
    wait_ = 0;
  }
  if (improves(*value, best_)) {
    best_ = value;
    wait_ = 0;
  } else if (cooldown_left_ == 0 && ++wait_ >= options_.patience && rate > static_cast<float>(options_.min_lr)) {
    const double lower = std::max(rate * options_.factor, options_.min_lr);
    optimizer.set_learning_rate(static_cast<float>(lower));
    if (options_.verbose > 0)
      std::cout << "\nEpoch " << std::to_string(epoch + 1) << ": ReduceLROnPlateau reducing learning rate to "
                << Value(lower).to_text() << "." << std::endl;
    cooldown_left_ = options_.cooldown;
    wait_ = 0;
  }
}

}  // namespace xl
