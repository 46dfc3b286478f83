// Several threads at once: on one model, on a layer that is not built yet, and parallel_for itself.

#include "xlayers/framework/base/threads.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <functional>
#include <set>
#include <thread>

#include "golden.hpp"
#include "xlayers/framework/base/parallel.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/embedding.hpp"
#include "xlayers/layers/positional_embedding.hpp"
#include "xlayers/layers/reshaping.hpp"
#include "xlayers/layers/token_embedding.hpp"
#include "xlayers/models/model/sequential.hpp"

namespace xl {
namespace {

using namespace testing_golden;

/// Keeps the number of threads for the tests that follow.
class Threads : public testing::Test {
 protected:
  void TearDown() override { set_num_threads(before_); }

 private:
  int before_ = num_threads();
};

/// Runs `work(thread)` on eight threads that all begin at the same moment.
template <class Work>
void on_eight_threads(Work work) {
  std::barrier start(8);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      work(i);
    });
  for (std::thread& thread : threads) thread.join();
}

TEST_F(Threads, EightPredictOnOneModelAndGetTheSameBits) {
  const Sequential model{
      Input({None, 1}),
      TokenEmbedding({.c_in = 1, .d_model = 16}),
      PositionalEmbedding({.max_len = 60, .d_model = 16}),
      Dense({.units = 8, .activation = "relu"}),
      Dense({.units = 1}),
  };
  model.compile({.optimizer = "adam", .loss = "mse", .metrics = {"mae"}});
  std::vector<Tensor> inputs, targets, forecasts;
  std::vector<double> losses;
  for (int i = 0; i < 8; ++i) {
    const Shape shape{1 + 5 * i, 60 - 4 * i, 1};
    inputs.push_back(drawn(shape, i));
    targets.push_back(drawn(shape, 100 + i));
    forecasts.push_back(model.predict(inputs.back()));
    losses.push_back(model.evaluate(inputs.back(), targets.back()).loss());
  }
  for (const int threads : {1, 4}) {
    set_num_threads(threads);
    std::atomic<int> wrong = 0;
    on_eight_threads([&](int thread) {
      Tensor kept;
      for (int round = 0; round < 12; ++round) {
        const int i = (thread + round) % 8;
        if (!same_bits(model.predict(inputs[i]), forecasts[i])) ++wrong;
        if (!same_bits(model(inputs[i]), forecasts[i])) ++wrong;
        model.predict(inputs[i], kept);
        if (!same_bits(kept, forecasts[i])) ++wrong;
        if (model.evaluate(inputs[i], targets[i]).loss() != losses[i]) ++wrong;
      }
    });
    EXPECT_EQ(wrong, 0) << threads << " threads a call";
  }
}

TEST_F(Threads, EightCallALayerThatIsNotBuiltYet) {
  for (int round = 0; round < 10; ++round) {
    const Dense dense({.units = 5, .activation = "tanh"});
    const TokenEmbedding embedding({.c_in = 3, .d_model = 4});
    const Sequential model{Dense({.units = 4}), Dense({.units = 2})};
    const Tensor x = drawn({6, 7, 3}, 1);
    std::vector<Tensor> first(8), second(8), third(8);
    on_eight_threads([&](int thread) {
      first[thread] = dense(x);
      second[thread] = embedding(x);
      third[thread] = model.predict(x);
    });
    for (int i = 0; i < 8; ++i) {
      EXPECT_TRUE(same_bits(first[i], dense(x)));
      EXPECT_TRUE(same_bits(second[i], embedding(x)));
      EXPECT_TRUE(same_bits(third[i], model.predict(x)));
    }
    EXPECT_EQ(dense.get_weights().size(), 2u);
  }
}

TEST_F(Threads, EightModelsTrainBesideOneAnother) {
  const auto train = [] {
    const Sequential model{Input({4}), Dense({.units = 3, .kernel_initializer = GlorotUniform{.seed = 1}})};
    model.compile({.optimizer = "sgd", .loss = "mse"});
    model.fit(drawn({40, 4}, 1), drawn({40, 3}, 2), {.epochs = 3, .verbose = 0, .shuffle = false});
    return model.get_weights();
  };
  const std::vector<Tensor> alone = train();
  std::vector<std::vector<Tensor>> beside(8);
  on_eight_threads([&](int thread) { beside[thread] = train(); });
  for (const auto& weights : beside) EXPECT_TRUE(same_bits(weights, alone));
}

// ---- parallel_for ---------------------------------------------------------------------------------------

TEST_F(Threads, ParallelForCallsEachIndexOnce) {
  for (const int threads : {1, 2, 7}) {
    set_num_threads(threads);
    EXPECT_EQ(num_threads(), threads);
    for (const int count : {0, 1, 2, 6, 1000}) {
      std::vector<std::atomic<int>> calls(count);
      std::vector<std::atomic<int>> inside(threads);
      std::atomic<bool> fine = true;
      parallel_for(count, [&](std::int64_t index, int worker) {
        if (worker < 0 || worker >= threads || inside[worker]++ != 0) fine = false;
        ++calls[index];
        --inside[worker];
      });
      EXPECT_TRUE(fine);
      for (const auto& number : calls) EXPECT_EQ(number, 1);
    }
  }
}

TEST_F(Threads, ParallelForUsesSeveralThreads) {
  set_num_threads(2);
  // Two calls that wait for each other: they only both end if they run at the same time.
  std::barrier meet(2);
  std::set<std::thread::id> ids;
  std::mutex mutex;
  parallel_for(2, [&](std::int64_t, int) {
    meet.arrive_and_wait();
    const std::lock_guard lock(mutex);
    ids.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(ids.size(), 2u);
}

TEST_F(Threads, ParallelForThrowsTheErrorOfTheLowestIndex) {
  for (const int threads : {1, 2, 7}) {
    set_num_threads(threads);
    for (int round = 0; round < 20; ++round) {
      const std::string text = error_of<ValueError>([&] {
        parallel_for(50, [&](std::int64_t index, int) {
          if (index % 10 == 3) throw ValueError("index " + std::to_string(index));
        });
      });
      EXPECT_EQ(text, "index 3");
    }
    int calls = 0;  // and still works
    parallel_for(1, [&](std::int64_t, int) { ++calls; });
    EXPECT_EQ(calls, 1);
  }
}

// Of several samples that cannot be, in pieces that run at the same time, the first one is named.
TEST_F(Threads, TheFirstOfSeveralErrorsIsThrown) {
  const SymbolicTensor input = Input({4}, {.dtype = "int32"});
  const Embedding embedding({.input_dim = 7, .output_dim = 3});
  const Model model(input, Dense({.units = 5})(Flatten()(embedding(input))));
  model.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
  IntTensor good = IntTensor::from_shape({1100, 4}), labels = IntTensor::from_shape({1100, 1});
  good.fill(1);
  labels.fill(1);
  IntTensor ids = good, wrong = labels;
  for (const int sample : {333, 334, 700, 1099}) {
    ids(sample, 2) = 1000 + sample;
    wrong(sample, 0) = 2000 + sample;
  }
  const std::vector<Tensor> weights = model.get_weights();
  for (const int threads : {1, 2, 7}) {
    set_num_threads(threads);
    for (int round = 0; round < 5; ++round) {
      const auto expect_first = [&](const char* first, const std::function<void()>& call) {
        EXPECT_THAT(error_of<ValueError>(call), testing::HasSubstr(first)) << threads << " threads";
      };
      expect_first("index 1333 ", [&] { embedding(ids); });
      expect_first("index 1333 ", [&] { model.predict(ids); });
      expect_first("index 1333 ", [&] { model.predict(ids, {.batch_size = 1100}); });
      expect_first("index 1333 ", [&] { model.evaluate(ids, labels, {.batch_size = 100}); });
      expect_first("index 1333 ", [&] { model.train_on_batch(ids, labels); });
      expect_first("2333", [&] { model.evaluate(good, wrong); });
      expect_first("2333", [&] { model.train_on_batch(good, wrong); });
      expect_first("2333", [&] { model.fit(good, wrong, {.verbose = 0}); });
    }
  }
  EXPECT_TRUE(same_bits(model.get_weights(), weights));
}

TEST_F(Threads, ParallelForWithinParallelForRunsOnTheCallingThread) {
  set_num_threads(3);
  std::atomic<int> calls = 0;
  std::atomic<bool> fine = true;
  parallel_for(6, [&](std::int64_t, int) {
    const std::thread::id outer = std::this_thread::get_id();
    parallel_for(4, [&](std::int64_t, int worker) {
      if (worker != 0 || std::this_thread::get_id() != outer) fine = false;
      ++calls;
    });
  });
  EXPECT_EQ(calls, 24);
  EXPECT_TRUE(fine);
}

TEST_F(Threads, ParallelForServesSeveralCallersAtOnce) {
  set_num_threads(2);
  std::atomic<int> sum = 0;
  on_eight_threads([&](int) {
    for (int round = 0; round < 50; ++round)
      parallel_for(10, [&](std::int64_t index, int) { sum += static_cast<int>(index); });
  });
  EXPECT_EQ(sum, 8 * 50 * 45);
}

TEST_F(Threads, TheNumberChangesWhileNothingRuns) {
  const Sequential model{Input({4}), Dense({.units = 3})};
  const Tensor x = drawn({100, 4}, 1);
  const Tensor y = model.predict(x);
  for (const int threads : {3, 1, 8, 2, 5}) {
    set_num_threads(threads);
    EXPECT_EQ(num_threads(), threads);
    EXPECT_TRUE(same_bits(model.predict(x), y));
  }
}

TEST_F(Threads, ANumberOutOfRangeIsAnError) {
  const int before = num_threads();
  EXPECT_EQ(error_of<ValueError>([] { set_num_threads(0); }), "the number of threads is from 1 to 1024, got 0");
  EXPECT_EQ(error_of<ValueError>([] { set_num_threads(-3); }), "the number of threads is from 1 to 1024, got -3");
  EXPECT_EQ(error_of<ValueError>([] { set_num_threads(1025); }), "the number of threads is from 1 to 1024, got 1025");
  EXPECT_EQ(num_threads(), before);
}

}  // namespace
}  // namespace xl
