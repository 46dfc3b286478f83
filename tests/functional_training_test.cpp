// Functional models in training: beside whole runs of Keras (tests/golden/training_functional.json), and what else is
// promised of several inputs and outputs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "golden.hpp"
#include "xlayers/layers/concatenate.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/embedding.hpp"
#include "xlayers/layers/input.hpp"
#include "xlayers/models/model.hpp"

namespace xl {
namespace {

using namespace testing_golden;

// ---- runs of Keras --------------------------------------------------------------------------------------

/// The models of golden_training_functional.py.
Model outputs() {
  auto a = Input({4}, {.name = "a"}), b = Input({3}, {.name = "b"});
  auto x = Dense({.units = 5, .activation = "tanh"})(concatenate({a, b}));
  return Model({a, b}, {Dense({.units = 2, .name = "trend"})(x),
                        Dense({.units = 3, .activation = "softmax", .name = "kind"})(x)});
}

Model kind() {
  auto a = Input({4}, {.name = "a"});
  auto x = Dense({.units = 5, .activation = "tanh"})(a);
  return Model(a, Dense({.units = 3, .activation = "softmax", .name = "kind"})(x));
}

Model steps() {
  auto words = Input({6}, {.dtype = "int32", .name = "words"});
  auto x = Embedding({.input_dim = 5, .output_dim = 4, .mask_zero = true})(words);
  x = Dense({.units = 4, .activation = "tanh"})(x);
  return Model(words, Dense({.units = 2, .name = "line"})(x));
}

Model tags_of(bool mask) {
  auto words = Input({6}, {.dtype = "int32", .name = "words"});
  auto x = Embedding({.input_dim = 5, .output_dim = 4, .mask_zero = mask})(words);
  return Model(words, Dense({.units = 3, .activation = "softmax", .name = "tag"})(x));
}
Model tags() { return tags_of(false); }
Model masked_tags() { return tags_of(true); }

Model shared() {
  auto x = Input({4}, {.name = "inside"});
  const Model inner(x, Dense({.units = 4, .activation = "tanh"})(x) * x, {.name = "inner"});
  auto a = Input({4}, {.name = "a"});
  const Dense dense({.units = 4});
  auto left = inner(dense(a)), right = dense(inner(a));
  return Model(a, Dense({.units = 2, .name = "trend"})(left + right / 2.0));
}

Model frozen() {
  auto a = Input({4}, {.name = "a"});
  auto x = Dense({.units = 5, .activation = "tanh", .trainable = false})(a);
  return Model(a, Dense({.units = 2, .name = "trend"})(x));
}

const std::map<std::string, Model (*)()> models = {
    {"outputs", outputs},         {"kind", kind},    {"steps", steps}, {"tags", tags}, {"shared", shared},
    {"masked_tags", masked_tags}, {"frozen", frozen}};

/// How a run is trained, in words of this library.
struct Training {
  std::vector<std::string> x, y;
  CompileOptions compile = {};
  std::vector<std::string> weight = {};  // sample_weight
  std::vector<std::string> validation_weight = {};
  bool validate = false;
  std::map<int, float> class_weight = {};
};

const std::vector<std::string> ab = {"a", "b"}, trend_kind = {"trend", "kind"};
const PerOutput<Loss> both = {{"trend", "mse"}, {"kind", "sparse_categorical_crossentropy"}};
const Metrics mae_accuracy = {{"trend", "mae"}, {"kind", "accuracy"}};

CompileOptions each() {
  return {.loss = both, .loss_weights = {{"trend", 0.5}, {"kind", 2.0}}, .metrics = mae_accuracy};
}
CompileOptions weighted() {
  return {.loss = both, .metrics = mae_accuracy, .weighted_metrics = {{"trend", {"mse", "mae"}}, {"kind", "accuracy"}}};
}
Loss ignoring() { return SparseCategoricalCrossentropy({.ignore_class = -1}); }

const std::map<std::string, Training> trainings = {
    {"each", {ab, trend_kind, each()}},
    {"in_order",
     {ab,
      trend_kind,
      {.loss = {"mae", SparseCategoricalCrossentropy()},
       .loss_weights = {2.0, 0.25},
       .metrics = std::vector<MetricList>{"mse", {"accuracy", "sparse_categorical_crossentropy"}}}}},
    {"one_loss", {ab, trend_kind, {.loss = {{"trend", "mse"}}}}},
    {"sample_weight", {ab, trend_kind, weighted(), {"weight_a", "weight_b"}}},
    {"validation", {.x = ab, .y = trend_kind, .compile = each(), .validate = true}},
    {"validation_weight", {ab, trend_kind, weighted(), {"weight_a", "weight_b"}, {"weight_b", "weight_a"}, true}},
    {"class_weight",
     {.x = {"a"},
      .y = {"kind"},
      .compile = {.loss = "sparse_categorical_crossentropy", .metrics = "accuracy", .weighted_metrics = "accuracy"},
      .class_weight = {{0, 0.5f}, {2, 3.0f}}}},
    {"shared", {{"a"}, {"trend"}, {.loss = "mse"}}},
    {"frozen", {{"a"}, {"trend"}, {.loss = "mse"}}},
    {"masked", {{"words"}, {"line"}, {.loss = "mse"}}},
    {"masked_metrics", {{"words"}, {"line"}, {.loss = "mae", .metrics = "mse", .weighted_metrics = "mae"}}},
    {"masked_weighted", {{"words"}, {"line"}, {.loss = "mse", .weighted_metrics = "mae"}, {"weight_steps"}}},
    {"masked_validation",
     {{"words"},
      {"line"},
      {.loss = "mse", .metrics = "mae", .weighted_metrics = {"mse", "mae"}},
      {"weight_steps"},
      {"weight_steps"},
      true}},
    {"ignore_class", {{"words"}, {"tag"}, {.loss = ignoring()}}},
    {"masked_ignore_class", {{"words"}, {"tag"}, {.loss = ignoring()}}},
};

/// Whole numbers as such, to see that both kinds of tensors go in.
Array array(const Json& json, const std::string& name) {
  const Tensor values = tensor(json.at(name));
  if (name == "words" || name == "kind" || name == "tag") return IntTensor(xt::cast<std::int32_t>(values));
  return Tensor(values);
}
Data in_order(const Json& json, const std::vector<std::string>& names) {
  std::vector<Array> arrays;
  for (const std::string& name : names) arrays.push_back(array(json, name));
  return arrays;
}
Data by_name(const Json& json, const std::vector<std::string>& names, const std::vector<std::string>& as) {
  std::map<std::string, Array> arrays;
  for (std::size_t i = 0; i < names.size(); ++i) arrays[as[i]] = array(json, names[i]);
  return arrays;
}

TEST(FunctionalRuns, AreThoseOfKeras) {
  const Json& file = golden("training_functional");
  const Json &train = file.at("data"), &validation = file.at("validation");
  double most = 0.0;
  const auto expect_near = [&](double found, double truth, const std::string& what) {
    const double deviation = std::abs(found - truth) / std::max(std::abs(truth), 1e-3);
    EXPECT_LE(deviation, 1e-5) << what << ": " << found << ", Keras has " << truth;
    most = std::max(most, deviation);
  };
  for (const auto& [name, run] : file.at("runs").items()) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(trainings.contains(name));
    Training how = trainings.at(name);
    for (const bool named : {false, true}) {
      SCOPED_TRACE(named ? "data by name" : "data in order");
      const Model model = models.at(run.at("model"))();
      model.set_weights(tensors(run.at("initial")));
      how.compile.optimizer = SGD({.learning_rate = 0.125});
      model.compile(how.compile);
      const auto data = [&](const Json& from, const std::vector<std::string>& names,
                            const std::vector<std::string>& as) {
        return named && !names.empty() ? by_name(from, names, as) : in_order(from, names);
      };
      FitOptions fit{.batch_size = 8, .epochs = 6, .verbose = 0, .shuffle = false, .class_weight = how.class_weight};
      fit.sample_weight = data(train, how.weight, how.y);
      if (how.validate)
        fit.validation_data = {data(validation, how.x, how.x), data(validation, how.y, how.y),
                               data(validation, how.validation_weight, how.y)};
      const History history = model.fit(data(train, how.x, how.x), data(train, how.y, how.y), fit);

      if (!name.starts_with("masked")) {
        EXPECT_EQ(history.history.size(), run.at("history").size());
      }
      for (const auto& [key, values] : run.at("history").items()) {
        ASSERT_TRUE(history.history.contains(key)) << key;
        const auto& found = history.history.at(key);
        ASSERT_EQ(found.size(), values.size()) << key;
        for (std::size_t i = 0; i < found.size(); ++i)
          expect_near(found[i], values[i], key + " of epoch " + std::to_string(i));
      }
      const Scores scores =
          model.evaluate(data(validation, how.x, how.x), data(validation, how.y, how.y), {.batch_size = 4});
      EXPECT_EQ(scores.names().size(), run.at("evaluate").size());
      for (const auto& [key, value] : run.at("evaluate").items()) expect_near(scores[key], value, "evaluate: " + key);
      const std::vector<Tensor> weights = model.get_weights();
      ASSERT_EQ(weights.size(), run.at("weights").size());
      for (std::size_t i = 0; i < weights.size(); ++i)
        EXPECT_LE(difference(weights[i], numbers(run.at("weights")[i])), 1e-5) << "weight " << i;
    }
  }
  RecordProperty("largest_relative_deviation", testing::PrintToString(most));
}

}  // namespace
}  // namespace xl
