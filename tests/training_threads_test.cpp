// Training, evaluation and prediction on several threads at once, within one another, and in the child of a fork.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <thread>

#include "files.hpp"
#include "golden.hpp"
#include "xlayers/framework/base/threads.hpp"
#include "xlayers/framework/engine/executor.hpp"
#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/positional_embedding.hpp"
#include "xlayers/models/callbacks/lambda_callback.hpp"
#include "xlayers/models/model/sequential.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::HasSubstr;

/// With one thread and with several.
class TrainingThreads : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { set_num_threads(GetParam()); }
  void TearDown() override { set_num_threads(before_); }

 private:
  int before_ = num_threads();
};

INSTANTIATE_TEST_SUITE_P(Threads, TrainingThreads, testing::Values(1, 2, 5),
                         [](const auto& info) { return std::to_string(info.param); });

/// Runs on a thread of its own, and gives the text of its error.
template <class Work>
std::string error_on_another_thread(Work work) {
  std::string error;
  std::thread([&] { error = error_of<ValueError>(work); }).join();
  return error;
}

Dense first_layer() {
  return Dense({.units = 6, .activation = "tanh", .kernel_initializer = GlorotUniform{.seed = 1}});
}

/// Any number of steps; the same each time.
Sequential model_with(const Loss& loss, const Layer& first = first_layer()) {
  const Sequential model{Input({None, 3}), first, Dense({.units = 1, .kernel_initializer = GlorotUniform{.seed = 2}})};
  model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = loss, .metrics = {"mae"}});
  return model;
}

const Tensor x = drawn({40, 5, 3}, 1), y = drawn({40, 5, 1}, 2);
const FitOptions quietly = {.batch_size = 8, .epochs = 2, .verbose = 0, .shuffle = false};

/// The mean squared error, which does something else too.
Loss squares_and(std::function<void()> something) {
  return Loss::own("squares", [something = std::move(something)](auto target, auto prediction, auto gradient) {
    something();
    if (!gradient.empty()) gradient[0] = 2 * (prediction[0] - target[0]);
    return double{prediction[0] - target[0]} * (prediction[0] - target[0]);
  });
}

// ---- evaluate beside predict ------------------------------------------------------------------------------

template <class Prepared>
concept HasPlan = requires(Prepared prepared) {
  plan_of(std::forward<Prepared>(prepared));
};
static_assert(HasPlan<const std::shared_ptr<PreparedPlan>&>);
static_assert(!HasPlan<std::shared_ptr<PreparedPlan>>, "nobody would hold the plan");

// More lengths than plans are kept, so that each thread pushes out those of the others. For the sanitizers.
TEST_P(TrainingThreads, EvaluateBesidePredictOfFortyLengths) {
  const Sequential model = model_with("mse");
  std::vector<Tensor> inputs, targets, outputs;
  std::vector<double> losses;
  for (std::int64_t length = 1; length <= 40; ++length) {
    inputs.push_back(drawn({2, length, 3}, length));
    targets.push_back(drawn({2, length, 1}, 100 + length));
    outputs.push_back(model.predict(inputs.back()));
    losses.push_back(model.evaluate(inputs.back(), targets.back()).loss());
  }
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] {
      for (std::size_t round = 0; round < 120; ++round) {
        const std::size_t i = (round + 10 * thread) % 40;
        if (thread % 2 == 0)
          wrong += !same_bits(model.predict(inputs[i]), outputs[i]);
        else
          wrong += model.evaluate(inputs[i], targets[i]).loss() != losses[i];
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// ---- the number of threads --------------------------------------------------------------------------------

/// y = x, and something else.
struct AlsoOptions {
  static constexpr auto class_name = "Also";
  std::string name;
  bool trainable = true;
};
void serialize(Archive&, AlsoOptions&) {}
class AlsoLayer : public WithOptions<PrimitiveLayer, AlsoOptions> {
 public:
  using WithOptions::WithOptions;
  TensorSpecs outputs(const TensorSpecs& inputs) const override { return {single_input(inputs, 1)}; }
  void forward(const ForwardCall& call) const override {
    something();
    std::copy_n(call.input().data, call.input().size(), call.output().data);
  }
  void backward(const BackwardCall& call) const override {
    if (const Block* dx = call.input_gradient()) std::copy_n(call.output_gradient().data, dx->size(), dx->data);
  }
  static inline std::function<void()> something = [] {};
};
using Also = HandleOf<AlsoLayer>;

TEST_P(TrainingThreads, TheirNumberCannotChangeWithinWhatRunsOnThem) {
  const auto change = [] { set_num_threads(3); };
  const auto expect_error = [&](auto run) {
    EXPECT_THAT(error_of<ValueError>(run), HasSubstr("the number of threads cannot change within a loss, a layer"));
    EXPECT_EQ(num_threads(), GetParam());
  };
  const Sequential loss = model_with(squares_and(change));
  expect_error([&] { loss.fit(x, y, quietly); });
  expect_error([&] { loss.evaluate(x, y); });
  expect_error([&] { loss.train_on_batch(x, y); });

  const Sequential metric = model_with("mse");
  metric.compile({.loss = "mse", .metrics = {Metric::own("changes", [&](auto, auto) { return change(), 0.0; })}});
  expect_error([&] { metric.evaluate(x, y); });

  AlsoLayer::something = change;
  const Sequential layer = model_with("mse", Also());
  expect_error([&] { layer.predict(x); });
  expect_error([&] { layer.predict(samples(x, 0, 1)); });
  expect_error([&] { Also()(x); });
  AlsoLayer::something = [] {};

  const auto own = ActivationFunction::own(
      "changing", [&](float v) { return change(), v; }, [](float, float) { return 1.0f; });
  const Sequential activation = model_with("mse", Dense({.units = 2, .activation = own}));
  expect_error([&] { activation.predict(x); });

  // Everything still works, and between batches the number may change.
  const Sequential changing = model_with("mse"), twin = model_with("mse");
  FitOptions options = quietly;
  options.callbacks = {
      LambdaCallback({.on_train_batch_end = [](int batch, Logs&) { set_num_threads(1 + batch % 4); }})};
  changing.fit(x, y, options);
  twin.fit(x, y, quietly);
  EXPECT_TRUE(same_bits(changing.get_weights(), twin.get_weights()));
}

// ---- one at a time ----------------------------------------------------------------------------------------

TEST_P(TrainingThreads, AModelIsTrainedByOneThreadAtATime) {
  const Dense shared = first_layer();
  const Sequential model = model_with("mse", shared), sibling = model_with("mse", shared), stranger = model_with("mse");
  const Sequential alone = model_with("mse"), fresh = model_with("mse");
  alone.fit(x, y, quietly);
  const testing_files::FileFolder folder;
  const std::string path = folder / "m.xl", saved = folder / "saved.xl";
  model.save_weights(saved);
  int tried = 0;
  FitOptions options = quietly;
  options.callbacks = {LambdaCallback({.on_train_batch_end = [&](int batch, Logs&) {
    if (batch != 1) return;
    ++tried;
    model.save(path);  // the thread that trains may
    const char* error = "is being trained or saved by another thread, or a model that shares weights with it is";
    for (const Sequential& other : {model, sibling}) {
      EXPECT_THAT(error_on_another_thread([&] { other.fit(x, y, quietly); }), HasSubstr(error));
      EXPECT_THAT(error_on_another_thread([&] { other.train_on_batch(x, y); }), HasSubstr(error));
      EXPECT_THAT(error_on_another_thread([&] { other.save(path); }), HasSubstr(error));
      EXPECT_THAT(error_on_another_thread([&] { other.save_weights(path); }), HasSubstr(error));
      EXPECT_THAT(error_on_another_thread([&] { other.load_weights(saved); }), HasSubstr(error));
    }
    EXPECT_EQ(error_on_another_thread([&] { stranger.fit(x, y, quietly); }), "no error");
    EXPECT_EQ(error_on_another_thread([&] { model.evaluate(x, y), model.predict(x); }), "no error");
  }})};
  model.fit(x, y, options);
  EXPECT_EQ(tried, 2);
  EXPECT_TRUE(same_bits(model.get_weights(), alone.get_weights()));
  EXPECT_FALSE(same_bits(stranger.get_weights(), fresh.get_weights()));
  EXPECT_EQ(error_on_another_thread([&] { model.train_on_batch(x, y), sibling.fit(x, y, quietly); }), "no error");
}

// Two models share one weight of several, which may have any place among the addresses.
TEST_P(TrainingThreads, OneWeightInCommonIsEnough) {
  const auto narrow = [](int seed) {
    return Dense({.units = 3, .use_bias = false, .kernel_initializer = GlorotUniform{.seed = seed}});
  };
  for (std::size_t place = 0; place < 4; ++place)
    for (std::size_t other_place = 0; other_place < 4; ++other_place) {
      std::vector<Dense> layers, others;  // made in the order in which they stand
      for (int i = 0; i < 4; ++i) layers.push_back(narrow(i));
      for (const Dense& layer : layers) layer.build({None, 3});
      for (int i = 0; i < 4; ++i) others.push_back(narrow(i));
      for (const Dense& layer : others) layer.build({None, 3});
      others[other_place] = layers[place];
      const auto model_of = [](const std::vector<Dense>& of) {
        const Sequential model{Input({None, 3}), of[0], of[1], of[2], of[3]};
        model.compile({.loss = "mse"});
        return model;
      };
      const Sequential model = model_of(layers), other = model_of(others);
      const Tensor targets = zeros({x.shape()[0], x.shape()[1], 3});
      FitOptions options = quietly;
      options.epochs = 1;
      std::string error;
      options.callbacks = {LambdaCallback({.on_train_batch_end = [&](int, Logs&) {
        error = error_on_another_thread([&] { other.train_on_batch(x, targets); });
      }})};
      model.fit(x, targets, options);
      EXPECT_THAT(error, HasSubstr("is being trained or saved by another thread")) << place << " " << other_place;
    }
}

TEST_P(TrainingThreads, SeveralMaySaveAtOnce) {
  const testing_files::FileFolder folder;
  const Sequential model = model_with("mse");
  model.fit(x, y, quietly);
  std::vector<std::string> errors(4);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      errors[static_cast<std::size_t>(i)] = error_of<SerializationError>([&] {
        for (int round = 0; round < 20; ++round) {
          model.save(folder / (round % 2 == 0 ? "one.xl" : std::to_string(i) + ".xl"));
          load_model(folder / "one.xl").predict(x);
        }
      });
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& error : errors) EXPECT_EQ(error, "no error");
}

TEST_P(TrainingThreads, AFitThatThrowsLeavesTheModelToOthers) {
  bool fails = true;
  const Sequential model = model_with(squares_and([&] {
    if (fails) throw std::runtime_error("fails");
  }));
  EXPECT_THROW(model.fit(x, y, quietly), std::runtime_error);
  EXPECT_THROW(model.train_on_batch(x, y), std::runtime_error);
  fails = false;
  EXPECT_EQ(error_on_another_thread([&] { model.fit(x, y, quietly), model.train_on_batch(x, y); }), "no error");
}

TEST_P(TrainingThreads, ManyFitsOfOneModelGiveErrorsOrTheWeightsOfOneAfterTheOther) {
  const Sequential model = model_with("mse");
  std::atomic<int> done = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round)
        done += error_of<ValueError>([&] { model.train_on_batch(x, y); }) == "no error";
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(done, 1);
  EXPECT_EQ(model.optimizer().iterations(), done);
  const Sequential twin = model_with("mse");
  for (int step = 0; step < done; ++step) twin.train_on_batch(x, y);
  EXPECT_TRUE(same_bits(model.get_weights(), twin.get_weights()));
}

// ---- within one another -----------------------------------------------------------------------------------

TEST_P(TrainingThreads, ACallbackMayPredictEvaluateAndTrain) {
  const Sequential model = model_with("mse"), twin = model_with("mse"), other = model_with("mse");
  const Tensor more_x = drawn({9, 5, 3}, 3), more_y = drawn({9, 5, 1}, 4);
  FitOptions options = quietly;
  options.callbacks = {LambdaCallback({.on_train_batch_end = [&](int batch, Logs&) {
    model.predict(x);
    model.evaluate(more_x, more_y);
    other.fit(x, y, quietly);
    if (batch == 2) model.train_on_batch(more_x, more_y);
    if (batch == 4) model.fit(more_x, more_y, quietly);
  }})};
  model.fit(x, y, options);
  for (int epoch = 0; epoch < 2; ++epoch)
    for (int batch = 0; batch < 5; ++batch) {
      twin.train_on_batch(samples(x, 8 * batch, 8), samples(y, 8 * batch, 8));
      if (batch == 2) twin.train_on_batch(more_x, more_y);
      if (batch == 4) twin.fit(more_x, more_y, quietly);
    }
  EXPECT_TRUE(same_bits(model.get_weights(), twin.get_weights()));
}

TEST_P(TrainingThreads, ALossMayPredictAndEvaluate) {
  const Sequential judge = model_with("mse");
  const Tensor expected = judge.predict(x);
  const double loss = judge.evaluate(x, y).loss();
  std::atomic<int> calls = 0, wrong = 0;
  std::optional<Sequential> itself;
  itself.emplace(model_with(squares_and([&] {
    if (++calls % 50 != 0) return;
    wrong += !same_bits(judge.predict(x), expected);
    wrong += judge.evaluate(x, y).loss() != loss;
    itself->predict(x);
  })));
  itself->fit(x, y, quietly);
  EXPECT_GT(calls, 100);
  EXPECT_EQ(wrong, 0);
  const Sequential twin = model_with(squares_and([] {}));
  twin.fit(x, y, quietly);
  EXPECT_TRUE(same_bits(itself->get_weights(), twin.get_weights()));
}

TEST_P(TrainingThreads, ALossCannotTrainItsOwnModel) {
  std::optional<Sequential> model;
  for (const bool fit : {false, true}) {
    model.emplace(
        model_with(squares_and([&] { fit ? void(model->fit(x, y, quietly)) : void(model->train_on_batch(x, y)); })));
    const std::vector<Tensor> before = model->get_weights();
    const std::string error = error_of<ValueError>([&] { model->train_on_batch(x, y); });
    EXPECT_THAT(error, testing::AnyOf(HasSubstr("cannot be trained or saved within a loss, a metric or a layer"),
                                      HasSubstr("is being trained or saved by another thread")));
    EXPECT_TRUE(same_bits(model->get_weights(), before));
  }
}

// ---- fork -------------------------------------------------------------------------------------------------

#if defined(__SANITIZE_THREAD__)
constexpr bool can_fork = false;  // ThreadSanitizer makes no threads in a child
#else
constexpr bool can_fork = true;
#endif
#if defined(__SANITIZE_ADDRESS__)
constexpr bool can_exit = false;  // what the parent's threads had looks leaked
#else
constexpr bool can_exit = true;
#endif

/// Runs in the child of a fork; gives what the child exits with, or minus the signal that ended it.
template <class Work>
int in_child(Work work) {
  std::fflush(nullptr);  // or the child writes it again
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);  // a child that hangs is ended
    work();
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST_P(TrainingThreads, AChildOfAForkHasThreadsOfItsOwn) {
  if (!can_fork) GTEST_SKIP() << "no threads in a child here";
  const Sequential model = model_with("mse"), twin = model_with("mse");
  const Tensor expected = model.predict(x);
  twin.fit(x, y, quietly);
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 3; ++thread)
    threads.emplace_back([&, thread] {
      for (std::int64_t length = 1; !stop; ++length) {
        const Tensor input = drawn({4, 1 + length % 40, 3}, 1), target = drawn({4, 1 + length % 40, 1}, 1);
        if (thread == 0)
          model.evaluate(input, target);
        else
          model.predict(input);
      }
    });
  for (int round = 0; round < 40; ++round) {
    const int result = in_child([&] {
      int fine = same_bits(model.predict(x), expected);
      set_num_threads(3);
      fine += same_bits(model.predict(x), expected);
      model.fit(x, y, quietly);
      fine += same_bits(model.get_weights(), twin.get_weights());
      if (can_exit && round % 2 == 0) std::exit(fine);  // with destructors
      _exit(fine);
    });
    ASSERT_EQ(result, 3) << "round " << round;
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(same_bits(model.predict(x), expected));
}

TEST_P(TrainingThreads, AChildMayTrainWhatAThreadOfTheParentTrains) {
  if (!can_fork) GTEST_SKIP() << "no threads in a child here";
  const Sequential model = model_with("mse");
  std::atomic<bool> trains = false, stop = false;
  std::thread parent([&] {
    FitOptions options = quietly;
    options.epochs = 1 << 30;
    class Until : public Callback {
     public:
      Until(std::atomic<bool>& trains, std::atomic<bool>& stop) : trains_(trains), stop_(stop) {}
      void on_train_batch_end(int, Logs&) override {
        trains_ = true;
        if (stop_) stop_training();
      }
      std::atomic<bool>&trains_, &stop_;
    };
    options.callbacks = {std::make_shared<Until>(trains, stop)};
    model.fit(x, y, options);
  });
  while (!trains) std::this_thread::yield();
  for (int round = 0; round < 10; ++round)
    EXPECT_EQ(in_child([&] { _exit(error_of<ValueError>([&] { model.fit(x, y, quietly); }) == "no error" ? 5 : 6); }),
              5);
  EXPECT_THAT(error_of<ValueError>([&] { model.fit(x, y, quietly); }), HasSubstr("trained or saved by another thread"));
  stop = true;
  parent.join();
}

TEST_P(TrainingThreads, AChildForkedWithinALossEndsOrGetsAnErrorInWords) {
  if (!can_fork) GTEST_SKIP() << "no threads in a child here";
  if (GetParam() == 1) GTEST_SKIP() << "the loss runs on one thread, which goes on";
  const auto here = std::this_thread::get_id();
  std::atomic<bool> forked = false;
  int result = 0;
  bool is_child = false;
  const Sequential model = model_with(squares_and([&] {
    if (std::this_thread::get_id() != here || forked.exchange(true)) return;
    const pid_t child = fork();
    is_child = child == 0;
    if (is_child) alarm(60);
    int status = 0;
    if (!is_child) waitpid(child, &status, 0), result = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }));
  const std::string error = error_of<ValueError>([&] { model.fit(x, y, quietly); });
  if (is_child) _exit(error.find("cannot go on in the child of a fork") != std::string::npos ? 7 : 8);
  EXPECT_EQ(error, "no error");
  EXPECT_EQ(result, 7);
}

}  // namespace
}  // namespace xl
