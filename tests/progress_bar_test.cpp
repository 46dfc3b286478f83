#include "xlayers/models/console/progress_bar.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace xl {
namespace {

/// A bar whose clock is set by hand.
class Bench {
 public:
  explicit Bench(int verbose, bool terminal)
      : bar(out, {.verbose = verbose, .terminal = terminal, .clock = [this] { return now; }}) {}

  /// What was written since the last call.
  std::string take() {
    std::string text = out.str();
    out.str("");
    return text;
  }

  double now = 1000;
  std::ostringstream out;
  ProgressBar bar;
};

// Each update of each bar in the golden file, byte by byte: what Keras' own bar writes with this
// clock.
TEST(ProgressBar, WritesWhatKerasWrites) {
  const auto text = nlohmann::json::parse(std::ifstream(XLAYERS_GOLDEN_DIR "/text.json"));
  ASSERT_GE(text.at("progress_bar").size(), 10u);
  for (const auto& [name, golden] : text.at("progress_bar").items()) {
    SCOPED_TRACE(name);
    Bench bench(golden.at("verbose"), true);
    bench.bar.begin(golden.at("target"));
    for (const auto& update : golden.at("updates")) {
      bench.now = 1000 + update.at("seconds").get<double>();
      const auto logs = update.at("values").get<Logs>();
      if (update.at("final")) {
        bench.bar.finish(logs);
      } else {
        bench.bar.update(update.at("current"), logs);
      }
      EXPECT_EQ(bench.take(), update.at("printed").get<std::string>());
    }
  }
}

TEST(ProgressBar, NamesTheEpochIfThereAreSeveral) {
  for (const int verbose : {1, 2}) {
    Bench bench(verbose, false);
    bench.bar.begin_epoch(2, 10, 5);
    EXPECT_EQ(bench.take(), "Epoch 3/10\n");
    bench.bar.begin_epoch(0, 1, 5);
    EXPECT_EQ(bench.take(), "");
  }
}

TEST(ProgressBar, WritesOnlyAPlainFinalLineWhereThereIsNoTerminal) {
  Bench bench(1, false);
  bench.bar.begin_epoch(0, 2, 12);
  for (int step = 1; step <= 12; ++step) {
    bench.now += 0.5;
    bench.bar.update(step, {{"loss", 1.0 / step}});
  }
  EXPECT_EQ(bench.take(), "Epoch 1/2\n");
  bench.bar.finish({{"loss", 0.125}, {"val_loss", 0.25}});
  EXPECT_EQ(bench.take(), "12/12 ━━━━━━━━━━━━━━━━━━━━ 6s 500ms/step - loss: 0.1250 - val_loss: 0.2500\n");
}

TEST(ProgressBar, KnowsThatAStringIsNoTerminal) {
  std::ostringstream out;
  ProgressBar bar(out);
  bar.begin(3);
  bar.update(1, {{"loss", 1}});
  EXPECT_EQ(out.str(), "");
  bar.finish({{"loss", 1}});
  EXPECT_THAT(out.str(), testing::StartsWith("3/3 ━━━━━━━━━━━━━━━━━━━━ 0s"));
}

TEST(ProgressBar, SaysNothingIfNotAsked) {
  Bench bench(0, true);
  bench.bar.begin_epoch(0, 3, 2);
  bench.bar.update(1, {{"loss", 1}});
  bench.bar.finish({{"loss", 1}});
  EXPECT_EQ(bench.take(), "");
}

TEST(ProgressBar, PutsTheValidationAfterTheMetricsAndWhatCallbacksAddLast) {
  for (const bool updates : {false, true}) {
    Bench bench(2, false);
    for (int epoch = 0; epoch < 2; ++epoch) {
      bench.bar.begin(1);
      bench.bar.update(1, {{"loss", 1}, {"mae", 1}});
      if (updates) bench.bar.update(1, {{"loss", 1}, {"mae", 1}});
      bench.bar.finish({{"learning_rate", 0.5}, {"loss", 1}, {"mae", 2}, {"val_loss", 3}, {"val_mae", 4}});
      EXPECT_EQ(bench.take(),
                "1/1 - 0s - 0s/step - loss: 1.0000 - mae: 2.0000 - val_loss: 3.0000 - val_mae: "
                "4.0000 - learning_rate: 0.5000\n");
    }
  }
}

TEST(ProgressBar, ForgetsTheValuesOfTheEpochBefore) {
  Bench bench(2, false);
  bench.bar.begin(1);
  bench.bar.finish({{"loss", 1}, {"val_loss", 2}});
  bench.take();
  bench.bar.begin(1);
  bench.bar.finish({{"loss", 3}});
  EXPECT_EQ(bench.take(), "1/1 - 0s - 0s/step - loss: 3.0000\n");
}

TEST(ProgressBar, WritesNumbersThatAreNone) {
  Bench bench(2, false);
  bench.bar.begin(1);
  bench.bar.finish({{"a", NAN}, {"b", -NAN}, {"c", INFINITY}, {"d", -INFINITY}});
  EXPECT_EQ(bench.take(), "1/1 - 0s - 0s/step - a: nan - b: nan - c: inf - d: -inf\n");
}

TEST(ProgressBar, CountsWithoutATarget) {
  Bench bench(1, true);
  bench.bar.begin(0);
  bench.now += 2;
  bench.bar.update(4, {{"loss", 0.5}});
  EXPECT_EQ(bench.take(), "\r      4/Unknown \x1b[1m2s\x1b[0m 500ms/step - loss: 0.5000");
  bench.bar.finish({{"loss", 0.5}});
  EXPECT_THAT(bench.take(), testing::HasSubstr("\r\x1b[1m4/4\x1b[0m \x1b[32m━━━━━━━━━━━━━━━━━━━━"));
}

TEST(ProgressBar, WritesNamesOfAnyLength) {
  const std::string name(1000, 'x');
  Bench bench(2, false);
  bench.bar.begin(1);
  bench.bar.finish({{name, 1}});
  EXPECT_EQ(bench.take(), "1/1 - 0s - 0s/step - " + name + ": 1.0000\n");
}

/// Counts how often it is told to write out what it holds.
class Flushed : public std::stringbuf {
 public:
  int times = 0;

 protected:
  int sync() override {
    ++times;
    return 0;
  }
};

// A line that goes on is seen at once.
TEST(ProgressBar, IsWrittenOutEachTime) {
  Flushed buffer;
  std::ostream out(&buffer);
  ProgressBar bar(out);
  bar.begin(1);
  bar.update(1, {{"loss", 1}});
  bar.finish({{"loss", 1}});
  EXPECT_NE(buffer.str(), "");
  EXPECT_GE(buffer.times, 1);
}

}  // namespace
}  // namespace xl
