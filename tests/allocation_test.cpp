// After the first step of a size nothing is allocated any more, in any thread. This program counts every call of
// operator new.

#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <optional>
#include <thread>
#include <vector>

#include "golden.hpp"
#include "xlayers/framework/base/threads.hpp"
#include "xlayers/layers/activation.hpp"
#include "xlayers/layers/conv1d.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/positional_embedding.hpp"
#include "xlayers/layers/token_embedding.hpp"
#include "xlayers/models/model/sequential.hpp"

namespace {

std::atomic<long> allocations = 0;
std::atomic<std::size_t> live = 0, peak = 0;  // bytes

void* counted(std::size_t size, std::size_t alignment) {
  ++allocations;
  void* memory = nullptr;
  if (posix_memalign(&memory, std::max(alignment, sizeof(void*)), std::max<std::size_t>(size, 1)) != 0) return nullptr;
  const std::size_t now = live += malloc_usable_size(memory);
  for (std::size_t most = peak; now > most && !peak.compare_exchange_weak(most, now);) {
  }
  return memory;
}
void freed(void* memory) {
  live -= malloc_usable_size(memory);
  std::free(memory);
}
void* counted_or_throw(std::size_t size, std::size_t alignment) {
  void* memory = counted(size, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
constexpr std::size_t usual = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

}  // namespace

// Inlined, GCC takes std::free for the wrong partner of operator new.
#define NOT_INLINED [[gnu::noinline]]

NOT_INLINED void* operator new(std::size_t size) { return counted_or_throw(size, usual); }
NOT_INLINED void* operator new[](std::size_t size) { return counted_or_throw(size, usual); }
NOT_INLINED void* operator new(std::size_t size, std::align_val_t a) { return counted_or_throw(size, std::size_t(a)); }
NOT_INLINED void* operator new[](std::size_t size, std::align_val_t a) {
  return counted_or_throw(size, std::size_t(a));
}
NOT_INLINED void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counted(size, usual); }
NOT_INLINED void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return counted(size, usual); }
NOT_INLINED void* operator new(std::size_t size, std::align_val_t a, const std::nothrow_t&) noexcept {
  return counted(size, std::size_t(a));
}
NOT_INLINED void* operator new[](std::size_t size, std::align_val_t a, const std::nothrow_t&) noexcept {
  return counted(size, std::size_t(a));
}
NOT_INLINED void operator delete(void* memory) noexcept { freed(memory); }
NOT_INLINED void operator delete[](void* memory) noexcept { freed(memory); }
NOT_INLINED void operator delete(void* memory, std::size_t) noexcept { freed(memory); }
NOT_INLINED void operator delete[](void* memory, std::size_t) noexcept { freed(memory); }
NOT_INLINED void operator delete(void* memory, std::align_val_t) noexcept { freed(memory); }
NOT_INLINED void operator delete[](void* memory, std::align_val_t) noexcept { freed(memory); }
NOT_INLINED void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { freed(memory); }
NOT_INLINED void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { freed(memory); }

namespace xl {
namespace {

using namespace testing_golden;

/// How often `work` allocates.
template <class Work>
long count(Work work) {
  const long before = allocations;
  work();
  return allocations - before;
}

/// The most bytes that `work` has in use at a time, beyond those that were in use before.
template <class Work>
std::size_t peak_of(Work work) {
  const std::size_t before = live;
  peak = before;
  work();
  return peak - before;
}

/// Each test with one thread and with several.
class Allocations : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { set_num_threads(GetParam()); }
  void TearDown() override { set_num_threads(before_); }

 private:
  int before_ = num_threads();
};

INSTANTIATE_TEST_SUITE_P(Threads, Allocations, testing::Values(1, 2, 5),
                         [](const auto& info) { return std::to_string(info.param); });

Sequential page_model(const CompileOptions& how) {
  const Sequential model{
      Input({100, 1}),
      TokenEmbedding({.c_in = 1, .d_model = 64}),
      PositionalEmbedding({.max_len = 100, .d_model = 64}),
      Dense({.units = 32, .activation = "relu", .kernel_regularizer = L2{0.01f}, .activity_regularizer = L1{0.01f}}),
      Activation("gelu"),
      Dense({.units = 1, .kernel_constraint = "non_neg"}),
  };
  model.compile(how);
  return model;
}

// Each time with optimizers of its own.
std::vector<CompileOptions> ways() {
  return {
      {.optimizer = Adam({.clipnorm = 1.0}), .loss = "mse", .metrics = {"mae", "rmse"}},
      {.optimizer = SGD({.momentum = 0.9, .nesterov = true, .global_clipnorm = 1.0}), .loss = "huber"},
  };
}

// A vector whose memory clang cannot leave out.
class Floats {
 public:
  explicit Floats(std::size_t size) : floats_(size) { seen = floats_.data(); }

 private:
  static inline const float* volatile seen = nullptr;
  std::vector<float> floats_;
};

TEST(Counter, CountsWhatIsAllocated) {
  EXPECT_EQ(count([] {}), 0);
  EXPECT_EQ(count([] { Floats(100); }), 1);
  EXPECT_GE(count([] { empty({3, 4}); }), 1);
}

TEST_P(Allocations, TrainOnBatchMakesNoneFromTheSecondCallOn) {
  const Tensor x = drawn({32, 100, 1}, 1), y = drawn({32, 100, 1}, 2), weight = drawn({32}, 3);
  for (const CompileOptions& how : ways()) {
    const Sequential model = page_model(how);
    for (int warm = 0; warm < 2; ++warm) model.train_on_batch(x, y);
    EXPECT_EQ(count([&] {
                for (int step = 0; step < 20; ++step) model.train_on_batch(x, y);
              }),
              0);
    EXPECT_EQ(count([&] {
                for (int step = 0; step < 20; ++step) model.train_on_batch(x, y, weight);
              }),
              0);
    model.test_on_batch(x, y);
    EXPECT_EQ(count([&] {
                for (int step = 0; step < 20; ++step) model.test_on_batch(x, y);
              }),
              0);
  }
}

/// The allocations at the end of each batch; of training or of evaluation.
class Count : public Callback {
 public:
  Count() { at_.reserve(1000); }
  void on_train_batch_end(int, Logs&) override { at_.push_back(allocations); }
  void on_test_batch_end(int, Logs&) override { at_.push_back(allocations); }
  /// Between batch `first` and the last one.
  long since(std::size_t first) const { return at_.back() - at_.at(first); }
  /// Between the batches from `first` to `last`.
  long between(std::size_t first, std::size_t last) const { return at_.at(last) - at_.at(first); }

 private:
  std::vector<long> at_;
};

TEST_P(Allocations, StepsOfFitMakeNone) {
  const Tensor x = drawn({90, 100, 1}, 1), y = drawn({90, 100, 1}, 2);
  for (const bool shuffle : {false, true})
    for (const CompileOptions& how : ways()) {
      const Sequential model = page_model(how);
      const auto counter = std::make_shared<Count>();
      // Batches of 16 and a last one of 10.
      model.fit(x, y, {.batch_size = 16, .epochs = 4, .verbose = 0, .callbacks = {counter}, .shuffle = shuffle});
      for (std::size_t epoch = 1; epoch < 4; ++epoch)
        EXPECT_EQ(counter->between(6 * epoch, 6 * epoch + 5), 0) << "epoch " << epoch;
      EXPECT_EQ(counter->between(1, 4), 0);  // already within the first epoch
      EXPECT_LE(counter->since(6), 60);      // the logs of the epochs
    }
}

TEST_P(Allocations, BatchesOfEvaluateMakeNone) {
  const Tensor x = drawn({90, 100, 1}, 1), y = drawn({90, 100, 1}, 2);
  const Sequential model = page_model(ways()[0]);
  const auto counter = std::make_shared<Count>();
  model.evaluate(x, y, {.batch_size = 16, .callbacks = {counter}});
  EXPECT_EQ(counter->since(1), 0);
  // Without callbacks too: what a call allocates for its options does not grow with the batches.
  const auto evaluate = [&](int batch_size) {
    return count([&] { model.evaluate(x, y, {.batch_size = batch_size}); });
  };
  EXPECT_LE(evaluate(90), 2);
  EXPECT_EQ(evaluate(1), evaluate(90));
}

TEST_P(Allocations, ForecastsMakeNoneButTheirResult) {
  const Sequential model = page_model(ways()[0]);
  for (const std::int64_t samples : {1, 32, 77}) {
    const Tensor x = drawn({samples, 100, 1}, 1);
    Tensor output = model.predict(x);
    const long result = count([&] { empty(shape(output)); });
    EXPECT_EQ(count([&] {
                for (int i = 0; i < 10; ++i) model.predict(x, output);
              }),
              0)
        << samples;
    EXPECT_EQ(count([&] { model.predict(x); }), result) << samples;
    EXPECT_EQ(count([&] { model.predict_on_batch(x); }), result) << samples;
  }
}

TEST_P(Allocations, ACallOfALayerMakesNoneButItsResult) {
  const std::pair<Layer, Shape> calls[] = {
      {Dense({.units = 8, .activation = "relu"}), {32, 100, 6}},
      {Dense({.units = 8, .activation = "softmax"}), {32, 6}},
      {Conv1D({.filters = 4, .kernel_size = 3, .padding = "causal", .activation = "tanh"}), {5, 20, 3}},
      {TokenEmbedding({.c_in = 1, .d_model = 16, .padding = "circular"}), {32, 100, 1}},
      {PositionalEmbedding({.max_len = 100, .d_model = 16}), {32, 100, 16}},
      {PositionalEmbedding({.max_len = 100, .d_model = 16, .merge_mode = "add"}), {32, 100, 16}},
      {Activation("gelu"), {3, 4}},
      {page_model(ways()[0]), {7, 100, 1}},
  };
  for (const auto& call : calls) {
    const Layer& layer = call.first;
    const Tensor x = drawn(call.second, 1);
    const Tensor y = layer(x);
    const long result = count([&] { empty(shape(y)); });
    EXPECT_EQ(count([&] { layer(x); }), result) << layer.name();
  }
}

TEST(Counter, CountsTheBytesInUse) {
  EXPECT_GE(peak_of([] {
              { Floats first(1000); }
              Floats second(500);
            }),
            4000u);
  EXPECT_LT(peak_of([] {
              { Floats first(1000); }
              Floats second(1000);
            }),
            5000u);
}

// ---- memory that runs leave -----------------------------------------------------------------------------

constexpr std::size_t mebibyte = 1 << 20;
/// What all runs together may leave, and what plans and results take besides.
constexpr std::size_t kept_at_most = 64 * mebibyte, besides = 8 * mebibyte;

/// A forward pass of (samples, steps, 1024) takes some 8 KiB a step and thread.
Sequential wide_model() {
  return Sequential{Input({None, 1024}), Activation("relu"), Activation("tanh"), Activation("relu"),
                    Activation("linear")};
}

TEST_P(Allocations, RunsOfManyLengthsLeaveABoundedNumberOfBytes) {
  const std::size_t before = live;
  {
    const Sequential model = wide_model();
    for (std::int64_t steps = 1000; steps < 1024; ++steps) {
      const Tensor x = zeros({4, steps, 1024});
      model.predict(x);
      model.predict(x);
    }
    EXPECT_GT(live - before, 16 * mebibyte) << "nothing is kept";
    EXPECT_LT(live - before, kept_at_most + besides);
  }
  EXPECT_LT(live - before, mebibyte);
}

// Each shape has a program of its own there, and each layer its own shapes.
TEST_P(Allocations, CallsOfLayersLeaveABoundedNumberOfBytes) {
  const std::size_t before = live;
  {
    std::vector<Activation> layers;
    for (int i = 0; i < 3; ++i) layers.emplace_back("gelu");
    for (std::int64_t steps = 1000; steps < 1020; ++steps)
      for (const Activation& layer : layers) layer(zeros({4, steps, 1024}));
    EXPECT_GT(live - before, 16 * mebibyte) << "nothing is kept";
    EXPECT_LT(live - before, kept_at_most + besides);
  }
  EXPECT_LT(live - before, mebibyte);
}

TEST_P(Allocations, WhatManyThreadsNeededAtOnceIsGivenBack) {
  const Sequential model = wide_model();
  const Tensor x = zeros({2, 2000, 1024});
  const std::size_t before = live;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) threads.emplace_back([&] { model.predict(x); });
  for (std::thread& thread : threads) thread.join();
  model.predict(x);
  EXPECT_LT(live - before, kept_at_most + besides);
}

TEST_P(Allocations, ARunOfAnySizeMakesNoneTheSecondTimeAndGoesWhenOthersRun) {
  const Sequential model = wide_model(), other = wide_model();
  const Tensor big = zeros({1, 20'000, 1024}), small = zeros({2, 10, 1024});
  Tensor big_output, small_output;
  for (int warm = 0; warm < 2; ++warm) model.predict(big, big_output);
  EXPECT_EQ(count([&] {
              for (int i = 0; i < 3; ++i) model.predict(big, big_output);
            }),
            0);
  const std::size_t with_big = live;
  for (int warm = 0; warm < 2; ++warm) other.predict(small, small_output);
  EXPECT_LT(live + kept_at_most, with_big);
  EXPECT_EQ(count([&] { other.predict(small, small_output); }), 0);
}

// Nothing but the table, and not before it is needed.
TEST_P(Allocations, APositionalTableTakesItsOwnSize) {
  constexpr std::size_t table = 5000 * 512 * sizeof(float);
  std::optional<PositionalEmbedding> layer;
  EXPECT_LT(peak_of([&] { layer.emplace(PositionalEmbedding::Options{.max_len = 5000, .d_model = 512}); }),
            table / 100);
  const std::size_t before = live;
  EXPECT_LT(peak_of([&] { layer->encoding(100); }), table + table / 20);
  EXPECT_GE(live - before, table);
  EXPECT_EQ(count([&] { layer->encoding(5000); }), 0);

  // Growing holds the old one until the new one is there, and no longer.
  PositionalEmbedding growing({.max_len = 5000, .d_model = 511, .extrapolate = true});
  growing.encoding(5000);
  EXPECT_LT(peak_of([&] { growing.encoding(5001); }), 2 * table + table / 20);
  EXPECT_LT(live - before, 3 * table + table / 20);
}

}  // namespace
}  // namespace xl
