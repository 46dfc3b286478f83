#include "xlayers/models/callbacks/backup_and_restore.hpp"

#include <filesystem>
#include <iostream>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/number_text.hpp"
#include "xlayers/models/files/model_contents.hpp"
#include "xlayers/models/model/model.hpp"
#include "xlayers/models/training/fit_run.hpp"

namespace xl {
namespace {

namespace fs = std::filesystem;

// ---- a position as a config: numbers that may be NaN stand there as texts

template <class Numbers>
Value write_numbers(const Numbers& numbers) {
  Value::List list;
  for (const double number : numbers) list.emplace_back(number_text(number));
  return list;
}

std::vector<double> read_numbers(const Value& list) {
  std::vector<double> numbers;
  for (const Value& number : list.as_list()) numbers.push_back(number_of(number.as_string()));
  return numbers;
}

// The same for sums, of which there have to be as many as there are now.
void read_sums(const Value& list, Scores::Values& sums) {
  const std::vector<double> numbers = read_numbers(list);
  if (numbers.size() != sums.size())
    throw ValueError("expected " + std::to_string(sums.size()) + " losses or metrics, got " +
                     std::to_string(numbers.size()));
  std::copy(numbers.begin(), numbers.end(), sums.begin());
}

Config write_position(const FitPosition& position) {
  Value::List epochs;
  for (const int epoch : position.history.epoch) epochs.emplace_back(epoch);
  Config values;
  for (const auto& [name, numbers] : position.history.history) values.set(name, write_numbers(numbers));
  const Totals& totals = position.totals;
  return {{"epoch", position.epoch},
          {"batch", position.batch},
          {"batches", position.batches},
          {"totals", write_numbers(std::vector<double>{totals.loss, totals.samples})},
          {"losses", write_numbers(totals.losses)},
          {"metric_totals", write_numbers(totals.metric_totals)},
          {"metric_counts", write_numbers(totals.metric_counts)},
          {"epochs", std::move(epochs)},
          {"history", std::move(values)}};
}

// `now` is a position of this training.
FitPosition read_position(const Config& config, const FitPosition& now) {
  FitPosition position = now;
  position.epoch = static_cast<int>(config.at("epoch").as_int());
  position.batch = config.at("batch").as_int();
  position.batches = config.at("batches").as_int();
  if (position.epoch < 0 || position.batch < 0 || position.batch > position.batches)
    throw ValueError("its position is damaged");
  Scores::Values totals(2, 0.0);
  read_sums(config.at("totals"), totals);
  position.totals.loss = totals[0];
  position.totals.samples = totals[1];
  read_sums(config.at("losses"), position.totals.losses);
  read_sums(config.at("metric_totals"), position.totals.metric_totals);
  read_sums(config.at("metric_counts"), position.totals.metric_counts);
  position.history = {};
  for (const Value& epoch : config.at("epochs").as_list())
    position.history.epoch.push_back(static_cast<int>(epoch.as_int()));
  for (const auto& [name, numbers] : config.at("history").as_config().entries())
    position.history.history.emplace(name, read_numbers(numbers));
  return position;
}

}  // namespace

BackupAndRestore::BackupAndRestore(const Options& options) : options_(options), frequency_(options.save_freq) {
  if (options.backup_dir.empty()) throw ValueError("[BackupAndRestore] expected a backup_dir, got an empty text");
}

std::string BackupAndRestore::file(const char* name) const { return (fs::path(options_.backup_dir) / name).string(); }

void BackupAndRestore::on_train_begin(Logs&) {
  frequency_.count_from(0);
  first_epoch_.reset();
  due_ = false;
  if (fit_run() == nullptr) throw ValueError("[BackupAndRestore] expected to be called by fit");
  const std::string latest = file("latest.xl"), previous = file("previous.xl");
  try {
    if (fs::exists(latest)) return restore_from(latest);
  } catch (const SerializationError& error) {
    if (!fs::exists(previous)) throw;
    std::cerr << "xlayers: warning: [BackupAndRestore] goes on from the backup before the last one: " << error.what()
              << "\n";
  }
  if (fs::exists(previous)) restore_from(previous);
}

void BackupAndRestore::on_epoch_begin(int epoch, Logs&) {
  if (!first_epoch_) first_epoch_ = epoch;
  if (due_ || (frequency_.each_epoch() && epoch > *first_epoch_)) save();
}

void BackupAndRestore::on_train_batch_begin(int, Logs&) {
  if (due_) save();
}

void BackupAndRestore::on_train_batch_end(int, Logs&) { due_ = due_ || frequency_.count_batch(); }

void BackupAndRestore::on_train_end(Logs&) {
  if (!fit_run()->complete()) return;
  if (!options_.delete_checkpoint) return save();
  std::error_code ignored;
  for (const char* name : {"latest.xl", "previous.xl"}) fs::remove(file(name), ignored);
  fs::remove(options_.backup_dir, ignored);  // if nothing else is in it
}

void BackupAndRestore::save() {
  due_ = false;
  const auto& base = static_cast<const ModelBase&>(model().base());
  const WeightsTurn turn(base, Turn::Of::saving);
  Contents contents;
  contents.config.set("xlayers", 1);
  add_weights(base, contents);
  add_training(base, contents);
  Config fit = write_position(fit_run()->position());
  Value::List states;
  for (const auto& callback : fit_run()->callbacks()) {
    State state = callback->state();
    if (state.class_name.empty()) continue;
    states.push_back(Config{
        {"class_name", state.class_name}, {"config", std::move(state.config)}, {"tensors", state.tensors.size()}});
    for (Tensor& tensor : state.tensors) contents.add("callbacks/" + state.class_name, std::move(tensor));
  }
  fit.set("callbacks", std::move(states));
  contents.config.set("fit", std::move(fit));

  std::error_code ignored;  // if there is no folder then, writing says so
  fs::create_directories(options_.backup_dir, ignored);
  const std::string latest = file("latest.xl");
  if (options_.double_checkpoint && fs::exists(latest)) fs::rename(latest, file("previous.xl"), ignored);
  write_xl_file(latest, Format::binary, contents.config, contents.tensors);
}

void BackupAndRestore::restore_from(const std::string& path) {
  auto& base = static_cast<ModelBase&>(model().base());
  XlFile(path).finish();  // whole, before anything changes
  XlFile file(path);
  file.checked([&] {
    const Config& fit = file.config().at("fit").as_config();
    const FitPosition position = read_position(fit, fit_run()->position());
    read_weights_and_training(file, base);
    std::vector<State> states;
    for (const Value& each : fit.at("callbacks").as_list()) {
      const Config& config = each.as_config();
      State state{config.at("class_name").as_string(), config.at("config").as_config(), {}};
      for (std::int64_t i = config.at("tensors").as_int(); i > 0; --i) state.tensors.push_back(file.read_tensor());
      states.push_back(std::move(state));
    }
    fit_run()->go_on(position, std::move(states));
  });
}

}  // namespace xl
