// Functional models in training: beside whole runs of Keras (tests/golden/training_functional.json), and what else is
// promised of several inputs and outputs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "golden.hpp"
#include "xlayers/framework/base/random.hpp"
#include "xlayers/framework/base/threads.hpp"
#include "xlayers/framework/engine/gradients.hpp"
#include "xlayers/framework/graph/names.hpp"
#include "xlayers/layers/concatenate.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/dropout.hpp"
#include "xlayers/layers/embedding.hpp"
#include "xlayers/layers/global_pooling.hpp"
#include "xlayers/layers/input.hpp"
#include "xlayers/layers/layer_normalization.hpp"
#include "xlayers/layers/multi_head_attention.hpp"
#include "xlayers/layers/positional_embedding.hpp"
#include "xlayers/models/model/model.hpp"

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

TEST(FunctionalTraining, HowItIsCompiledComesBackInEveryFormat) {
  const std::vector<CompileOptions> ways = {
      each(),
      weighted(),
      trainings.at("in_order").compile,
      {.loss = both, .metrics = {"accuracy", "accuracy"}},  // of both outputs
      {.loss = {{"kind", ignoring()}}, .weighted_metrics = "accuracy"},
  };
  const Json& data = golden("training_functional").at("data");
  for (const CompileOptions& way : ways) {
    const Model model = outputs();
    CompileOptions how = way;
    how.optimizer = SGD({.learning_rate = 0.25});
    model.compile(how);
    const Data x = in_order(data, ab);
    const Scores scores = model.evaluate(x, in_order(data, trend_kind));
    for (const Format format : every_format) {
      const Model again = model_from_config(round_trip(model.to_config(), format));
      again.set_weights(model.get_weights());
      EXPECT_EQ(again.to_config(), model.to_config());
      const Scores same = again.evaluate(x, in_order(data, trend_kind));
      EXPECT_EQ(same.names(), scores.names());
      EXPECT_TRUE(std::equal(same.values().begin(), same.values().end(), scores.values().begin()));
    }
  }
}

// ---- what is shared, frozen and inside -------------------------------------------------------------------

/// The history of three epochs, order and all else drawn from one seed.
History trained(const Model& model, const Data& x, const Data& y, const FitOptions& options = {}) {
  FitOptions fit = options;
  fit.epochs = 3;
  fit.batch_size = 7;
  fit.verbose = 0;
  return model.fit(x, y, fit);
}

TEST(FunctionalTraining, ASubModelSharesTheWeightsOfTheWhole) {
  clear_session();
  const Model whole = outputs();
  const Model inside(whole.inputs(), whole.output_of("dense"), {.name = "inside"});
  const Tensor a = drawn({20, 4}, 1), b = drawn({20, 3}, 2), trend = drawn({20, 2}, 3);
  const Tensor before = inside.predict({a, b});
  EXPECT_TRUE(same_bits(inside.get_weights(), whole.get_layer("dense").get_weights()));
  whole.compile({.optimizer = "sgd", .loss = {{"trend", "mse"}}});
  trained(whole, {a, b}, {{"trend", trend}});
  EXPECT_TRUE(same_bits(inside.get_weights(), whole.get_layer("dense").get_weights()));
  EXPECT_FALSE(same_bits(inside.predict({a, b}), before));
  // The other way round: training what is inside moves the whole.
  const std::vector<Tensor> predicted = whole.predict_all({a, b});
  inside.compile({.optimizer = "sgd", .loss = "mse"});
  trained(inside, {a, b}, drawn({20, 5}, 4));
  EXPECT_FALSE(same_bits(whole.predict_all({a, b})[0], predicted[0]));
  EXPECT_TRUE(same_bits(whole.get_layer("dense").get_weights(), inside.get_weights()));
}

TEST(FunctionalTraining, AModelInsideTrainsItsLayers) {
  const Model model = shared();
  const Model inner(model.get_layer("inner"));
  const std::vector<Tensor> all = model.get_weights(), of_inner = inner.get_weights();
  model.compile({.optimizer = "sgd", .loss = "mse"});
  trained(model, drawn({20, 4}, 1), drawn({20, 2}, 2));
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_FALSE(same_bits(model.get_weights()[i], all[i])) << i;
  for (std::size_t i = 0; i < of_inner.size(); ++i) EXPECT_FALSE(same_bits(inner.get_weights()[i], of_inner[i])) << i;
}

TEST(FunctionalTraining, AFrozenLayerStaysAsItIs) {
  clear_session();
  const Model model = outputs();
  const Tensor a = drawn({20, 4}, 1), b = drawn({20, 3}, 2), trend = drawn({20, 2}, 3);
  const IntTensor kind = xt::zeros<std::int32_t>({20});
  const auto moved = [&] {
    std::vector<std::string> names;
    const std::vector<Tensor> before = model.get_weights();
    trained(model, {a, b}, {trend, kind});
    std::size_t weight = 0;
    for (const Layer& layer : model.layers()) {
      bool same = true;
      for (const Tensor& now : layer.get_weights()) same = same_bits(now, before[weight++]) && same;
      if (!same) names.push_back(layer.name());
    }
    return names;
  };
  const auto compile = [&] { model.compile({.optimizer = "adam", .loss = both}); };
  compile();
  EXPECT_THAT(moved(), testing::ElementsAre("dense", "trend", "kind"));
  model.get_layer("dense").set_trainable(false);
  compile();
  EXPECT_THAT(moved(), testing::ElementsAre("trend", "kind"));
  model.get_layer("dense").set_trainable(true);
  model.get_layer("kind").set_trainable(false);
  compile();
  EXPECT_THAT(moved(), testing::ElementsAre("dense", "trend"));
  model.set_trainable(false);
  compile();
  EXPECT_THAT(moved(), testing::ElementsAre());
  EXPECT_FALSE(model_from_json(model.to_json()).trainable());
}

// ---- gradients ------------------------------------------------------------------------------------------

/// Compares the gradients of a model of smooth layers with central differences.
void expect_slopes(const Model& model, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> dy;
  for (const Tensor& y : model.predict_all(inputs))
    dy.push_back(drawn(shape(y), 90 + static_cast<unsigned>(dy.size())));
  const Gradients found = gradients(model, inputs, dy);
  const auto value = [&](const std::vector<Tensor>& at) {
    double sum = 0.0;
    const std::vector<Tensor> ys = model.predict_all(at);
    for (std::size_t k = 0; k < ys.size(); ++k)
      for (std::size_t i = 0; i < ys[k].size(); ++i) sum += static_cast<double>(ys[k].data()[i]) * dy[k].data()[i];
    return sum;
  };
  constexpr float step = 1.0f / 128;
  const auto slope = [&](std::vector<Tensor> at, std::size_t k, std::size_t i, const auto& value_at) {
    const float middle = at[k].data()[i];
    at[k].data()[i] = middle + step;
    const double above = value_at(at);
    at[k].data()[i] = middle - step;
    return (above - value_at(at)) / (2 * step);
  };
  for (std::size_t k = 0; k < inputs.size(); ++k)
    for (std::size_t i = 0; i < inputs[k].size(); ++i)
      EXPECT_NEAR(found.inputs[k].data()[i], slope(inputs, k, i, value), 3e-3) << "input " << k << " " << i;
  const std::vector<Tensor> weights = model.get_weights();
  const auto with_weights = [&](const std::vector<Tensor>& at) {
    model.set_weights(at);
    return value(inputs);
  };
  ASSERT_EQ(found.weights.size(), weights.size());
  for (std::size_t k = 0; k < weights.size(); ++k)
    for (std::size_t i = 0; i < weights[k].size(); ++i)
      EXPECT_NEAR(found.weights[k].data()[i], slope(weights, k, i, with_weights), 3e-3) << "weight " << k << " " << i;
  model.set_weights(weights);
}

TEST(FunctionalGradients, OfArithmetic) {
  const auto by = [](float shift, Tensor x) {  // away from a division by zero
    for (float& value : x) value += shift;
    return x;
  };
  using Binary = SymbolicTensor (*)(const SymbolicTensor&, const SymbolicTensor&);
  const Binary operations[] = {
      [](const SymbolicTensor& a, const SymbolicTensor& b) { return a + b; },
      [](const SymbolicTensor& a, const SymbolicTensor& b) { return a - b; },
      [](const SymbolicTensor& a, const SymbolicTensor& b) { return a * b; },
      [](const SymbolicTensor& a, const SymbolicTensor& b) { return a / b; },
      [](const SymbolicTensor& a, const SymbolicTensor& b) { return (2.5 - a) * (b - 0.5) + 3.0 / b; },
      [](const SymbolicTensor& a, const SymbolicTensor& b) { return (a / 4.0) * (1.5 * b) + (a * 0.5 + -b); },
  };
  for (const Binary operation : operations)
    for (const auto& [a, b] : {std::pair<Shape, Shape>{{4, 3}, {4, 3}},
                               {{4, 1}, {4, 3}},
                               {{4, 3}, {4, 1}},
                               {{4, 2, 1}, {4, 1, 3}},
                               {{4, 1, 3}, {4, 2, 3}}}) {
      SCOPED_TRACE(testing::Message() << "operation"
                                      << " " << to_string(a) << " " << to_string(b));
      auto x = Input(a.sample()), y = Input(b.sample());
      expect_slopes(Model({x, y}, operation(x, y)), {drawn(a, 1), by(2.5f, drawn(b, 2))});
      auto z = Dense({.units = 3})(y);  // and of weights behind them
      expect_slopes(Model({x, y}, {operation(x, z + 4.0), y * y}), {drawn(a, 1), drawn(b, 2)});
    }
}

TEST(FunctionalGradients, OfSharedAndNestedLayers) {
  expect_slopes(shared(), {drawn({5, 4}, 1)});
  expect_slopes(outputs(), {drawn({5, 4}, 1), drawn({5, 3}, 2)});
}

// A tensor that is the same for every sample is made once, but its gradient is the sum over the samples.
TEST(FunctionalGradients, OfWeightsBehindATensorWithoutABatch) {
  const PositionalEmbedding positions({.max_len = 6, .d_model = 4});
  const Dense dense({.units = 4, .activation = "tanh"}), last({.units = 2});
  auto x = Input({6, 4});
  const Model once(x, last(x + dense(positions(x))));
  auto y = Input({6, 4}), table = Input({6, 4});
  const Model repeated({y, table}, last(y + dense(table)));
  EXPECT_EQ(once.get_weights().size(), 4u);
  for (const int batch : {1, 3, 40}) {
    const Tensor data = drawn({batch, 6, 4}, 1), dy = drawn({batch, 6, 2}, 2), row = positions(data);
    const Tensor rows = row + zeros({batch, 6, 4});
    EXPECT_LE(difference(once.predict(data),
                         [&] {
                           const Tensor p = repeated.predict({data, rows});
                           return std::vector<double>(p.begin(), p.end());
                         }()),
              1e-6);
    const Gradients of_once = gradients(once, data, dy), of_repeated = gradients(repeated, {data, rows}, dy);
    ASSERT_EQ(of_once.weights.size(), 4u);
    for (std::size_t i = 0; i < 4; ++i) {
      const Tensor& truth = of_repeated.weights[i];
      EXPECT_LE(difference(of_once.weights[i], {truth.begin(), truth.end()}), 1e-5 * batch) << batch << " " << i;
    }
    if (batch == 3) expect_slopes(once, {data});
  }
  once.compile({.optimizer = "sgd", .loss = "mse"});
  const std::vector<Tensor> before = once.get_weights();
  trained(once, drawn({20, 6, 4}, 1), drawn({20, 6, 2}, 2));
  for (std::size_t i = 0; i < 4; ++i) EXPECT_FALSE(same_bits(once.get_weights()[i], before[i])) << i;
}

// ---- the same bits --------------------------------------------------------------------------------------

TEST(FunctionalDeterminism, OfSeveralInputsForAnyNumberOfThreads) {
  const int threads_before = num_threads();
  struct Run {
    std::vector<Tensor> weights, predicted;
    std::map<std::string, std::vector<double>> history;
  };
  const auto run = [](int threads) {
    set_num_threads(threads);
    set_random_seed(3);
    auto series = Input({12, 3}, {.name = "series"}), words = Input({12}, {.dtype = "int32", .name = "words"});
    auto x = Dense({.units = 8})(series) + Embedding({.input_dim = 5, .output_dim = 8, .mask_zero = true})(words);
    x = x + MultiHeadAttention({.num_heads = 2, .key_dim = 4, .dropout = 0.25f})(x, x, {.use_causal_mask = true});
    x = LayerNormalization()(Dropout(0.25)(x));
    auto pooled = GlobalAveragePooling1D()(x);
    const Model model({series, words},
                      {Dense({.units = 3, .name = "line"})(x), Dense({.units = 1, .name = "sum"})(pooled)});
    model.compile({.optimizer = "adam", .loss = "mse", .loss_weights = {1.0, 0.5}, .metrics = {{"sum", "mae"}}});
    const Tensor data = drawn({75, 12, 3}, 1);
    IntTensor indices = xt::zeros<std::int32_t>({75, 12});
    for (std::size_t i = 0; i < indices.size(); ++i) indices.data()[i] = static_cast<std::int32_t>(i * 7 % 5);
    Run result;
    result.history = trained(model, {data, indices}, {{"sum", drawn({75, 1}, 2)}, {"line", data}},
                             {.validation_split = 0.2, .sample_weight = {{"line", drawn({75, 12}, 4)}}})
                         .history;
    result.weights = model.get_weights();
    result.predicted = model.predict_all({data, indices});
    return result;
  };
  const Run one = run(1);
  EXPECT_GE(one.history.size(), 8u);
  for (const int threads : {2, 7, 1}) {
    const Run other = run(threads);
    EXPECT_TRUE(same_bits(other.weights, one.weights)) << threads << " threads";
    EXPECT_TRUE(same_bits(other.predicted, one.predicted)) << threads << " threads";
    EXPECT_EQ(other.history, one.history) << threads << " threads";
  }
  set_num_threads(threads_before);
}

}  // namespace
}  // namespace xl
