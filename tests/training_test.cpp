// Training: against whole runs of Keras (tests/golden/training.json), and what fit promises besides.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>

#include "golden.hpp"
#include "xlayers/framework/base/random.hpp"
#include "xlayers/layers/conv1d.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/positional_embedding.hpp"
#include "xlayers/layers/token_embedding.hpp"
#include "xlayers/models/model/sequential.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

// ---- runs of Keras --------------------------------------------------------------------------------------

/// The models of golden_training.py.
Sequential keras_model(int length, int d_model, Dense::Options hidden) {
  return Sequential{
      Input({length, 1}),
      Conv1D({.filters = d_model, .kernel_size = 3, .padding = "same", .use_bias = false}),
      PositionalEmbedding({.max_len = length, .d_model = d_model}),
      Dense(std::move(hidden)),
      Dense({.units = 1}),
  };
}

/// How a run of training.json is trained, in words of this library.
struct Training {
  CompileOptions compile = {};
  Dense::Options hidden = {};
  FitOptions fit = {};
};

Training training(const std::string& name, const Json& small) {
  const float rate = 0.015625f;
  Training s{{.optimizer = Adam({.learning_rate = rate}), .loss = "mse"}, {.units = 6, .activation = "relu"}, {}};
  const auto adam = [&](Adam::Options options) {
    options.learning_rate = rate;
    s.compile.optimizer = Adam(options);
  };
  const auto sgd = [&](SGD::Options options) {
    options.learning_rate = 0.03125;
    s.compile.optimizer = SGD(options);
  };
  const std::map<std::string, std::function<void()>> runs = {
      {"adam_default", [&] { s.compile.optimizer = "adam"; }},
      {"sgd_default", [&] { s.compile.optimizer = "sgd"; }},
      {"adam", [&] {}},
      {"adam_clipnorm", [&] { adam({.clipnorm = 0.25}); }},
      {"adam_global_clipnorm", [&] { adam({.global_clipnorm = 0.5}); }},
      {"adam_clipvalue", [&] { adam({.clipvalue = 0.125}); }},
      {"adam_weight_decay", [&] { adam({.weight_decay = 0.25}); }},
      {"adam_amsgrad", [&] { adam({.amsgrad = true}); }},
      {"sgd", [&] { sgd({}); }},
      {"sgd_nesterov", [&] { sgd({.momentum = 0.9, .nesterov = true}); }},
      {"sgd_clipnorm", [&] { sgd({.clipnorm = 0.25}); }},
      {"sgd_momentum_l2_max_norm",
       [&] {
         sgd({.momentum = 0.9});
         s.hidden.kernel_regularizer = L2{0.0078125f};
         s.hidden.kernel_constraint = MaxNorm{.max_value = 0.75f};
       }},
      {"adam_activity_l2",
       [&] {
         s.hidden.activity_regularizer = L2{0.00390625f};
         s.compile.metrics = {"mse"};
       }},
      {"adam_huber_metrics",
       [&] {
         s.compile.loss = "huber";
         s.compile.metrics = {"mae", "mse", metrics::RootMeanSquaredError({.name = "rmse"})};
       }},
      {"adam_huber_delta", [&] { s.compile.loss = Huber({.delta = 0.5}); }},
      {"adam_mae", [&] { s.compile.loss = "mae"; }},
      {"adam_sample_weight",
       [&] {
         s.fit.sample_weight = tensor(small.at("sample_weight"));
         s.compile.metrics = {"mae"};
         s.compile.weighted_metrics = {"mse"};
       }},
      {"adam_step_weight", [&] { s.fit.sample_weight = tensor(small.at("step_weight")); }},
      {"adam_validation_split",
       [&] {
         s.fit.validation_split = 0.2;
         s.compile.metrics = {"mae"};
       }},
      {"adam_validation_data",
       [&] {
         s.fit.validation_data = {tensor(small.at("validation_x")), tensor(small.at("validation_y"))};
       }},
      {"adam_validation_weighted",
       [&] {
         s.fit.validation_data = {tensor(small.at("validation_x")), tensor(small.at("validation_y")),
                                  tensor(small.at("validation_weight"))};
         s.fit.validation_batch_size = 4;
       }},
      {"adam_initial_epoch", [&] { s.fit.initial_epoch = 3; }},
  };
  const auto run = runs.find(name);
  EXPECT_NE(run, runs.end()) << "no words for the run " << name;
  if (run != runs.end()) run->second();
  s.fit.epochs = 10;
  s.fit.verbose = 0;
  s.fit.shuffle = false;
  return s;
}

/// Trains as a run of training.json and compares. Gives the largest relative deviation of a value of its history.
double train_and_compare(const Sequential& model, const Training& s, const Tensor& x, const Tensor& y,
                         const Json& initial, const Json& run) {
  model.set_weights(tensors(initial));
  model.compile(s.compile);
  const History history = model.fit(x, y, s.fit);
  EXPECT_EQ(history.epoch, run.at("epoch").get<std::vector<int>>());

  double most = 0.0;
  std::size_t series = 0;
  for (const auto& [key, values] : run.at("history").items()) {
    const auto found = history.history.find(key);
    if (found == history.history.end()) {
      ADD_FAILURE() << key << " is not in the history";
      continue;
    }
    ++series;
    const auto truth = values.get<std::vector<double>>();
    if (found->second.size() != truth.size()) {
      ADD_FAILURE() << key << " has " << found->second.size() << " values, expected " << truth.size();
      continue;
    }
    for (std::size_t i = 0; i < truth.size(); ++i) {
      const double deviation = std::abs(found->second[i] - truth[i]) / std::abs(truth[i]);
      EXPECT_LE(deviation, 1e-4) << key << " of epoch " << i << ": " << found->second[i] << ", Keras has " << truth[i];
      most = std::max(most, deviation);
    }
  }
  EXPECT_EQ(series, history.history.size());

  // Adam makes of a gradient that is nearly zero a step of full length, so weights differ more than losses do.
  const std::vector<Tensor> weights = model.get_weights();
  EXPECT_EQ(weights.size(), run.at("weights").size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::vector<double> truth = numbers(run.at("weights")[i]);
    EXPECT_LE(difference(weights[i], truth), 2e-4 * std::max(1.0, largest(truth))) << "weight " << i;
  }
  return most;
}

TEST(TrainingRuns, AreThoseOfKerasWithEveryOption) {
  const Json& small = golden("training").at("small");
  const Tensor x = tensor(small.at("x")), y = tensor(small.at("y"));
  double most = 0.0;
  for (const auto& [name, run] : small.at("runs").items()) {
    SCOPED_TRACE(name);
    Training s = training(name, small);
    s.fit.batch_size = small.at("batch_size");
    most = std::max(most, train_and_compare(keras_model(20, 8, s.hidden), s, x, y, small.at("initial"), run));
  }
  RecordProperty("largest_relative_deviation", testing::PrintToString(most));
  EXPECT_LE(most, 3e-5);  // as much as Keras itself is off in float32
}

TEST(TrainingRuns, OfTheDocumentedModelAreThoseOfKeras) {
  const Json& page = golden("training").at("page");
  const auto series = page.at("series_times_256").get<std::vector<int>>();
  Tensor x = empty({96, 100, 1}), y = empty({96, 100, 1});
  for (int n = 0; n < 96; ++n)
    for (int t = 0; t < 100; ++t) {
      x.data()[100 * n + t] = static_cast<float>(series[24 * n + t]) / 256.0f;
      y.data()[100 * n + t] = static_cast<float>(series[24 * n + 24 + t]) / 256.0f;
    }
  double most = 0.0;
  for (const auto& [name, run] : page.at("runs").items()) {
    SCOPED_TRACE(name);
    Training s;
    s.compile = {.optimizer = "adam", .loss = "mse"};
    if (name == "sgd_nesterov")
      s.compile.optimizer = SGD({.learning_rate = 0.0078125, .momentum = 0.9, .nesterov = true});
    s.fit = {.batch_size = 32, .epochs = 10, .verbose = 0, .shuffle = false};
    const Sequential model = keras_model(100, 64, {.units = 32, .activation = "relu"});
    most = std::max(most, train_and_compare(model, s, x, y, page.at("initial"), run));
  }
  RecordProperty("largest_relative_deviation", testing::PrintToString(most));
  EXPECT_LE(most, 3e-5);
}

// ---- fit ------------------------------------------------------------------------------------------------

Sequential line() { return Sequential{Input({3}), Dense({.units = 4, .activation = "tanh"}), Dense({.units = 1})}; }

/// y = a function of x, so that there is something to learn.
Tensor targets(const Tensor& x) {
  Tensor y = empty({shape(x)[0], 1});
  for (std::int64_t i = 0; i < shape(x)[0]; ++i) y.data()[i] = x.data()[3 * i] - 0.5f * x.data()[3 * i + 1];
  return y;
}

std::vector<std::string> keys(const History& history) {
  std::vector<std::string> names;
  for (const auto& [name, values] : history.history) names.push_back(name);
  return names;
}

TEST(Fit, LearnsAndReportsEveryEpoch) {
  set_random_seed(3);
  const Sequential model = line();
  const Tensor x = drawn({64, 3}, 1), y = targets(x);
  model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse", .metrics = {"mae", "rmse"}});
  const History history = model.fit(x, y, {.epochs = 40, .verbose = 0, .validation_split = 0.25});
  EXPECT_THAT(keys(history), ElementsAre("loss", "mae", "rmse", "val_loss", "val_mae", "val_rmse"));
  for (const auto& [name, values] : history.history) EXPECT_THAT(values, SizeIs(40)) << name;
  EXPECT_EQ(history.epoch.front(), 0);
  EXPECT_EQ(history.epoch.back(), 39);
  EXPECT_LT(history.history.at("loss").back(), 0.1 * history.history.at("loss").front());
  EXPECT_LT(history.history.at("val_loss").back(), 0.1 * history.history.at("val_loss").front());
  for (int epoch : history.epoch) {
    const double loss = history.history.at("val_loss")[epoch], rmse = history.history.at("val_rmse")[epoch];
    EXPECT_NEAR(rmse * rmse, loss, 1e-6);
  }
}

TEST(Fit, ValidationSplitTakesTheLastSamplesAndRoundsAsKeras) {
  // floor(samples * (1 - split)) are trained on.
  for (const auto& [count, split, trained] :
       {std::tuple{10, 0.2, 8}, {37, 0.2, 29}, {7, 0.5, 3}, {3, 0.01, 2}, {100, 0.29, 71}}) {
    const Tensor x = drawn({count, 3}, 2), y = targets(x);
    const Sequential model = line(), twin = line();
    twin.set_weights(model.get_weights());
    const CompileOptions how{.optimizer = "sgd", .loss = "mse"};
    model.compile(how);
    twin.compile(how);
    const History history =
        model.fit(x, y, {.batch_size = 4, .verbose = 0, .validation_split = split, .shuffle = false});
    twin.fit(samples(x, 0, trained), samples(y, 0, trained), {.batch_size = 4, .verbose = 0, .shuffle = false});
    EXPECT_TRUE(same_bits(model.get_weights(), twin.get_weights())) << count << " " << split;
    const Scores scores = twin.evaluate(samples(x, trained, count - trained), samples(y, trained, count - trained));
    EXPECT_NEAR(history.history.at("val_loss")[0], scores.loss(), 1e-12);
  }
}

TEST(Fit, ValidatesEverySoManyEpochs) {
  const Tensor x = drawn({8, 3}, 2), y = targets(x);
  const Sequential model = line();
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const History history =
      model.fit(x, y, {.epochs = 7, .verbose = 0, .validation_data = {.x = x, .y = y}, .validation_freq = 3});
  EXPECT_THAT(history.history.at("loss"), SizeIs(7));
  EXPECT_THAT(history.history.at("val_loss"), SizeIs(2));
}

TEST(Fit, BeginsAtInitialEpochAndMayHaveNothingToDo) {
  const Tensor x = drawn({8, 3}, 2), y = targets(x);
  const Sequential model = line();
  model.compile({.optimizer = "sgd", .loss = "mse"});
  EXPECT_THAT(model.fit(x, y, {.epochs = 5, .verbose = 0, .initial_epoch = 3}).epoch, ElementsAre(3, 4));
  const std::vector<Tensor> before = model.get_weights();
  EXPECT_THAT(model.fit(x, y, {.epochs = 2, .verbose = 0, .initial_epoch = 2}).epoch, SizeIs(0));
  EXPECT_TRUE(same_bits(model.get_weights(), before));
}

TEST(Fit, AWeightOfASampleCountsForEachOfItsSteps) {
  const Tensor x = drawn({9, 5, 2}, 4), y = drawn({9, 5, 1}, 5);
  Tensor of_sample = empty({9}), of_step = empty({9, 5}), column = empty({9, 1});
  for (int i = 0; i < 9; ++i) {
    of_sample.data()[i] = column.data()[i] = 0.25f * static_cast<float>(i);
    std::fill_n(of_step.data() + 5 * i, 5, of_sample.data()[i]);
  }
  std::vector<std::vector<Tensor>> weights;
  std::vector<double> losses;
  const Sequential model{Input({5, 2}), Dense({.units = 3, .activation = "tanh"}), Dense({.units = 1})};
  const std::vector<Tensor> initial = model.get_weights();
  for (const Tensor& weight : {of_sample, of_step, column}) {
    model.set_weights(initial);
    model.compile({.optimizer = SGD({.learning_rate = 0.5}), .loss = "mse"});
    const History history =
        model.fit(x, y, {.batch_size = 4, .epochs = 3, .verbose = 0, .shuffle = false, .sample_weight = weight});
    weights.push_back(model.get_weights());
    losses.push_back(history.history.at("loss").back());
    const Scores scores = model.evaluate(x, y, {.batch_size = 2, .sample_weight = weight});
    const Scores by_hand = model.test_on_batch(x, y, weight);
    EXPECT_NEAR(scores.loss(), by_hand.loss(), 1e-9);
  }
  for (std::size_t i = 1; i < weights.size(); ++i) {
    EXPECT_NEAR(losses[i], losses[0], 1e-7);
    for (std::size_t k = 0; k < weights[i].size(); ++k)
      EXPECT_LE(difference(weights[i][k], {weights[0][k].begin(), weights[0][k].end()}), 1e-6);
  }
  // The same by hand: the mean over all rows of weight times squared error.
  const Tensor forecast = model.predict(x);
  double sum = 0.0;
  for (int i = 0; i < 45; ++i) {
    const double error = forecast.data()[i] - y.data()[i];
    sum += of_step.data()[i] * error * error;
  }
  EXPECT_NEAR(model.evaluate(x, y, {.sample_weight = of_sample}).loss(), sum / 45, 1e-6);
}

// ---- order and chance -----------------------------------------------------------------------------------

/// Which sample each batch of one is, by its loss: the weights do not move, and each target is different.
class Watch : public Callback {
 public:
  explicit Watch(std::vector<double>& losses) : losses_(losses) {}
  void on_train_batch_end(int, Logs& logs) override {
    const double total = logs["loss"] * ++count_;
    losses_.push_back(std::round(std::sqrt(total - before_)));
    before_ = total;
  }
  void on_epoch_end(int, Logs&) override { count_ = 0, before_ = 0.0; }

 private:
  std::vector<double>& losses_;
  int count_ = 0;
  double before_ = 0.0;
};

std::vector<double> order_of_samples(bool shuffle, int epochs) {
  const Sequential model{Input({1}), Dense({.units = 1, .kernel_initializer = "zeros"})};
  model.compile({.optimizer = SGD({.learning_rate = 0.0}), .loss = "mse"});
  Tensor y = empty({20, 1});
  for (int i = 0; i < 20; ++i) y.data()[i] = static_cast<float>(i);
  std::vector<double> order;
  model.fit(zeros({20, 1}), y,
            {.batch_size = 1,
             .epochs = epochs,
             .verbose = 0,
             .callbacks = {std::make_shared<Watch>(order)},
             .shuffle = shuffle});
  return order;
}

TEST(Fit, ShufflesAnewEveryEpochAndTakesEachSampleOnce) {
  set_random_seed(11);
  const std::vector<double> order = order_of_samples(true, 3);
  ASSERT_THAT(order, SizeIs(60));
  std::vector<double> in_order(20);
  for (int i = 0; i < 20; ++i) in_order[i] = i;
  std::vector<std::vector<double>> epochs;
  for (int epoch = 0; epoch < 3; ++epoch) {
    epochs.emplace_back(order.begin() + 20 * epoch, order.begin() + 20 * (epoch + 1));
    EXPECT_NE(epochs.back(), in_order);
    std::vector<double> sorted = epochs.back();
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(sorted, in_order);
  }
  EXPECT_NE(epochs[0], epochs[1]);
  EXPECT_NE(epochs[1], epochs[2]);
  EXPECT_NE(epochs[0], epochs[2]);
}

TEST(Fit, TakesSamplesInOrderIfNotShuffled) {
  const std::vector<double> order = order_of_samples(false, 2);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(order[i], i % 20);
}

TEST(Fit, IsTheSameAfterTheSameSeed) {
  const auto train = [](std::uint64_t seed) {
    set_random_seed(seed);
    const Sequential model = line();
    model.compile({.optimizer = "adam", .loss = "mse"});
    const Tensor x = drawn({50, 3}, 1);
    model.fit(x, targets(x), {.batch_size = 8, .epochs = 3, .verbose = 0});
    return model.get_weights();
  };
  const std::vector<Tensor> first = train(5);
  EXPECT_TRUE(same_bits(first, train(5)));
  EXPECT_FALSE(same_bits(first, train(6)));
}

TEST(Fit, GoesOnFromWhereItWas) {
  const Tensor x = drawn({24, 3}, 1), y = targets(x);
  const Sequential once = line(), twice = line();
  twice.set_weights(once.get_weights());
  for (const Sequential& model : {once, twice}) model.compile({.optimizer = "adam", .loss = "mse"});
  once.fit(x, y, {.batch_size = 8, .epochs = 4, .verbose = 0, .shuffle = false});
  for (int i = 0; i < 2; ++i) twice.fit(x, y, {.batch_size = 8, .epochs = 2, .verbose = 0, .shuffle = false});
  EXPECT_TRUE(same_bits(once.get_weights(), twice.get_weights()));
  EXPECT_EQ(twice.optimizer().iterations(), 12);
}

// ---- callbacks ------------------------------------------------------------------------------------------

/// Writes down every call; stops where it is told to.
class Diary : public Callback {
 public:
  std::vector<std::string> lines;
  int stop_at_batch = -1, stop_at_epoch = -1;
  Params seen;
  std::string model_name;

  void on_train_begin(Logs& logs) override {
    note("train begin", logs);
    seen = params();
    model_name = model().name();
  }
  void on_train_end(Logs& logs) override { note("train end", logs); }
  void on_epoch_begin(int epoch, Logs& logs) override { note("epoch begin " + std::to_string(epoch), logs); }
  void on_epoch_end(int epoch, Logs& logs) override {
    note("epoch end " + std::to_string(epoch), logs);
    if (epoch == stop_at_epoch) stop_training();
    logs["extra"] = epoch + 0.5;
  }
  void on_train_batch_begin(int batch, Logs& logs) override { note("batch begin " + std::to_string(batch), logs); }
  void on_train_batch_end(int batch, Logs& logs) override {
    note("batch end " + std::to_string(batch), logs);
    if (batch == stop_at_batch) stop_training();
  }
  void on_test_begin(Logs& logs) override { note("test begin", logs); }
  void on_test_end(Logs& logs) override { note("test end", logs); }
  void on_test_batch_begin(int batch, Logs& logs) override { note("test batch begin " + std::to_string(batch), logs); }
  void on_test_batch_end(int batch, Logs& logs) override { note("test batch end " + std::to_string(batch), logs); }
  void on_predict_begin(Logs& logs) override { note("predict begin", logs); }
  void on_predict_end(Logs& logs) override { note("predict end", logs); }
  void on_predict_batch_begin(int batch, Logs& logs) override {
    note("predict batch begin " + std::to_string(batch), logs);
  }
  void on_predict_batch_end(int batch, Logs& logs) override {
    note("predict batch end " + std::to_string(batch), logs);
  }

 private:
  void note(const std::string& what, const Logs& logs) {
    std::string line = what;
    if (what.find(" end") != std::string::npos)
      for (const auto& [name, value] : logs) line += " " + name;
    lines.push_back(line);
  }
};

TEST(Callbacks, AreCalledInOrderWithTheLogsOfThatMoment) {
  const Tensor x = drawn({5, 3}, 2), y = targets(x);
  const Sequential model = line();
  model.compile({.optimizer = "sgd", .loss = "mse", .metrics = {"mae"}});
  const auto diary = std::make_shared<Diary>();
  const History history = model.fit(x, y,
                                    {.batch_size = 3,
                                     .epochs = 2,
                                     .verbose = 0,
                                     .callbacks = {diary},
                                     .validation_data = {.x = x, .y = y},
                                     .validation_freq = 2});
  EXPECT_THAT(
      diary->lines,
      ElementsAre("train begin", "epoch begin 0", "batch begin 0", "batch end 0 loss mae", "batch begin 1",
                  "batch end 1 loss mae", "epoch end 0 loss mae", "epoch begin 1", "batch begin 0",
                  "batch end 0 loss mae", "batch begin 1", "batch end 1 loss mae", "test begin", "test batch begin 0",
                  "test batch end 0 loss mae", "test batch begin 1", "test batch end 1 loss mae", "test end loss mae",
                  "epoch end 1 loss mae val_loss val_mae", "train end extra loss mae val_loss val_mae"));
  EXPECT_EQ(diary->seen.epochs, 2);
  EXPECT_EQ(diary->seen.steps, 2);
  EXPECT_EQ(diary->seen.verbose, 0);
  EXPECT_EQ(diary->model_name, model.name());
  EXPECT_THAT(history.history.at("extra"), ElementsAre(0.5, 1.5));
}

TEST(Callbacks, OfEvaluateAndPredict) {
  const Tensor x = drawn({5, 3}, 2), y = targets(x);
  const Sequential model = line();
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const auto diary = std::make_shared<Diary>();
  const Scores plain = model.evaluate(x, y, {.batch_size = 4});
  const Scores watched = model.evaluate(x, y, {.batch_size = 4, .callbacks = {diary}});
  EXPECT_EQ(plain.loss(), watched.loss());
  const Tensor forecast = model.predict(x, {.batch_size = 2, .callbacks = {diary}});
  EXPECT_TRUE(same_bits(forecast, model.predict(x)));
  EXPECT_THAT(diary->lines,
              ElementsAre("test begin", "test batch begin 0", "test batch end 0 loss", "test batch begin 1",
                          "test batch end 1 loss", "test end loss", "predict begin", "predict batch begin 0",
                          "predict batch end 0", "predict batch begin 1", "predict batch end 1",
                          "predict batch begin 2", "predict batch end 2", "predict end"));
}

TEST(Callbacks, StopTrainingAfterABatchOrAnEpoch) {
  const Tensor x = drawn({12, 3}, 2), y = targets(x);
  const Sequential model = line();
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const auto diary = std::make_shared<Diary>();
  diary->stop_at_batch = 1;
  EXPECT_THAT(model.fit(x, y, {.batch_size = 3, .epochs = 9, .verbose = 0, .callbacks = {diary}}).epoch,
              ElementsAre(0));
  EXPECT_EQ(model.optimizer().iterations(), 2);
  EXPECT_EQ(diary->lines.back(), "train end extra loss");

  diary->stop_at_batch = -1;
  diary->stop_at_epoch = 2;
  EXPECT_THAT(model.fit(x, y, {.batch_size = 3, .epochs = 9, .verbose = 0, .callbacks = {diary}}).epoch,
              ElementsAre(0, 1, 2));
}

// ---- what is printed ------------------------------------------------------------------------------------

TEST(Fit, PrintsNoEscapeCodesWhereThereIsNoTerminal) {
  const Tensor x = drawn({12, 3}, 2), y = targets(x);
  const Sequential model = line();
  model.compile({.optimizer = "sgd", .loss = "mse", .metrics = {"mae"}});
  const auto printed = [&](int verbose) {
    std::ostringstream text;
    std::streambuf* before = std::cout.rdbuf(text.rdbuf());
    model.fit(x, y, {.batch_size = 4, .epochs = 2, .verbose = verbose, .validation_split = 0.25});
    model.evaluate(x, y, {.verbose = verbose});
    model.predict(x, {.verbose = verbose});
    std::cout.rdbuf(before);
    return text.str();
  };
  EXPECT_EQ(printed(0), "");
  for (int verbose : {1, 2}) {
    const std::string text = printed(verbose);
    EXPECT_THAT(text,
                AllOf(HasSubstr("Epoch 1/2\n"), HasSubstr("Epoch 2/2\n"), HasSubstr("3/3"), HasSubstr(" - loss: "),
                      HasSubstr(" - mae: "), HasSubstr(" - val_loss: "), HasSubstr(" - val_mae: ")));
    EXPECT_THAT(text, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\x08")), Not(HasSubstr("\r"))));
  }
}

// ---- single batches -------------------------------------------------------------------------------------

TEST(Batches, AreWhatFitAndEvaluateAndPredictAreMadeOf) {
  const Tensor x = drawn({12, 3}, 2), y = targets(x);
  const Sequential fitted = line(), stepped = line();
  stepped.set_weights(fitted.get_weights());
  for (const Sequential& model : {fitted, stepped})
    model.compile({.optimizer = "adam", .loss = "mse", .metrics = {"mae", "rmse"}});

  fitted.fit(x, y, {.batch_size = 5, .epochs = 2, .verbose = 0, .shuffle = false});
  for (int epoch = 0; epoch < 2; ++epoch)
    for (int first : {0, 5, 10}) {
      const int count = std::min(5, 12 - first);
      const Tensor part = samples(x, first, count), target = samples(y, first, count);
      const Scores before = stepped.test_on_batch(part, target);
      const Scores step = stepped.train_on_batch(part, target);
      EXPECT_NEAR(step.loss(), before.loss(), 1e-9);  // of before the step
    }
  EXPECT_TRUE(same_bits(fitted.get_weights(), stepped.get_weights()));

  EXPECT_TRUE(same_bits(fitted.predict_on_batch(x), fitted.predict(x, {.batch_size = 5})));
  const Scores whole = fitted.test_on_batch(x, y);
  for (int batch_size : {1, 5, 12, 100}) {
    const Scores scores = fitted.evaluate(x, y, {.batch_size = batch_size});
    EXPECT_THAT(scores.names(), ElementsAre("loss", "mae", "rmse"));
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(scores.values()[i], whole.values()[i], 1e-7);
    EXPECT_EQ(scores["mae"], scores.values()[1]);
  }
  // By hand.
  const Tensor forecast = fitted.predict(x);
  double square = 0.0, absolute = 0.0;
  for (int i = 0; i < 12; ++i) {
    const double error = static_cast<double>(forecast.data()[i]) - y.data()[i];
    square += error * error / 12;
    absolute += std::abs(error) / 12;
  }
  EXPECT_NEAR(whole.loss(), square, 1e-6);
  EXPECT_NEAR(whole["mae"], absolute, 1e-6);
  EXPECT_NEAR(whole["rmse"], std::sqrt(square), 1e-6);
}

TEST(Batches, TargetsMayLackALastAxisOfOne) {
  const Tensor x = drawn({6, 3}, 2), y = targets(x);
  Tensor flat = empty({6});
  std::copy_n(y.data(), 6, flat.data());
  const Sequential model = line();
  model.compile({.optimizer = "sgd", .loss = "mse"});
  EXPECT_EQ(model.test_on_batch(x, y).loss(), model.test_on_batch(x, flat).loss());
}

TEST(Compile, StartsTheOptimizerAnewAndKeepsTheWeights) {
  const Tensor x = drawn({8, 3}, 2), y = targets(x);
  const Sequential model = line();
  EXPECT_FALSE(model.compiled());
  model.compile({.optimizer = "adam", .loss = "mse"});
  EXPECT_TRUE(model.compiled());
  model.train_on_batch(x, y);
  EXPECT_EQ(model.optimizer().iterations(), 1);
  const std::vector<Tensor> weights = model.get_weights();
  model.compile({.optimizer = SGD({.learning_rate = 0.25}), .loss = "mae"});
  EXPECT_EQ(model.optimizer().iterations(), 0);
  EXPECT_EQ(model.optimizer().learning_rate(), 0.25f);
  EXPECT_TRUE(same_bits(model.get_weights(), weights));
}

TEST(Compile, FrozenLayersAreNotTrained) {
  const Tensor x = drawn({8, 3}, 2), y = targets(x);
  const Sequential model = line();
  model.layers()[0].set_trainable(false);
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const std::vector<Tensor> before = model.get_weights();
  model.fit(x, y, {.epochs = 2, .verbose = 0});
  const std::vector<Tensor> after = model.get_weights();
  for (int i : {0, 1}) EXPECT_TRUE(same_bits(after[i], before[i]));
  for (int i : {2, 3}) EXPECT_FALSE(same_bits(after[i], before[i]));
}

TEST(Optimizers, ALearningRateChangedDuringFitCounts) {
  class Stop : public Callback {
    void on_epoch_end(int, Logs&) override { model().optimizer().set_learning_rate(0.0f); }
  };
  const Tensor x = drawn({8, 3}, 2), y = targets(x);
  const Sequential model = line(), twin = line();
  twin.set_weights(model.get_weights());
  model.compile({.optimizer = "sgd", .loss = "mse"});
  twin.compile({.optimizer = "sgd", .loss = "mse"});
  model.fit(x, y, {.epochs = 3, .verbose = 0, .callbacks = {std::make_shared<Stop>()}, .shuffle = false});
  twin.fit(x, y, {.epochs = 1, .verbose = 0, .shuffle = false});
  EXPECT_TRUE(same_bits(model.get_weights(), twin.get_weights()));
}

TEST(Fit, ClassWeightsAreForTrainingAlone) {
  const Sequential model{Input({1}), Dense({.units = 1, .activation = "sigmoid", .kernel_initializer = "zeros"})};
  model.compile({.optimizer = SGD({.learning_rate = 0.0}), .loss = "bce"});
  Tensor ones = zeros({4, 1});
  ones.fill(1.0f);
  const History history =
      model.fit(ones, ones, {.verbose = 0, .validation_split = 0.5, .class_weight = {{1, 1000.0f}}});
  EXPECT_NEAR(history.history.at("loss")[0], 693.147, 1e-2);
  EXPECT_NEAR(history.history.at("val_loss")[0], 0.693147, 1e-5);
}

TEST(Fit, ALabelThatIsNoClassIsFoundBeforeTheFirstStep) {
  const Sequential model({Input({2}), Dense({.units = 4})}, "labelled");
  model.compile({.optimizer = "sgd", .loss = SparseCategoricalCrossentropy({.from_logits = true})});
  const IntTensor y{0, 1, 2, 3, 0, 1, 2, 4};
  const std::vector<Tensor> before = model.get_weights();
  const std::string error = error_of<ValueError>([&] {
    model.fit(drawn({8, 2}, 1), y, {.batch_size = 2, .verbose = 0, .shuffle = false});
  });
  EXPECT_THAT(error, testing::StartsWith("[Sequential 'labelled'] the targets: "));
  EXPECT_THAT(error, testing::HasSubstr("got 4"));
  EXPECT_TRUE(same_bits(model.get_weights(), before));
  EXPECT_EQ(model.optimizer().iterations(), 0);
}

TEST(Fit, WeightsThatAreExcludedDoNotDecay) {
  const Sequential model{Input({2}), Dense({.units = 3, .bias_initializer = "ones"})};
  AdamW optimizer({.learning_rate = 0.5, .weight_decay = 0.5});
  optimizer.exclude_from_weight_decay({"bias"});
  model.compile({.optimizer = optimizer, .loss = "mse", .loss_weights = 0.0});
  const std::vector<Tensor> before = model.get_weights();
  model.fit(drawn({4, 2}, 1), drawn({4, 3}, 2), {.verbose = 0});
  const std::vector<Tensor> after = model.get_weights();
  for (std::size_t i = 0; i < before[0].size(); ++i)
    EXPECT_FLOAT_EQ(after[0].data()[i], 0.75f * before[0].data()[i]);  // w - rate * decay * w
  EXPECT_TRUE(same_bits(after[1], before[1]));
}

}  // namespace
}  // namespace xl
