// What a callback has begun it ends, whatever throws; and the first exception is the one that is seen.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>

#include "golden.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/models/callbacks/csv_logger.hpp"
#include "xlayers/models/callbacks/early_stopping.hpp"
#include "xlayers/models/callbacks/lambda_callback.hpp"
#include "xlayers/models/model/sequential.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::ElementsAre;
using testing::HasSubstr;

/// Notes the events of its runs, and throws at some of them.
class Noting : public Callback {
 public:
  explicit Noting(std::vector<std::string> throws_at = {}) : throws_at_(std::move(throws_at)) {}

  void on_train_begin(Logs&) override { note("train begin"); }
  void on_train_end(Logs&) override { note("train end"); }
  void on_epoch_begin(int, Logs&) override { note("epoch begin"); }
  void on_epoch_end(int, Logs&) override { note("epoch end"); }
  void on_train_batch_begin(int, Logs&) override { note("batch begin"); }
  void on_train_batch_end(int, Logs&) override { note("batch end"); }
  void on_test_begin(Logs&) override { note("test begin"); }
  void on_test_end(Logs&) override { note("test end"); }
  void on_test_batch_begin(int, Logs&) override { note("test batch begin"); }
  void on_test_batch_end(int, Logs&) override { note("test batch end"); }
  void on_predict_begin(Logs&) override { note("predict begin"); }
  void on_predict_end(Logs&) override { note("predict end"); }
  void on_predict_batch_begin(int, Logs&) override { note("predict batch begin"); }
  void on_predict_batch_end(int, Logs&) override { note("predict batch end"); }

  std::vector<std::string> events;
  long count(const std::string& event) const { return std::count(events.begin(), events.end(), event); }

 private:
  void note(const std::string& event) {
    EXPECT_EQ(model().name(), "noted");
    events.push_back(event);
    if (std::find(throws_at_.begin(), throws_at_.end(), event) != throws_at_.end())
      throw ValueError("thrown at " + event);
  }

  std::vector<std::string> throws_at_;
};

const Tensor x = drawn({8, 3}, 1), y = drawn({8, 1}, 2);

Sequential noted() {
  const Sequential model({Input({3}), Dense({.units = 1, .kernel_initializer = GlorotUniform{.seed = 1}})}, "noted");
  model.compile({.optimizer = "sgd", .loss = "mse"});
  return model;
}

/// Runs all three, each with the callbacks.
void fit(const Sequential& model, const CallbackList& callbacks) {
  model.fit(x, y,
            {.batch_size = 4, .epochs = 2, .verbose = 0, .callbacks = callbacks, .validation_data = {.x = x, .y = y}});
}

TEST(CallbacksEnd, WhereverFitThrows) {
  for (const char* event : {"train begin", "train end", "epoch begin", "epoch end", "batch begin", "batch end",
                            "test begin", "test end", "test batch begin", "test batch end"}) {
    SCOPED_TRACE(event);
    const auto before = std::make_shared<Noting>(), behind = std::make_shared<Noting>();
    const auto throwing = std::make_shared<Noting>(std::vector<std::string>{event});
    EXPECT_EQ(error_of<ValueError>([&] {
                fit(noted(), {before, throwing, behind});
              }),
              std::string("thrown at ") + event);
    const bool at_begin = std::string(event) == "train begin";
    EXPECT_EQ(before->count("train end"), 1);
    EXPECT_EQ(throwing->count("train end"), at_begin ? 0 : 1);
    EXPECT_EQ(behind->count("train begin"), at_begin ? 0 : 1);
    EXPECT_EQ(behind->count("train end"), at_begin ? 0 : 1);
    EXPECT_EQ(before->events.back(), "train end");
    EXPECT_EQ(before->count("test end"), before->count("test begin"));
    EXPECT_EQ(behind->count("test end"), behind->count("test begin"));
    EXPECT_EQ(throwing->count("test end"), throwing->count("test begin") - (std::string(event) == "test begin"));
  }
}

TEST(CallbacksEnd, WhereverEvaluateOrPredictThrows) {
  for (const std::string run : {"test", "predict"})
    for (const char* at : {" begin", " end", " batch begin", " batch end"}) {
      const std::string event = run + at;
      SCOPED_TRACE(event);
      const auto before = std::make_shared<Noting>(), behind = std::make_shared<Noting>();
      const auto throwing = std::make_shared<Noting>(std::vector<std::string>{event});
      const CallbackList callbacks{before, throwing, behind};
      EXPECT_EQ(error_of<ValueError>([&] {
                  if (run == "test")
                    noted().evaluate(x, y, {.callbacks = callbacks});
                  else
                    noted().predict(x, {.callbacks = callbacks});
                }),
                "thrown at " + event);
      const bool at_begin = at == std::string(" begin");
      EXPECT_EQ(before->count(run + " end"), 1);
      EXPECT_EQ(throwing->count(run + " end"), at_begin ? 0 : 1);
      EXPECT_EQ(behind->count(run + " end"), at_begin ? 0 : 1);
    }
}

TEST(CallbacksEnd, WhenALossThrowsOrIsNone) {
  const auto throwing = Loss::own("throws", [](auto, auto, auto) -> double { throw std::runtime_error("of a loss"); });
  const Sequential model = noted();
  model.compile({.optimizer = "sgd", .loss = throwing});
  auto noting = std::make_shared<Noting>();
  EXPECT_THROW(fit(model, {noting}), std::runtime_error);
  EXPECT_THAT(noting->events, ElementsAre("train begin", "epoch begin", "batch begin", "train end"));
  noting = std::make_shared<Noting>();
  EXPECT_THROW(model.evaluate(x, y, {.callbacks = {noting}}), std::runtime_error);
  EXPECT_THAT(noting->events, ElementsAre("test begin", "test batch begin", "test end"));

  model.compile({.optimizer = "sgd", .loss = "mse"});
  noting = std::make_shared<Noting>();
  Tensor none = y;
  none.data()[5] = NAN;
  EXPECT_THAT(error_of<ValueError>([&] {
                model.fit(x, none, {.batch_size = 4, .verbose = 0, .callbacks = {noting}, .shuffle = false});
              }),
              HasSubstr("the loss became NaN at batch 1 of epoch 0"));
  EXPECT_EQ(noting->events.back(), "train end");
}

TEST(CallbacksEnd, AnErrorAtTheEndHidesNoOtherAndKeepsNobodyFromEnding) {
  const auto first = std::make_shared<Noting>(std::vector<std::string>{"batch end", "train end", "test end"});
  const auto second = std::make_shared<Noting>(std::vector<std::string>{"train end"});
  const auto third = std::make_shared<Noting>();
  EXPECT_EQ(error_of<ValueError>([&] { fit(noted(), {first, second, third}); }), "thrown at batch end");
  for (const auto& callback : {first, second, third}) EXPECT_EQ(callback->count("train end"), 1);
  // Of several at the end, the first.
  const auto later = std::make_shared<Noting>();
  const auto odd = std::make_shared<LambdaCallback>(
      LambdaCallback::Options{.on_train_end = [](Logs&) { throw std::runtime_error("odd"); }});
  EXPECT_EQ(error_of<ValueError>([&] { fit(noted(), {second, odd, later}); }), "thrown at train end");
  EXPECT_EQ(later->count("train end"), 1);
}

TEST(CallbacksEnd, EarlyStoppingRestoresTheBestWeightsAndALogIsClosed) {
  const std::string path = (std::filesystem::path(testing::TempDir()) / "xlayers_callback_end.csv").string();
  const Sequential model = noted();
  const auto stopping = std::make_shared<EarlyStopping>(
      EarlyStopping::Options{.monitor = "score", .patience = 9, .mode = "max", .restore_best_weights = true});
  const auto logger = std::make_shared<CSVLogger>(CSVLogger::Options{.filename = path});
  std::vector<Tensor> best;
  LambdaCallback score({.on_epoch_end = [&](int epoch, Logs& logs) {
    logs["score"] = epoch == 1 ? 1.0 : 0.0;
    if (epoch == 1) best = model.get_weights();
    if (epoch == 3) throw std::runtime_error("in the fourth epoch");
  }});
  EXPECT_THROW(model.fit(x, y, {.epochs = 9, .verbose = 0, .callbacks = {std::move(score), stopping, logger}}),
               std::runtime_error);
  EXPECT_EQ(stopping->best_epoch(), 1);
  EXPECT_TRUE(same_bits(model.get_weights(), best));
  Logs logs;
  EXPECT_THAT(error_of<ValueError>([&] { logger->on_epoch_end(0, logs); }), HasSubstr("expected on_train_begin"));
  std::filesystem::remove(path);
}

/// Evaluates with itself, so that it is in two runs at once.
class Nested : public Callback {
 public:
  void on_epoch_end(int epoch, Logs&) override {
    if (epoch == 1) stop_training();
    Sequential inner({Input({3}), Dense({.units = 1})}, "inner");
    inner.compile({.optimizer = "sgd", .loss = "mse"});
    inner.evaluate(x, y, {.callbacks = {self.lock()}});
    names.push_back(model().name());
    steps.push_back(params().steps);
  }
  void on_test_begin(Logs&) override {
    names.push_back(model().name());
    EXPECT_FALSE(wants_stop());
  }

  std::weak_ptr<Callback> self;
  std::vector<std::string> names;
  std::vector<std::int64_t> steps;
};

TEST(Callbacks, AreBackInTheirRunAfterOneThatTheyStartedThemselves) {
  const auto nested = std::make_shared<Nested>();
  nested->self = nested;
  const History history = noted().fit(x, y, {.batch_size = 2, .epochs = 9, .verbose = 0, .callbacks = {nested}});
  EXPECT_THAT(nested->names, ElementsAre("inner", "noted", "inner", "noted"));
  EXPECT_THAT(nested->steps, ElementsAre(4, 4));
  EXPECT_THAT(history.epoch, ElementsAre(0, 1));
}

TEST(Callbacks, HaveNoModelOutsideOfARun) {
  EarlyStopping stopping({.monitor = "mae", .mode = "auto"});
  const auto use = [&] {
    Logs logs;
    stopping.on_train_begin(logs);
  };
  EXPECT_THAT(error_of<ValueError>(use), HasSubstr("has a model only while"));
  {
    Sequential model = noted();
    const auto shared = std::shared_ptr<Callback>(std::shared_ptr<void>(), &stopping);
    model.compile({.optimizer = "sgd", .loss = "mse", .metrics = {"mae"}});
    model.fit(x, y, {.verbose = 0, .callbacks = {shared}});
  }
  EXPECT_THAT(error_of<ValueError>(use), HasSubstr("has a model only while"));
}

}  // namespace
}  // namespace xl
