// Model::memory beside what the allocator says of a first step and a first prediction.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <sstream>

#include "golden.hpp"
#include "xlayers/framework/base/threads.hpp"
#include "xlayers/xlayers.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::HasSubstr;

TEST(MemoryUse, CountsWeightsGradientsAndState) {
  Sequential model{Input({5}), Dense({.units = 7}), Dense({.units = 3, .trainable = false})};
  const std::int64_t all = 4 * (5 * 7 + 7 + 7 * 3 + 3), trained = 4 * (5 * 7 + 7);
  const MemoryUse before = model.memory(10);
  EXPECT_EQ(before.weights, all);
  EXPECT_EQ(before.gradients, 0);
  EXPECT_EQ(before.step, 0);
  EXPECT_EQ(before.serving(), all + before.predict);
  model.compile({.optimizer = "adam", .loss = "mse"});
  const MemoryUse use = model.memory(10);
  EXPECT_GE(use.gradients, trained);
  EXPECT_LE(use.gradients, trained + 2 * 64);  // each weight's begins with a line of the cache
  EXPECT_EQ(use.optimizer, 2 * trained);
  EXPECT_EQ(use.training(), all + use.gradients + 2 * trained + use.step);
  EXPECT_GT(use.step, use.predict);
  model.compile({.optimizer = "sgd", .loss = "mse"});
  EXPECT_EQ(model.memory(10).optimizer, 0);
  std::ostringstream text;
  text << MemoryUse{.weights = 3 << 20, .gradients = 1 << 20, .optimizer = 2 << 20, .step = 1 << 19, .predict = 0};
  EXPECT_EQ(text.str(),
            "training 6.5 MiB: weights 3.0, gradients 1.0, optimizer 2.0, step 0.5; serving 3.0 MiB: weights 3.0, "
            "predict 0.0");
}

TEST(MemoryUse, SaysWhatItCannotKnow) {
  const Sequential unbuilt{Dense({.units = 3})};
  EXPECT_THAT(error_of<ValueError>([&] { unbuilt.memory(1); }), HasSubstr("is not built"));
  const Sequential model{Input({None, 4}), Dense({.units = 3})};
  EXPECT_THAT(error_of<ValueError>([&] { model.memory(1); }),
              HasSubstr("has an input (None, None, 4) with an axis of unknown length"));
  const Sequential known{Input({4}), Dense({.units = 3})};
  EXPECT_THAT(error_of<ValueError>([&] { known.memory(0); }),
              HasSubstr("expected a batch of 1 or more samples, got 0"));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
std::int64_t allocated() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<std::int64_t>(info.uordblks + info.hblkhd);
}

struct Sized {
  const char* name;
  Model model;
  Shape input;
  std::int64_t batch;
};

TEST(MemoryUse, IsWhatTheFirstStepAllocates) {
  const auto series = Input({3000, 16});
  const MultiHeadAttention attention({.num_heads = 2, .key_dim = 8});
  const std::vector<Sized> models{
      {"deep",
       Sequential{Input({64, 8}), Conv1D({.filters = 64, .kernel_size = 3}), Dense({.units = 64})},
       {64, 8},
       200},
      {"wide", Sequential{Input({600}), Dense({.units = 900}), Dense({.units = 600})}, {600}, 128},
      {"attention", Model(series, attention(series, series)), {3000, 16}, 2},
  };
  const int threads = num_threads();
  for (const int number : {1, 2})
    for (const Sized& of : models) {
      SCOPED_TRACE(std::string(of.name) + " on " + std::to_string(number) + " threads");
      set_num_threads(number);
      const Model model(of.model.clone());
      model.compile({.optimizer = "adam", .loss = "mse"});
      const Tensor x = random_normal(of.input.with_batch(of.batch), 1);
      const MemoryUse use = model.memory(of.batch);
      Tensor y = empty(of.model.outputs()[0].shape().sample().with_batch(of.batch));
      std::fill(y.begin(), y.end(), 0.5f);

      std::int64_t before = allocated();
      model.predict(x, y);
      EXPECT_NEAR(static_cast<double>(allocated() - before), use.predict, 0.05 * use.predict + 60'000);
      before = allocated();
      model.train_on_batch(x, y);
      const double expected = use.gradients + use.optimizer + use.step;
      EXPECT_NEAR(static_cast<double>(allocated() - before), expected, 0.05 * expected + 60'000);
    }
  set_num_threads(threads);
}
#endif

}  // namespace
}  // namespace xl
