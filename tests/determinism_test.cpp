// The same bits whatever the number of threads, the batch size of a forecast, and what else runs.

#include <gtest/gtest.h>

#include "golden.hpp"
#include "xlayers/framework/base/random.hpp"
#include "xlayers/framework/base/threads.hpp"
#include "xlayers/framework/engine/gradients.hpp"
#include "xlayers/framework/kernels/dispatch.hpp"
#include "xlayers/layers/conv1d.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/positional_embedding.hpp"
#include "xlayers/layers/token_embedding.hpp"
#include "xlayers/models/model/sequential.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using kernels::InstructionSet;

/// Each test on every instruction set that this machine has; settings are as before afterwards.
class Determinism : public testing::TestWithParam<InstructionSet> {
 protected:
  void SetUp() override {
    if (!kernels::supported(GetParam())) GTEST_SKIP() << "not on this machine";
    kernels::set_instruction_set(GetParam());
  }
  void TearDown() override {
    kernels::set_instruction_set(set_);
    set_num_threads(threads_);
  }

 private:
  InstructionSet set_ = kernels::instruction_set();
  int threads_ = num_threads();
};

INSTANTIATE_TEST_SUITE_P(Sets, Determinism,
                         testing::Values(InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512),
                         [](const auto& info) { return std::string(to_string(info.param)); });

Sequential page_model() {
  return Sequential{
      Input({100, 1}),
      TokenEmbedding({.c_in = 1, .d_model = 64}),
      PositionalEmbedding({.max_len = 100, .d_model = 64}),
      Dense({.units = 32, .activation = "relu"}),
      Dense({.units = 1}),
  };
}

struct Trained {
  std::vector<Tensor> weights;
  History history;
};

/// Three epochs with an odd last batch, everything drawn from one seed.
Trained train(int threads) {
  set_num_threads(threads);
  set_random_seed(7);
  const Sequential model = page_model();
  model.compile({.optimizer = "adam", .loss = "mse", .metrics = {"mae"}});
  Trained trained;
  trained.history =
      model.fit(drawn({75, 100, 1}, 1), drawn({75, 100, 1}, 2), {.epochs = 3, .verbose = 0, .validation_split = 0.1});
  trained.weights = model.get_weights();
  return trained;
}

TEST_P(Determinism, TrainingGivesTheSameBitsForAnyNumberOfThreads) {
  const Trained one = train(1);
  for (const int threads : {2, 7}) {
    const Trained other = train(threads);
    EXPECT_TRUE(same_bits(other.weights, one.weights)) << threads << " threads";
    EXPECT_EQ(other.history.history, one.history.history) << threads << " threads";
  }
  EXPECT_TRUE(same_bits(train(1).weights, one.weights));
}

TEST_P(Determinism, GradientsOfManyWeightsToo) {
  // More floats than one part of the sum over the pieces has.
  const Sequential model{Input({90}), Dense({.units = 300, .activation = "tanh"}), Dense({.units = 7})};
  const Tensor x = drawn({133, 90}, 1), dy = drawn({133, 7}, 2);
  set_num_threads(1);
  const Gradients one = gradients(model, {x}, dy);
  for (const int threads : {2, 7}) {
    set_num_threads(threads);
    const Gradients other = gradients(model, {x}, dy);
    EXPECT_TRUE(same_bits(other.inputs, one.inputs));
    EXPECT_TRUE(same_bits(other.weights, one.weights));
  }
}

TEST_P(Determinism, ForecastsAreTheSameBitsForAnyNumberOfThreadsAndBatchSize) {
  const Sequential model = page_model();
  model.compile({.optimizer = "adam", .loss = "mse"});
  const Tensor x = drawn({61, 100, 1}, 1), y = drawn({61, 100, 1}, 2);
  set_num_threads(1);
  const Tensor forecast = model.predict(x);
  const double loss = model.evaluate(x, y).loss();
  for (const int threads : {1, 2, 7}) {
    set_num_threads(threads);
    EXPECT_EQ(model.evaluate(x, y).loss(), loss);
    for (const int batch_size : {1, 2, 32, 1000}) {
      EXPECT_TRUE(same_bits(model.predict(x, {.batch_size = batch_size}), forecast)) << threads << " " << batch_size;
      // A callback makes predict go batch by batch.
      EXPECT_TRUE(same_bits(model.predict(x, {.batch_size = batch_size, .callbacks = {std::make_shared<Callback>()}}),
                            forecast));
    }
    for (const int i : {0, 33, 60}) EXPECT_TRUE(same_bits(model.predict(samples(x, i, 1)), samples(forecast, i, 1)));
    EXPECT_TRUE(same_bits(model(x), forecast));
  }
}

TEST_P(Determinism, ConvolutionsOfEveryPaddingTrainToTheSameBits) {
  for (const char* padding : {"valid", "same", "causal", "circular"}) {
    const auto weights = [&](int threads) {
      set_num_threads(threads);
      set_random_seed(1);
      const Sequential model{
          Input({20, 4}),
          Conv1D({.filters = 6, .kernel_size = 3, .padding = padding, .groups = 2, .activation = "gelu"}),
          Dense({.units = 2, .activation = "softmax"})};
      model.compile({.optimizer = "sgd", .loss = "mse"});
      const Tensor x = drawn({50, 20, 4}, 1);
      model.fit(x, drawn(shape(model.predict(x)), 2), {.epochs = 2, .verbose = 0});
      return model.get_weights();
    };
    const std::vector<Tensor> one = weights(1);
    EXPECT_TRUE(same_bits(weights(2), one)) << padding;
    EXPECT_TRUE(same_bits(weights(7), one)) << padding;
  }
}

}  // namespace
}  // namespace xl
