// A compile that fails takes nothing and changes nothing.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "golden.hpp"
#include "xlayers/framework/base/random.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/models/model/sequential.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::HasSubstr;

/// Two outputs, "a" and "b", the same each time.
Model two_outputs() {
  const auto x = Input({3}, {.name = "x"});
  const auto hidden = Dense({.units = 4, .kernel_initializer = GlorotUniform{.seed = 1}, .name = "hidden"})(x);
  const auto out = [&](const char* name, std::uint64_t seed) {
    return Dense({.units = 1, .kernel_initializer = GlorotUniform{.seed = seed}, .name = name})(hidden);
  };
  return Model({x}, {out("a", 2), out("b", 3)}, {.name = "two"});
}

struct Failing {
  const char* what;
  CompileOptions options;
  const char* error;
};

/// Each way in which compile fails, with this optimizer.
std::vector<Failing> failing(const Optimizer& optimizer) {
  return {
      {"no loss", {.optimizer = optimizer}, "compile needs a loss"},
      {"a loss for no output", {.optimizer = optimizer, .loss = {{"c", "mse"}}}, "a loss for 'c', which is no output"},
      {"too many losses", {.optimizer = optimizer, .loss = {"mse", "mae", "mse"}}, "a loss for 3 outputs"},
      {"a weight for no output",
       {.optimizer = optimizer, .loss = "mse", .loss_weights = {{"c", 1.0}}},
       "a loss weight for 'c', which is no output"},
      {"a weight that is no number",
       {.optimizer = optimizer, .loss = "mse", .loss_weights = {1.0, NAN}},
       "expected loss weights that are numbers"},
      {"a metric for no output",
       {.optimizer = optimizer, .loss = "mse", .metrics = {{"c", "mae"}}},
       "metrics for 'c', which is no output"},
      {"a weighted metric for no output",
       {.optimizer = optimizer, .loss = "mse", .weighted_metrics = {{"c", "mae"}}},
       "weighted metrics for 'c', which is no output"},
  };
}

TEST(FailedCompile, LeavesTheOptimizerToOtherModels) {
  const std::size_t ways = failing("sgd").size();
  for (std::size_t way = 0; way < ways; ++way) {
    const Optimizer optimizer = SGD({.learning_rate = 0.5});
    const auto [what, options, error] = failing(optimizer)[way];
    SCOPED_TRACE(what);
    EXPECT_THAT(error_of<ValueError>([&] { two_outputs().compile(options); }), HasSubstr(error));
    const Model other = two_outputs();
    EXPECT_NO_THROW(other.compile({.optimizer = optimizer, .loss = "mse"}));
    EXPECT_THAT(error_of<ValueError>([&] { two_outputs().compile({.optimizer = optimizer, .loss = "mse"}); }),
                HasSubstr("is the optimizer of another model"));
  }
}

TEST(FailedCompile, LeavesTheModelAsItWas) {
  const Tensor x = drawn({8, 3}, 1), y = drawn({8, 1}, 2);
  const Optimizer taken = SGD({.learning_rate = 0.5});
  const Model owner = two_outputs();
  owner.compile({.optimizer = taken, .loss = "mse"});
  std::vector<Failing> ways = failing("adam");
  ways.push_back({"an optimizer that is taken", {.optimizer = taken, .loss = "mse"}, "is the optimizer of another"});
  for (const bool trained : {false, true})
    for (const auto& [what, options, error] : ways) {
      SCOPED_TRACE(what);
      const Model model = two_outputs(), twin = two_outputs();
      for (const Model& one : {model, twin}) {
        one.compile({.optimizer = SGD({.learning_rate = 0.25, .momentum = 0.5}), .loss = "mse", .metrics = {"mae"}});
        if (trained) one.train_on_batch(x, {y, y});
      }
      const Config before = model.to_config();
      set_random_seed(7);
      model.get_layer("hidden").set_trainable(false);  // what compile has not seen counts for nothing
      EXPECT_THAT(error_of<ValueError>([&, &options = options] { model.compile(options); }), HasSubstr(error));
      model.get_layer("hidden").set_trainable(true);
      EXPECT_EQ(model.to_config(), before);
      const std::uint64_t seed = next_seed();
      set_random_seed(7);
      EXPECT_EQ(seed, next_seed()) << "a seed was drawn";
      for (int step = 0; step < 2; ++step)
        EXPECT_EQ(model.train_on_batch(x, {y, y}).values(), twin.train_on_batch(x, {y, y}).values());
      EXPECT_TRUE(same_bits(model.get_weights(), twin.get_weights()));
    }
}

}  // namespace
}  // namespace xl
