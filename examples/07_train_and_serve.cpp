// A training that is interrupted, and a service that loads what it has made.
//
// The first program dies in the middle of an epoch. Started again, it goes on from the last backup, and ends with the same
// bits as a training that nothing has disturbed; what it saves is all that the service needs.
//
//   train_and_serve [EPOCHS]

#include <xlayers/xlayers.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <stdexcept>

namespace {

const std::filesystem::path folder = XLAYERS_OUTPUT_DIR "/served";
const std::string best = folder / "best.xl", final = folder / "final.xl";

// The load of a transformer, hour by hour: four days, and the same a day later.
struct Pairs {
  xl::Tensor x, y;
};
Pairs read_pairs() {
  constexpr int day = 24, hours = 4 * 30 * day;
  xl::Tensor series = xl::read_csv(XLAYERS_DATA_DIR "/ETTh1.csv").column("HUFL");
  series.reshape({series.size(), 1});
  for (float& value : series) value /= 10;
  const auto windows = [&](int begin) {
    return xl::timeseries_dataset_from_array(
        series, {.sequence_length = 96, .sequence_stride = 6, .start_index = begin, .end_index = begin + hours});
  };
  return {.x = windows(0), .y = windows(day)};
}

// ---- the program that trains

xl::Sequential train(const Pairs& data, int epochs, const xl::CallbackList& callbacks) {
  xl::set_random_seed(1);
  xl::Sequential model{
      xl::Input({96, 1}),
      xl::TokenEmbedding({.c_in = 1, .d_model = 16}),
      xl::PositionalEmbedding({.max_len = 96, .d_model = 16}),
      xl::Dropout({.rate = 0.1f}),
      xl::Dense({.units = 16, .activation = "relu"}),
      xl::Dense({.units = 1}),
  };
  model.compile({.optimizer = "adam", .loss = "mse"});
  model.fit(data.x, data.y, {.epochs = epochs, .verbose = 0, .callbacks = callbacks, .validation_split = 0.2});
  return model;
}

// A backup every five batches, and the best model so far.
xl::CallbackList kept_in_files() {
  return {xl::BackupAndRestore({.backup_dir = folder / "backup", .save_freq = 5}),
          xl::ModelCheckpoint({.filepath = best, .save_best_only = true})};
}

// The power fails in the last epoch.
xl::CallbackList until_the_power_fails(int epochs) {
  xl::CallbackList callbacks = kept_in_files();
  auto epoch_now = std::make_shared<int>(0);
  const auto fail = [=](int batch, xl::Logs&) {
    if (*epoch_now == epochs - 1 && batch == 7) throw std::runtime_error("the power has failed");
  };
  callbacks.push_back(std::make_shared<xl::LambdaCallback>(xl::LambdaCallback::Options{
      .on_epoch_begin = [=](int epoch, xl::Logs&) { *epoch_now = epoch; }, .on_train_batch_end = fail}));
  return callbacks;
}

// ---- the program that serves

void serve(const xl::Tensor& request) {
  // The file says what has to come out; on another machine this shows that all is well.
  const xl::Model model = xl::load_model(final, {.check_test_case = true});
  const xl::Tensor forecast = model.predict(request);
  std::cout << "The service answers " << xl::shape(request) << " with " << xl::shape(forecast) << "\n";
}

}  // namespace

int main(int argc, char** argv) try {
  const int epochs = argc > 1 ? std::atoi(argv[1]) : 5;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const Pairs data = read_pairs();

  try {
    train(data, epochs, until_the_power_fails(epochs));
  } catch (const std::runtime_error& error) {
    std::cout << "Epoch " << epochs << ", batch 7: " << error.what() << "\n";
  }
  const xl::Sequential model = train(data, epochs, kept_in_files());
  const xl::Sequential undisturbed = train(data, epochs, {});
  std::cout << "Started again, it ends with the bits of a training that was not disturbed: " << std::boolalpha
            << (model.get_weights() == undisturbed.get_weights()) << "\n";

  xl::Tensor first = xl::empty({1, 96, 1});
  std::copy_n(data.x.data(), first.size(), first.data());
  model.save(final, {.test_case = first});
  serve(first);
  std::cout << "In " << folder.filename().string() << "/:";
  for (const char* file : {"backup", "best.xl", "final.xl"})
    std::cout << " " << file << (std::filesystem::exists(folder / file) ? "" : " (gone)");
  std::cout << "\n";
  return 0;
} catch (const std::exception& error) {
  std::cerr << "train_and_serve: " << error.what() << "\n";
  return 1;
}
