// ModelCheckpoint against Keras' (tests/golden/checkpoints.json), and BackupAndRestore: a training that is killed and goes on.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <random>

#include "files.hpp"
#include "golden.hpp"
#include "xlayers/framework/base/random.hpp"
#include "xlayers/framework/base/threads.hpp"
#include "xlayers/models/callbacks/file_pattern.hpp"
#include "xlayers/xlayers.hpp"

namespace xl {
namespace {

namespace fs = std::filesystem;
using namespace testing_golden;
using namespace testing_files;
using testing::ElementsAre;
using testing::HasSubstr;

// ---- ModelCheckpoint

ModelCheckpoint::Options options_of(const Json& json, const std::string& path) {
  ModelCheckpoint::Options o{.filepath = path};
  o.monitor = json.value("monitor", o.monitor);
  o.verbose = json.value("verbose", o.verbose);
  o.save_best_only = json.value("save_best_only", o.save_best_only);
  o.save_weights_only = json.value("save_weights_only", o.save_weights_only);
  o.mode = json.value("mode", o.mode);
  if (json.contains("save_freq")) o.save_freq = json.at("save_freq").get<int>();
  if (json.contains("initial_value_threshold"))
    o.initial_value_threshold = json.at("initial_value_threshold").get<double>();
  return o;
}

Sequential one_weight() {
  const Sequential model{Input({1}), Dense({.units = 1, .use_bias = false})};
  model.compile({.optimizer = SGD({.learning_rate = 0.5}), .loss = "mse", .metrics = {"mae", "accuracy"}});
  return model;
}

/// The files that are new, with the weight in them; they are removed.
Json written(const FileFolder& folder, bool weights_only, int epoch, const Json& batch) {
  Json all = Json::array();
  for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
    if (!entry.is_regular_file()) continue;
    Model model = one_weight();
    if (weights_only)
      model.load_weights(entry.path().string());
    else
      model = load_model(entry.path().string());
    all.push_back({{"epoch", epoch},
                   {"batch", batch},
                   {"weight", model.get_weights()[0].data()[0]},
                   {"file", fs::relative(entry.path(), folder.path()).string()}});
    fs::remove(entry.path());
  }
  return all;
}

TEST(ModelCheckpoint, WritesWhatKerasWrites) {
  const Json& golden = testing_golden::golden("checkpoints");
  const int batches = golden.at("batches");
  for (const auto& [name, json] : golden.at("cases").items()) {
    SCOPED_TRACE(name);
    const FileFolder folder;
    const Json& options = json.at("options");
    const Sequential sequential = one_weight();
    Model model = sequential;
    ModelCheckpoint callback(options_of(options, folder / json.at("pattern").get<std::string>()));
    Json files = Json::array();
    const auto look = [&](int epoch, const Json& batch) {
      for (const Json& file : written(folder, options.value("save_weights_only", false), epoch, batch))
        files.push_back(file);
    };
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    callback.begin_run(model, {.epochs = static_cast<int>(json.at("script").size()), .steps = batches});
    Logs logs;
    callback.on_train_begin(logs);
    float seen = 0;
    for (int epoch = 0; epoch < static_cast<int>(json.at("script").size()); ++epoch) {
      callback.on_epoch_begin(epoch, logs);
      for (int batch = 0; batch < batches; ++batch) {
        Tensor weight = zeros({1, 1});
        weight.data()[0] = ++seen;
        model.set_weights({weight});
        logs = {{"loss", seen}};
        callback.on_train_batch_end(batch, logs);
        look(epoch, batch);
      }
      logs = json.at("script")[static_cast<std::size_t>(epoch)].get<Logs>();
      callback.on_epoch_end(epoch, logs);
      look(epoch, nullptr);
    }
    callback.on_train_end(logs);
    std::string text = testing::internal::GetCapturedStdout();
    testing::internal::GetCapturedStderr();
    for (std::size_t at; (at = text.find(folder.path())) != std::string::npos;)
      text.replace(at, folder.path().size(), "FOLDER");
    EXPECT_EQ(text, json.at("printed").get<std::string>());
    EXPECT_EQ(files, json.at("written"));
  }
}

TEST(ModelCheckpoint, SavesInAFitWhatLoads) {
  const FileFolder folder;
  const Sequential model = one_weight();
  const Tensor x = drawn({20, 1}, 1), y = drawn({20, 1}, 2);
  model.fit(x, y,
            {.batch_size = 5,
             .epochs = 3,
             .verbose = 0,
             .callbacks = {ModelCheckpoint({.filepath = folder / "{epoch}.xl"})},
             .validation_split = 0.2});
  const Model first = load_model(folder / "1.xl");
  EXPECT_EQ(first.optimizer().iterations(), 4);
  first.fit(x, y, {.batch_size = 5, .epochs = 3, .verbose = 0, .validation_split = 0.2, .initial_epoch = 1});
  EXPECT_TRUE(same_bits(first.get_weights()[0], model.get_weights()[0]));
  EXPECT_TRUE(same_bits(load_model(folder / "3.xl").get_weights()[0], model.get_weights()[0]));
}

TEST(ModelCheckpoint, SaysWhatIsWrong) {
  const auto made = [](const ModelCheckpoint::Options& options) {
    return error_of<ValueError>([&] { ModelCheckpoint checkpoint(options); });
  };
  EXPECT_EQ(made({}), "[ModelCheckpoint] filepath is \"\", expected a path that ends in .xl");
  EXPECT_EQ(made({.filepath = "m.keras"}),
            "[ModelCheckpoint] filepath is \"m.keras\", expected a path that ends in .xl");
  EXPECT_EQ(made({.filepath = "{epoch.xl"}),
            "cannot make a file name of \"{epoch.xl\": there is a '{' without its pair");
  EXPECT_EQ(made({.filepath = "m.xl", .mode = "best"}),
            "[ModelCheckpoint] mode is \"best\", expected \"auto\", \"min\" or \"max\"");
  EXPECT_EQ(error_of<ValueError>([] { SaveFrequency("batch"); }),
            "save_freq is \"batch\", expected \"epoch\" or a number of batches");
  EXPECT_EQ(error_of<ValueError>([] { SaveFrequency(0); }),
            "save_freq is 0, expected \"epoch\" or a number of batches from 1 on");
  const Logs logs{{"epoch", 1}, {"loss", 0.5}};
  const auto filled = [&](const char* pattern) { return error_of<ValueError>([&] { fill_pattern(pattern, logs); }); };
  EXPECT_EQ(filled("{val_los}"),
            "cannot make a file name of \"{val_los}\": there is no 'val_los'; there are epoch, loss");
  EXPECT_THAT(filled("{loss:d}"), HasSubstr("'loss' is no whole number, which a d is for"));
  EXPECT_THAT(filled("a}"), HasSubstr("there is a '}' without its pair"));
  for (const char* pattern :
       {"{loss:x}", "{loss:.f}", "{loss:.2}", "{loss:.999f}", "{epoch:.2d}", "{epoch:>4}", "{loss:1234f}"})
    EXPECT_THAT(filled(pattern), HasSubstr("cannot make a file name")) << pattern;
  EXPECT_EQ(fill_pattern("{{{epoch:03d}}}", {{"epoch", 7}}), "{007}");
  EXPECT_EQ(fill_pattern("{loss:08.3f}|{loss:7.1f}", {{"loss", -1.5}}), "-001.500|   -1.5");
}

// ---- BackupAndRestore

/// A training in which everything has a state: dropout, shuffling, a schedule by plateaus, the best weights, checkpoints.
struct Training {
  explicit Training(std::string folder, SaveFrequency frequency = "epoch", bool twice = false)
      : folder(std::move(folder)), frequency(frequency), twice(twice) {}

  static Sequential model() {
    set_random_seed(11);
    const Sequential made{Input({6}), Dense({.units = 8, .activation = "relu", .name = "d"}), Dropout({.rate = 0.25f}),
                          Dense({.units = 1})};
    made.compile({.optimizer = Adam({.learning_rate = 0.05f}), .loss = "mse", .metrics = {"mae"}});
    return made;
  }

  struct Outcome {
    std::vector<Tensor> weights;
    History history;
    int best_epoch = 0;
  };

  /// Six epochs, or fewer if it is stopped, of seven batches; `each_batch` may kill it, or throw.
  Outcome run(std::function<void(int)> each_batch = {}, int epochs = 6, bool keep = false) const {
    const Sequential trained = model();
    const Tensor x = drawn({50, 6}, 1), y = drawn({50, 1}, 2);
    const auto stopping = std::make_shared<EarlyStopping>(
        EarlyStopping::Options{.monitor = "val_loss", .patience = 2, .restore_best_weights = true});
    int batches = 0;
    CallbackList callbacks;
    if (!folder.empty())
      callbacks.push_back(std::make_shared<BackupAndRestore>(BackupAndRestore::Options{
          .backup_dir = folder, .save_freq = frequency, .double_checkpoint = twice, .delete_checkpoint = !keep}));
    callbacks.push_back(std::make_shared<ReduceLROnPlateau>(
        ReduceLROnPlateau::Options{.monitor = "loss", .factor = 0.5, .patience = 1, .min_delta = 0.02, .cooldown = 1}));
    callbacks.push_back(stopping);
    if (each_batch)
      callbacks.push_back(std::make_shared<LambdaCallback>(
          LambdaCallback::Options{.on_train_batch_end = [&](int, Logs&) { each_batch(++batches); }}));
    const History history = trained.fit(
        x, y, {.batch_size = 6, .epochs = epochs, .verbose = 0, .callbacks = callbacks, .validation_split = 0.2});
    return {trained.get_weights(), history, stopping->best_epoch()};
  }

  std::string folder;
  SaveFrequency frequency;
  bool twice;
};

void expect_same(const Training::Outcome& a, const Training::Outcome& b) {
  ASSERT_EQ(a.weights.size(), b.weights.size());
  for (std::size_t i = 0; i < a.weights.size(); ++i) EXPECT_TRUE(same_bits(a.weights[i], b.weights[i]));
  EXPECT_EQ(a.history.epoch, b.history.epoch);
  EXPECT_EQ(a.history.history, b.history.history);
  EXPECT_EQ(a.best_epoch, b.best_epoch);
}

class Interrupted : public testing::TestWithParam<int> {
 protected:
  SaveFrequency frequency() const { return GetParam() == 0 ? SaveFrequency("epoch") : SaveFrequency(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Backups, Interrupted, testing::Values(0, 1, 2, 5, 11), [](const auto& info) {
  return info.param == 0 ? std::string("each_epoch") : "every_" + std::to_string(info.param);
});

// After any number of batches, once and twice.
TEST_P(Interrupted, GoesOnWithTheSameBits) {
  const Training::Outcome whole = Training("").run();
  const int batches = 7 * static_cast<int>(whole.history.epoch.size());
  struct Stop {};
  for (int first = 1; first < batches; first += 3) {
    SCOPED_TRACE(first);
    const FileFolder folder;
    const Training training(folder / "backup", frequency());
    for (const int last : {first, 4}) try {
        training.run([&](int batch) {
          if (batch == last) throw Stop();
        });
      } catch (const Stop&) {
      }
    expect_same(training.run(), whole);
    EXPECT_FALSE(fs::exists(folder / "backup"));
  }
}

TEST_P(Interrupted, ByAKillAtAnyMoment) {
  const Training::Outcome whole = Training("").run();
  const FileFolder folder;
  const Training training(folder / "backup", frequency(), GetParam() % 2 == 1);
  std::mt19937 engine(static_cast<unsigned>(GetParam()));
  const int threads = num_threads();
  set_num_threads(1);  // a fork has no other threads
  for (int kills = 0; kills < 40; ++kills) {
    const pid_t child = fork();
    if (child == 0) {
      training.run([](int) { usleep(100); });
      _exit(0);
    }
    usleep(3000 + engine() % 9000);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
  }
  set_num_threads(threads);
  expect_same(training.run(), whole);
}

TEST(BackupAndRestore, KeepsWhatIsToGoOnAnotherDay) {
  const FileFolder folder;
  const Training training(folder / "backup");
  training.run({}, 3, true);
  EXPECT_TRUE(fs::exists(folder / "backup/latest.xl"));
  expect_same(training.run({}, 6), Training("").run());
  EXPECT_FALSE(fs::exists(folder / "backup"));
}

TEST(BackupAndRestore, GoesOnFromTheBackupBeforeADamagedOne) {
  const FileFolder folder;
  const Training training(folder / "backup", 4, true);
  struct Stop {};
  const auto stop = [](int batch) {
    if (batch == 16) throw Stop();
  };
  EXPECT_THROW(training.run(stop), Stop);
  std::string bytes = bytes_of(folder / "backup/latest.xl");
  bytes[bytes.size() - 3] ^= 1;
  write(folder / "backup/latest.xl", bytes);
  testing::internal::CaptureStderr();
  expect_same(training.run(), Training("").run());
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("goes on from the backup before the last one: cannot read '"));

  const Training once(folder / "once", 4);
  EXPECT_THROW(once.run(stop), Stop);
  write(folder / "once/latest.xl", bytes);
  EXPECT_THAT(error_of<SerializationError>([&] { once.run(); }), HasSubstr("it was changed after it was written"));
}

TEST(BackupAndRestore, IsForOneTraining) {
  const FileFolder folder;
  struct Stop {};
  EXPECT_THROW(Training(folder / "backup", 2).run([](int batch) {
    if (batch == 11) throw Stop();
  }),
               Stop);
  const auto error = [&](const Sequential& model, int batch_size) {
    const auto before = model.get_weights();
    const std::string text = error_of<Error>([&] {
      model.fit(drawn({50, 6}, 1), drawn({50, 1}, 2),
                {.batch_size = batch_size,
                 .verbose = 0,
                 .callbacks = {BackupAndRestore({.backup_dir = folder / "backup"})},
                 .validation_split = 0.2});
    });
    for (std::size_t i = 0; i < before.size() && batch_size == 6; ++i)
      EXPECT_TRUE(same_bits(before[i], model.get_weights()[i]));
    return text;
  };
  EXPECT_THAT(error(Training::model(), 7), HasSubstr("expected epochs of 7 batches, as in the training that was "
                                                     "interrupted, got 6"));
  const Sequential other{Input({6}), Dense({.units = 7}), Dense({.units = 1})};
  other.compile({.optimizer = "adam", .loss = "mse", .metrics = {"mae"}});
  EXPECT_THAT(error(other, 6), HasSubstr("expected the tensor 'd/kernel' to be float32 of shape (6, 7), got float32 of "
                                         "shape (6, 8)"));
  const Sequential sgd = Training::model();
  sgd.compile({.optimizer = SGD({.momentum = 0.5f}), .loss = "mse", .metrics = {"mae"}});
  EXPECT_THAT(error(sgd, 6), HasSubstr("expected an optimizer with 4 tensors, as SGD has, got 8"));
  const Sequential fewer = Training::model();
  fewer.compile({.optimizer = "adam", .loss = "mse"});
  EXPECT_THAT(error(fewer, 6), HasSubstr("losses or metrics"));
  EXPECT_EQ(error_of<ValueError>([] { BackupAndRestore backup({}); }),
            "[BackupAndRestore] expected a backup_dir, got an empty text");
}

}  // namespace
}  // namespace xl
