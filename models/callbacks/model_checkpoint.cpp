#include "xlayers/models/callbacks/model_checkpoint.hpp"

#include <cmath>
#include <filesystem>
#include <iostream>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/number_text.hpp"
#include "xlayers/framework/config/value.hpp"
#include "xlayers/models/callbacks/file_pattern.hpp"
#include "xlayers/models/model/model.hpp"

namespace xl {

ModelCheckpoint::ModelCheckpoint(const Options& options)
    : MonitorCallback("ModelCheckpoint", options.monitor, options.mode, 0),
      options_(options),
      frequency_(options.save_freq) {
  check("filepath", options.filepath, options.filepath.ends_with(".xl"), "a path that ends in .xl");
  check_pattern(options.filepath);
  if (options.initial_value_threshold)
    check("initial_value_threshold", *options.initial_value_threshold, !std::isnan(*options.initial_value_threshold),
          "a number");
}

void ModelCheckpoint::on_train_begin(Logs& logs) {
  if (options_.save_best_only) MonitorCallback::on_train_begin(logs);
  best_ = options_.initial_value_threshold;
  frequency_.count_from(0);
}

void ModelCheckpoint::on_epoch_begin(int epoch, Logs&) { epoch_ = epoch; }

void ModelCheckpoint::on_train_batch_end(int batch, Logs& logs) {
  if (frequency_.count_batch()) save(batch, logs);
}

void ModelCheckpoint::on_epoch_end(int, Logs& logs) {
  if (frequency_.each_epoch()) save(std::nullopt, logs);
}

Callback::State ModelCheckpoint::state() const {
  State state = MonitorCallback::state();
  state.config.set("batches", frequency_.counted());
  return state;
}

void ModelCheckpoint::restore(const State& state) {
  MonitorCallback::restore(state);
  frequency_.count_from(state.config.at("batches").as_int());
}

void ModelCheckpoint::save(std::optional<int> batch, const Logs& logs) {
  Logs numbers = logs;
  numbers["epoch"] = epoch_ + 1;
  if (batch) numbers["batch"] = *batch + 1;
  const std::string path = fill_pattern(options_.filepath, numbers);
  if (!wanted(path, logs)) return;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;  // if there is no folder then, saving says so
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  if (options_.save_weights_only)
    model().save_weights(path);
  else
    model().save(path);
  if (options_.verbose > 0)
    std::cout << "\nEpoch " << std::to_string(epoch_ + 1) << ": finished saving model to " << path << std::endl;
}

bool ModelCheckpoint::wanted(const std::string& path, const Logs& logs) {
  const auto say = [&](const std::string& text) {
    if (options_.verbose > 0) std::cout << "\nEpoch " << std::to_string(epoch_ + 1) << ": " << text << std::endl;
  };
  if (!options_.save_best_only) {
    say("saving model to " + path);
    return true;
  }
  const std::optional<double> value = monitored(logs, "Saving the best model only is conditioned");
  if (!value) return true;
  const std::string best = best_ ? fixed_text(*best_, 5) : "None";
  if (!improves(*value, best_)) {
    say(options_.monitor + " did not improve from " + best);
    return false;
  }
  say(options_.monitor + " improved from " + best + " to " + fixed_text(*value, 5) + ", saving model to " + path);
  best_ = value;
  return true;
}

}  // namespace xl
