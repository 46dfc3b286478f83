// The callbacks: against Keras' (tests/golden/callbacks.json), with logs that are given to them and in runs of fit.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <iostream>

#include "golden.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/models/callbacks/csv_logger.hpp"
#include "xlayers/models/callbacks/early_stopping.hpp"
#include "xlayers/models/callbacks/lambda_callback.hpp"
#include "xlayers/models/callbacks/learning_rate_scheduler.hpp"
#include "xlayers/models/callbacks/reduce_lr_on_plateau.hpp"
#include "xlayers/models/callbacks/terminate_on_nan.hpp"
#include "xlayers/models/model/sequential.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// ---- what the tests share -------------------------------------------------------------------------------

/// What a call writes to a stream.
template <class Call>
std::string written_to(std::ostream& stream, Call call) {
  struct Redirect {
    std::ostream& stream;
    std::streambuf* before;
    ~Redirect() { stream.rdbuf(before); }
  };
  std::ostringstream text;
  const Redirect redirect{stream, stream.rdbuf(text.rdbuf())};
  call();
  return text.str();
}
template <class Call>
std::string printed(Call call) {
  return written_to(std::cout, call);
}

/// JSON has no NaN and no infinity; the golden data has their names.
double number(const Json& json) { return json.is_string() ? std::stod(json.get<std::string>()) : json.get<double>(); }
bool equal(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

Logs logs_of(const Json& json) {
  Logs logs;
  for (const auto& [name, value] : json.items()) logs[name] = number(value);
  return logs;
}

template <class T>
T option(const Json& options, const char* name, T otherwise) {
  return options.contains(name) ? options.at(name).get<T>() : otherwise;
}

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A path in a directory for files that do not stay.
std::string temporary(const std::string& name) {
  const auto path = std::filesystem::path(testing::TempDir()) / ("xlayers_callback_" + name);
  std::filesystem::remove(path);
  return path.string();
}

/// One weight, which says which epoch it is of; its learning rate is 0.5.
Sequential weight_model(const MetricList& metrics = {"mae", "accuracy"}) {
  const Sequential model{Input({1}), Dense({.units = 1, .use_bias = false})};
  model.compile({.optimizer = SGD({.learning_rate = 0.5}), .loss = "mse", .metrics = metrics});
  return model;
}

/// Runs a callback as fit does: each entry of the script is the logs of an epoch. After each, `look` may look.
void drive(
    Callback& callback, const Sequential& model, const Json& script, int first_epoch = 0,
    const std::function<void(std::size_t, const Logs&)>& look = [](std::size_t, const Logs&) {}) {
  Model handle = model;
  const int epochs = first_epoch + static_cast<int>(script.size());
  callback.begin_run(handle, {.verbose = 0, .epochs = epochs, .steps = 1});
  Logs logs;
  callback.on_train_begin(logs);
  for (int epoch = first_epoch; epoch < epochs && !callback.wants_stop(); ++epoch) {
    logs.clear();
    callback.on_epoch_begin(epoch, logs);
    Tensor weight = empty({1, 1});
    weight.data()[0] = static_cast<float>(epoch + 1);
    model.set_weights({weight});
    const auto i = static_cast<std::size_t>(epoch - first_epoch);
    logs = logs_of(script[i]);
    callback.on_epoch_end(epoch, logs);
    look(i, logs);
  }
  callback.on_train_end(logs);
}

/// Drives the callback through a case of the golden data and compares what is seen.
template <class MakeCallback>
void expect_as_keras(const Json& json, MakeCallback make) {
  const Json& seen = json.at("seen");
  const Sequential model = weight_model();
  std::unique_ptr<Callback> callback;
  std::size_t epochs = 0;
  const std::string text = printed([&] {
    callback = make(option(json, "options", Json::object()));
    const auto* monitor = dynamic_cast<const MonitorCallback*>(callback.get());
    const auto look = [&](std::size_t i, const Logs& logs) {
      ++epochs;
      ASSERT_LT(i, seen.at("logs").size());
      EXPECT_EQ(static_cast<double>(model.optimizer().learning_rate()), seen.at("rates")[i].get<double>()) << i;
      EXPECT_EQ(logs.size(), seen.at("logs")[i].size());
      for (const auto& [name, value] : logs) EXPECT_TRUE(equal(value, number(seen.at("logs")[i].at(name)))) << name;
      if (monitor == nullptr) return;
      EXPECT_EQ(monitor->wait(), seen.at("wait")[i].get<int>()) << i;
      const Json& best = seen.at("best")[i];
      ASSERT_EQ(monitor->best().has_value(), !best.is_null()) << i;
      if (monitor->best()) {
        EXPECT_TRUE(equal(*monitor->best(), number(best))) << i;
      }
    };
    written_to(std::cerr, [&] { drive(*callback, model, json.at("script"), option(json, "first_epoch", 0), look); });
  });
  EXPECT_EQ(epochs, seen.at("logs").size());
  EXPECT_EQ(text, seen.at("printed").get<std::string>());
  EXPECT_EQ(model.get_weights()[0].data()[0], seen.at("weight").get<float>());
  if (const auto* stopping = dynamic_cast<const EarlyStopping*>(callback.get())) {
    EXPECT_EQ(stopping->stopped_epoch(), seen.at("stopped_epoch").get<int>());
    EXPECT_EQ(stopping->best_epoch(), seen.at("best_epoch").get<int>());
  }
}

EarlyStopping::Options early_stopping(const Json& json) {
  EarlyStopping::Options o;
  o.monitor = option(json, "monitor", o.monitor);
  o.min_delta = option(json, "min_delta", o.min_delta);
  o.patience = option(json, "patience", o.patience);
  o.verbose = option(json, "verbose", o.verbose);
  o.mode = option(json, "mode", o.mode);
  if (json.contains("baseline")) o.baseline = json.at("baseline").get<double>();
  o.restore_best_weights = option(json, "restore_best_weights", o.restore_best_weights);
  o.start_from_epoch = option(json, "start_from_epoch", o.start_from_epoch);
  return o;
}

ReduceLROnPlateau::Options plateau(const Json& json) {
  ReduceLROnPlateau::Options o;
  o.monitor = option(json, "monitor", o.monitor);
  o.factor = option(json, "factor", o.factor);
  o.patience = option(json, "patience", o.patience);
  o.verbose = option(json, "verbose", o.verbose);
  o.mode = option(json, "mode", o.mode);
  o.min_delta = option(json, "min_delta", o.min_delta);
  o.cooldown = option(json, "cooldown", o.cooldown);
  o.min_lr = option(json, "min_lr", o.min_lr);
  return o;
}

// ---- with logs that are given ---------------------------------------------------------------------------

TEST(EarlyStopping, DoesWhatKerasDoes) {
  for (const auto& [name, json] : golden("callbacks").at("early_stopping").items()) {
    SCOPED_TRACE(name);
    expect_as_keras(json, [](const Json& o) { return std::make_unique<EarlyStopping>(early_stopping(o)); });
  }
}

TEST(EarlyStopping, BeginsAnewWithEachRun) {
  const Sequential model = weight_model();
  EarlyStopping stopping({.patience = 1, .restore_best_weights = true});
  for (int run = 0; run < 2; ++run) {
    drive(stopping, model, {{{"val_loss", 0.5}}, {{"val_loss", 0.25 + run}}, {{"val_loss", 1.0}}, {{"val_loss", 0.0}}});
    EXPECT_EQ(stopping.stopped_epoch(), run == 0 ? 2 : 1);
    EXPECT_EQ(stopping.best(), run == 0 ? 0.25 : 0.5);
    EXPECT_EQ(model.get_weights()[0].data()[0], run == 0 ? 2.0f : 1.0f);
  }
}

TEST(ReduceLROnPlateau, DoesWhatKerasDoes) {
  for (const auto& [name, json] : golden("callbacks").at("reduce_lr_on_plateau").items()) {
    SCOPED_TRACE(name);
    expect_as_keras(json, [](const Json& o) { return std::make_unique<ReduceLROnPlateau>(plateau(o)); });
  }
}

TEST(LearningRateScheduler, DoesWhatKerasDoes) {
  const std::map<std::string, LearningRateScheduler> made = {
      {"halved", {[](int, double rate) { return rate * 0.5; }, 1}},
      {"of_epoch", {[](int epoch) { return 0.1 / (1 + epoch); }, 1}},
      {"tiny", {[](int epoch) { return std::pow(10.0, -(epoch + 3)); }, 1}},
      {"warm_up_and_stay", {[](int epoch, double rate) { return epoch < 3 ? 0.25 * (epoch + 1) : rate; }, 1}},
  };
  for (const auto& [name, json] : golden("callbacks").at("learning_rate_scheduler").items()) {
    SCOPED_TRACE(name);
    const LearningRateScheduler& scheduler = made.at(name);
    expect_as_keras(json, [&](const Json&) { return std::make_unique<LearningRateScheduler>(scheduler); });
  }
}

TEST(LearningRateScheduler, TakesAScheduleOfTheOptimizersByEpoch) {
  const Sequential model = weight_model();
  LearningRateScheduler scheduler(
      ExponentialDecay({.initial_learning_rate = 1.0, .decay_steps = 1, .decay_rate = 0.5}));
  std::vector<float> rates;
  drive(scheduler, model, {Json::object(), Json::object(), Json::object()}, 0,
        [&](std::size_t, const Logs&) { rates.push_back(model.optimizer().learning_rate()); });
  EXPECT_THAT(rates, ElementsAre(1.0f, 0.5f, 0.25f));
}

TEST(LearningRateScheduler, TakesNoRateThatIsNone) {
  const Sequential model = weight_model();
  for (const double rate : {-0.5, std::nan(""), HUGE_VAL, 1e300}) {
    LearningRateScheduler scheduler([rate](int epoch) { return epoch == 1 ? rate : 0.25; });
    EXPECT_THAT(error_of<ValueError>([&] {
                  drive(scheduler, model, {Json::object(), Json::object()});
                }),
                HasSubstr("for epoch 1, expected a number from 0 on"));
    EXPECT_EQ(model.optimizer().learning_rate(), 0.25f);
  }
  EXPECT_THAT(error_of<ValueError>([] { LearningRateScheduler(std::function<double(int)>()); }),
              HasSubstr("expected a function"));
  EXPECT_THAT(error_of<ValueError>([] { LearningRateScheduler(std::function<double(int, double)>()); }),
              HasSubstr("expected a function"));
}

TEST(Monitor, KnowsWhichWayIsBetterAsKerasDoes) {
  const Json& json = golden("callbacks").at("directions");
  MetricList metrics;
  for (const Json& name : json.at("metrics")) metrics.push_back(name.get<std::string>());
  const Sequential model = weight_model(metrics);
  for (const auto& [name, higher] : json.at("higher").items()) {
    SCOPED_TRACE(name);
    EarlyStopping stopping({.monitor = name, .patience = 9});
    const Json script = {{{name, 1.0}}, {{name, 2.0}}};
    const auto run = [&] { drive(stopping, model, script); };
    if (higher.is_null()) {
      const std::string error = error_of<ValueError>(run);
      EXPECT_THAT(error, HasSubstr("[EarlyStopping] cannot tell whether '" + name + "' is better"));
      EXPECT_THAT(error, HasSubstr("loss, mae, mse"));
    } else {
      run();
      EXPECT_EQ(stopping.best(), higher.get<bool>() ? 2.0 : 1.0);
    }
  }
}

TEST(Monitor, KnowsTheMetricsOfEachOutput) {
  const auto inputs = Input({2});
  const auto trend = Dense({.units = 1, .name = "trend"})(inputs);
  const auto kind = Dense({.units = 1, .activation = "sigmoid", .name = "kind"})(inputs);
  const Model model(inputs, {trend, kind});
  model.compile({.optimizer = "sgd",
                 .loss = {"mse", "binary_crossentropy"},
                 .metrics = {{"trend", "mae"}, {"kind", "accuracy"}},
                 .weighted_metrics = {{"kind", {"mae", "accuracy"}}}});
  const std::map<std::string, bool> higher = {{"val_trend_loss", false}, {"kind_loss", false},
                                              {"val_trend_mae", false},  {"val_kind_accuracy", true},
                                              {"kind_mae", false},       {"kind_weighted_accuracy", true}};
  for (const auto& [name, up] : higher) {
    SCOPED_TRACE(name);
    EarlyStopping stopping({.monitor = name, .patience = 9});
    Model handle = model;
    stopping.begin_run(handle, {});
    Logs logs;
    stopping.on_train_begin(logs);
    for (int epoch = 0; epoch < 2; ++epoch) {
      logs = {{name, epoch}};
      stopping.on_epoch_end(epoch, logs);
    }
    EXPECT_EQ(stopping.best_epoch(), up ? 1 : 0);
  }
}

TEST(Monitor, TakesAMetricOfOnesOwnWithAMode) {
  const auto bias = Metric::own("bias", [](auto target, auto prediction) { return prediction[0] - target[0]; });
  const Sequential model = weight_model({bias});
  const Json script = {{{"bias", 1.0}}, {{"bias", 2.0}}};
  EarlyStopping any({.monitor = "bias"}), max({.monitor = "bias", .mode = "max"});
  EXPECT_THAT(error_of<ValueError>([&] { drive(any, model, script); }), HasSubstr("expected mode \"max\" or \"min\""));
  drive(max, model, script);
  EXPECT_EQ(max.best(), 2.0);
}

TEST(Monitor, WarnsOnceARunOfAValueThatIsNotThere) {
  const Sequential model = weight_model();
  EarlyStopping stopping;
  ReduceLROnPlateau reduce;
  const Json script = {{{"loss", 1.0}, {"mae", 1.0}}, {{"loss", 1.0}}, {{"loss", 1.0}}};
  const std::string text = written_to(std::cerr, [&] { drive(stopping, model, script); });
  EXPECT_EQ(text,
            "Warning: Early stopping conditioned on metric `val_loss` which is not available. Available metrics are: "
            "loss,mae\n");
  EXPECT_EQ(written_to(std::cerr, [&] { drive(stopping, model, script); }), text);
  EXPECT_EQ(written_to(std::cerr, [&] { drive(reduce, model, script); }),
            "Warning: Learning rate reduction is conditioned on metric `val_loss` which is not available. Available "
            "metrics are: learning_rate,loss,mae\n");
}

TEST(Callbacks, BadOptionsAreErrors) {
  const auto stopping = [](const EarlyStopping::Options& options, const std::string& text) {
    EXPECT_THAT(error_of<ValueError>([&] { EarlyStopping made(options); }), HasSubstr("[EarlyStopping] " + text));
  };
  stopping({.monitor = ""}, "monitor is \"\", expected the name of a value of the logs");
  stopping({.min_delta = std::nan("")}, "min_delta is NaN, expected a number");
  stopping({.patience = -1}, "patience is -1, expected 0 or more epochs");
  stopping({.mode = "lowest"}, "mode is \"lowest\", expected \"auto\", \"min\" or \"max\"");
  stopping({.baseline = std::nan("")}, "baseline is NaN, expected a number");
  stopping({.start_from_epoch = -2}, "start_from_epoch is -2, expected 0 or more epochs");

  const auto reduce = [](const ReduceLROnPlateau::Options& options, const std::string& text) {
    EXPECT_THAT(error_of<ValueError>([&] { ReduceLROnPlateau made(options); }),
                HasSubstr("[ReduceLROnPlateau] " + text));
  };
  for (const double factor : {1.0, 1.5, -0.5, std::nan("")})
    reduce({.factor = factor}, "factor is " + Value(factor).to_text() + ", expected a number from 0 up to");
  reduce({.patience = -1}, "patience is -1, expected 0 or more epochs");
  reduce({.min_delta = HUGE_VAL}, "min_delta is Infinity, expected a number");
  reduce({.cooldown = -1}, "cooldown is -1, expected 0 or more epochs");
  for (const double min_lr : {-0.1, std::nan(""), HUGE_VAL})
    reduce({.min_lr = min_lr}, "min_lr is " + Value(min_lr).to_text() + ", expected a number from 0 on");

  EXPECT_THAT(error_of<ValueError>([] { CSVLogger made({}); }), HasSubstr("expected a filename"));
  for (const char separator : {'"', '\n', '\r', '\0'})
    EXPECT_THAT(error_of<ValueError>([&] { CSVLogger made({.filename = "log.csv", .separator = separator}); }),
                HasSubstr("expected a separator that is neither"));
}

// ---- CSV files ------------------------------------------------------------------------------------------

TEST(CSVLogger, WritesTheBytesThatKerasWrites) {
  const Sequential model = weight_model();
  for (const auto& [name, json] : golden("callbacks").at("csv_logger").items()) {
    SCOPED_TRACE(name);
    const std::string path = temporary("log.csv");
    if (!json.at("before").is_null()) std::ofstream(path, std::ios::binary) << json.at("before").get<std::string>();
    const Json& options = json.at("options");
    CSVLogger logger({.filename = path,
                      .separator = option<std::string>(options, "separator", ",")[0],
                      .append = option(options, "append", false)});
    for (const Json& script : json.at("runs")) drive(logger, model, script);
    EXPECT_EQ(read(path), json.at("text").get<std::string>());
    std::filesystem::remove(path);
  }
}

TEST(CSVLogger, HasEachLineInTheFileAfterItsEpoch) {
  const std::string path = temporary("lines.csv");
  CSVLogger logger({.filename = path});
  std::vector<std::string> texts;
  drive(logger, weight_model(), {{{"loss", 0.5}}, {{"loss", 0.25}}}, 0,
        [&](std::size_t, const Logs&) { texts.push_back(read(path)); });
  EXPECT_THAT(texts,
              ElementsAre("epoch,loss,val_loss\r\n0,0.5,NA\r\n", "epoch,loss,val_loss\r\n0,0.5,NA\r\n1,0.25,NA\r\n"));
  std::filesystem::remove(path);
}

TEST(CSVLogger, SaysWhatItCannotWrite) {
  const Sequential model = weight_model();
  const Json script = {{{"loss", 0.5}}, {{"loss", 0.25}}};
  const std::string nowhere = temporary("no_such_folder") + "/log.csv";
  for (const std::string& path : {nowhere, testing::TempDir()}) {
    CSVLogger logger({.filename = path});
    EXPECT_THAT(error_of<SerializationError>([&] { drive(logger, model, script); }),
                HasSubstr("[CSVLogger] cannot write '" + path + "': "));
    EXPECT_THAT(error_of<SerializationError>([&] {
                  CSVLogger appending({.filename = path, .append = true});
                  drive(appending, model, script);
                }),
                HasSubstr("cannot write"));
    // A run that could not begin leaves nothing to write to.
    Logs logs{{"loss", 1.0}};
    EXPECT_THAT(error_of<ValueError>([&] { logger.on_epoch_end(0, logs); }), HasSubstr("expected on_train_begin"));
  }
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "there is no /dev/full";
  CSVLogger logger({.filename = "/dev/full"});
  EXPECT_THAT(error_of<SerializationError>([&] { drive(logger, model, script); }),
              HasSubstr("[CSVLogger] cannot write the line of an epoch to '/dev/full': "));
}

// ---- whole runs of fit ----------------------------------------------------------------------------------

/// The model of the golden runs.
Sequential fitted_model(const Json& json) {
  const Sequential model{Input({3}), Dense({.units = 1})};
  model.set_weights(tensors(json.at("start")));
  model.compile({.optimizer = SGD({.learning_rate = 0.125}), .loss = "mse", .metrics = {"mae"}});
  return model;
}

History fit(const Sequential& model, const CallbackList& callbacks, int epochs = 14) {
  const Json& json = golden("callbacks").at("fit");
  return model.fit(tensor(json.at("x")), tensor(json.at("y")),
                   {.batch_size = 8,
                    .epochs = epochs,
                    .verbose = 0,
                    .callbacks = callbacks,
                    .validation_data = {.x = tensor(json.at("x_val")), .y = tensor(json.at("y_val"))},
                    .shuffle = false});
}

/// Fits with these callbacks as Keras did, and compares.
void expect_run_as_keras(const std::string& name, const CallbackList& callbacks, int epochs = 14) {
  SCOPED_TRACE(name);
  const Json& json = golden("callbacks").at("fit");
  const Json& run = json.at("runs").at(name);
  const Sequential model = fitted_model(json);
  History history;
  EXPECT_EQ(printed([&] { history = fit(model, callbacks, epochs); }), run.at("printed").get<std::string>());
  EXPECT_EQ(history.epoch, run.at("epoch").get<std::vector<int>>());
  ASSERT_EQ(history.history.size(), run.at("history").size());
  for (const auto& [key, expected] : run.at("history").items()) {
    const std::vector<double>& values = history.history.at(key);
    ASSERT_THAT(values, SizeIs(expected.size())) << key;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double truth = expected[i].get<double>();
      EXPECT_NEAR(values[i], truth, key == "learning_rate" ? 0.0 : 1e-5 * truth) << key << " of epoch " << i;
    }
  }
  EXPECT_EQ(static_cast<double>(model.optimizer().learning_rate()), run.at("rate").get<double>());
  for (std::size_t i = 0; i < run.at("weights").size(); ++i)
    EXPECT_LE(difference(model.get_weights()[i], run.at("weights")[i].get<std::vector<double>>()), 1e-5);
}

TEST(FitWithCallbacks, RunsAsInKeras) {
  const auto stopping = std::make_shared<EarlyStopping>(
      EarlyStopping::Options{.patience = 2, .verbose = 1, .restore_best_weights = true});
  expect_run_as_keras("early_stopping",
                      {LearningRateScheduler([](int epoch) { return 0.0625 * (epoch + 1); }), stopping});
  EXPECT_EQ(stopping->stopped_epoch(), 3);
  EXPECT_EQ(stopping->best_epoch(), 1);

  expect_run_as_keras("plateau", {ReduceLROnPlateau({.monitor = "loss",
                                                     .factor = 0.5,
                                                     .patience = 1,
                                                     .verbose = 1,
                                                     .min_delta = 0.02,
                                                     .cooldown = 2,
                                                     .min_lr = 0.02})});
  expect_run_as_keras("scheduler", {LearningRateScheduler([](int, double rate) { return rate * 0.75; }, 1)}, 4);
}

TEST(FitWithCallbacks, WritesAFileLikeTheOneOfKeras) {
  const std::string path = temporary("fit.csv");
  expect_run_as_keras(
      "csv_logger", {LearningRateScheduler([](int, double rate) { return rate * 0.5; }), CSVLogger({.filename = path})},
      3);
  std::istringstream ours(read(path));
  std::istringstream keras(golden("callbacks").at("fit").at("runs").at("csv_logger").at("csv").get<std::string>());
  std::string line, other;
  std::getline(ours, line), std::getline(keras, other);
  EXPECT_EQ(line, "epoch,learning_rate,loss,mae,val_loss,val_mae\r");
  EXPECT_EQ(line, other);
  int lines = 0;
  for (; std::getline(ours, line) && std::getline(keras, other); ++lines) {
    std::istringstream cells(line), expected(other);
    std::string cell, truth;
    for (int column = 0; column < 6; ++column) {
      std::getline(cells, cell, ',');
      std::getline(expected, truth, ',');
      if (column < 2) {
        EXPECT_EQ(cell, truth);
      }
      EXPECT_NEAR(std::stod(cell), std::stod(truth), 1e-5 * std::stod(truth));
    }
  }
  EXPECT_EQ(lines, 3);
  std::filesystem::remove(path);
}

TEST(FitWithCallbacks, EndsAtALossThatIsNone) {
  const Json& json = golden("callbacks").at("fit");
  const Json& run = json.at("runs").at("terminate_on_nan");
  const Sequential model = fitted_model(json), twin = fitted_model(json);
  const Tensor x = tensor(json.at("x"));
  Tensor y = tensor(json.at("y"));
  y.data()[10] = NAN;  // in the second batch of three
  bool ended = false;
  const auto fit = [&](const TerminateOnNaN& terminate) {
    ended = false;
    return model.fit(x, y,
                     {.batch_size = 8,
                      .epochs = 14,
                      .verbose = 0,
                      .callbacks = CallbackList{TerminateOnNaN(terminate),
                                                LambdaCallback({.on_train_end = [&](Logs&) { ended = true; }})},
                      .shuffle = false});
  };
  EXPECT_EQ(error_of<ValueError>([&] { fit(TerminateOnNaN({.raise_error = true})); }),
            run.at("error").get<std::string>());
  EXPECT_TRUE(ended);  // unlike in Keras: what has begun ends

  model.set_weights(tensors(json.at("start")));
  History history;
  EXPECT_EQ(printed([&] { history = fit(TerminateOnNaN()); }), run.at("printed").get<std::string>());
  EXPECT_TRUE(ended);
  EXPECT_EQ(history.epoch, run.at("epoch").get<std::vector<int>>());
  EXPECT_TRUE(std::isnan(history.history.at("loss").at(0)));
  // The weights are those after the first batch.
  twin.train_on_batch(samples(x, 0, 8), samples(tensor(json.at("y")), 0, 8));
  EXPECT_TRUE(same_bits(model.get_weights(), twin.get_weights()));
}

TEST(FitWithCallbacks, CannotChangeTheRateOfASchedule) {
  const Json& json = golden("callbacks").at("fit");
  const Sequential model{Input({3}), Dense({.units = 1})};
  const auto compile = [&] {
    model.compile({.optimizer = SGD({.learning_rate = ExponentialDecay(
                                         {.initial_learning_rate = 0.125, .decay_steps = 10, .decay_rate = 0.5})}),
                   .loss = "mse"});
  };
  const Tensor x = tensor(json.at("x")), y = tensor(json.at("y"));
  const auto fit = [&](const CallbackList& callbacks) {
    compile();
    return error_of<ValueError>([&] { model.fit(x, y, {.epochs = 9, .verbose = 0, .callbacks = callbacks}); });
  };
  EXPECT_THAT(fit({LearningRateScheduler([](int) { return 0.5; })}), HasSubstr("cannot be set"));
  EXPECT_THAT(fit({ReduceLROnPlateau({.monitor = "loss", .patience = 0, .min_delta = 100.0})}),
              HasSubstr("cannot be set"));
  EXPECT_EQ(fit({ReduceLROnPlateau({.monitor = "loss"})}), "no error");
}

TEST(LambdaCallback, CallsEachFunctionAtItsEvent) {
  std::vector<std::string> events;
  const auto run = [&](const char* what) { return [&events, what](Logs&) { events.push_back(what); }; };
  const auto numbered = [&](const char* what) {
    return [&events, what](int number, Logs&) { events.push_back(what + std::to_string(number)); };
  };
  const auto callback = std::make_shared<LambdaCallback>(LambdaCallback::Options{
      .on_epoch_begin = numbered("epoch "),
      .on_epoch_end = numbered("epoch end "),
      .on_train_begin = run("train"),
      .on_train_end = run("train end"),
      .on_train_batch_begin = numbered("batch "),
      .on_train_batch_end = numbered("batch end "),
      .on_test_begin = run("test"),
      .on_test_end = run("test end"),
      .on_test_batch_begin = numbered("test batch "),
      .on_test_batch_end = numbered("test batch end "),
      .on_predict_begin = run("predict"),
      .on_predict_end = run("predict end"),
      .on_predict_batch_begin = numbered("predict batch "),
      .on_predict_batch_end = numbered("predict batch end "),
  });
  const Tensor x = drawn({4, 1}, 1), y = drawn({4, 1}, 2);
  const Sequential model = weight_model();
  model.fit(x, y, {.batch_size = 2, .epochs = 1, .verbose = 0, .callbacks = {callback}});
  EXPECT_THAT(events, ElementsAre("train", "epoch 0", "batch 0", "batch end 0", "batch 1", "batch end 1", "epoch end 0",
                                  "train end"));
  events.clear();
  model.evaluate(x, y, {.callbacks = {callback}});
  EXPECT_THAT(events, ElementsAre("test", "test batch 0", "test batch end 0", "test end"));
  events.clear();
  model.predict(x, {.callbacks = {callback}});
  EXPECT_THAT(events, ElementsAre("predict", "predict batch 0", "predict batch end 0", "predict end"));
}

TEST(LambdaCallback, CanAddToTheLogsAndLeaveOutTheRest) {
  const Tensor x = drawn({4, 1}, 1), y = drawn({4, 1}, 2);
  const LambdaCallback::OfEpoch add = [](int epoch, Logs& logs) { logs["twice"] = 2.0 * epoch; };
  const History history = weight_model().fit(
      x, y, {.epochs = 3, .verbose = 0, .callbacks = CallbackList{LambdaCallback({.on_epoch_end = add})}});
  EXPECT_THAT(history.history.at("twice"), ElementsAre(0.0, 2.0, 4.0));
}

TEST(CallbackList, SharesWhatIsSharedAndMovesWhatIsMadeInPlace) {
  static_assert(!std::is_convertible_v<EarlyStopping&, CallbackList::Item>, "a copy would run in its place");
  static_assert(!std::is_convertible_v<const EarlyStopping, CallbackList::Item>);
  static_assert(!std::is_convertible_v<int, CallbackList::Item>);
  const auto shared = std::make_shared<EarlyStopping>();
  const CallbackList list{shared, TerminateOnNaN(), nullptr};
  ASSERT_THAT(list, SizeIs(3));
  EXPECT_EQ(list[0], shared);
  EXPECT_NE(dynamic_cast<TerminateOnNaN*>(list[1].get()), nullptr);
  EXPECT_EQ(list[2], nullptr);
  const std::vector<std::shared_ptr<Callback>> plain = list;
  EXPECT_EQ(CallbackList(plain), list);
}

}  // namespace
}  // namespace xl
