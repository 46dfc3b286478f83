// Sequential: how it is built, what it is made of, and how it is written down.

#include "xlayers/models/model/sequential.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keras_json.hpp"
#include "xlayers/framework/graph/names.hpp"
#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/layers/activation.hpp"
#include "xlayers/layers/conv1d.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/embedding.hpp"
#include "xlayers/layers/global_pooling.hpp"
#include "xlayers/layers/layer_normalization.hpp"
#include "xlayers/layers/positional_embedding.hpp"
#include "xlayers/layers/reshaping.hpp"
#include "xlayers/layers/token_embedding.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

/// Names are counted from the beginning in each test.
class SequentialTest : public testing::Test {
 protected:
  void SetUp() override { clear_session(); }
};

Sequential page_model() {
  return Sequential{
      Input({100, 1}),
      TokenEmbedding({.c_in = 1, .d_model = 64}),
      PositionalEmbedding({.max_len = 100, .d_model = 64}),
      Dense({.units = 32, .activation = "relu"}),
      Dense({.units = 1}),
  };
}

std::vector<std::string> names(const Model& model) {
  std::vector<std::string> all;
  for (const Layer& layer : model.layers()) all.push_back(layer.name());
  return all;
}

std::string summary(const Model& model, int line_length = 0) {
  std::ostringstream out;
  model.summary(out, line_length);
  return out.str();
}

// ---- building -------------------------------------------------------------------------------------------

TEST_F(SequentialTest, IsBuiltAtOnceWithAnInput) {
  const Sequential model = page_model();
  EXPECT_TRUE(model.built());
  EXPECT_EQ(model.name(), "sequential");
  EXPECT_THAT(names(model), ElementsAre("token_embedding", "positional_embedding", "dense", "dense_1"));
  EXPECT_EQ(model.count_params(), 3 * 64 + 64 * 32 + 32 + 32 + 1);
  EXPECT_THAT(model.get_weights(), SizeIs(5));
  EXPECT_EQ(shape(model.get_weights()[0]), Shape({3, 1, 64}));
  EXPECT_EQ(shape(model.get_weights()[4]), Shape({1}));
  EXPECT_EQ(model.get_layer("dense").class_name(), "Dense");
  EXPECT_TRUE(model.get_layer("dense") == model.layers()[2]);
  EXPECT_EQ(shape(model.predict(drawn({3, 100, 1}, 1))), Shape({3, 100, 1}));
}

TEST_F(SequentialTest, IsBuiltAtTheFirstDataWithoutOne) {
  const auto make = [] { return Sequential({Dense({.units = 4}), Dense({.units = 2})}); };
  const Sequential called = make(), predicted = make(), fitted = make(), built = make();
  for (const Sequential& model : {called, predicted, fitted, built}) EXPECT_FALSE(model.built());
  const Tensor x = drawn({5, 3}, 1);
  called(x);
  predicted.predict(x);
  fitted.compile({.optimizer = "sgd", .loss = "mse"});
  fitted.fit(x, zeros({5, 2}), {.verbose = 0});
  built.build({None, 3});
  for (const Sequential& model : {called, predicted, fitted, built}) {
    EXPECT_TRUE(model.built());
    EXPECT_EQ(model.count_params(), 3 * 4 + 4 + 4 * 2 + 2);
    EXPECT_EQ(shape(model(x)), Shape({5, 2}));
  }
  EXPECT_TRUE(fitted.compiled());
}

TEST_F(SequentialTest, ServesAnyNumberOfStepsWhereTheInputLeavesItOpen) {
  const Sequential model{Input({None, 2}), Conv1D({.filters = 3, .kernel_size = 3, .padding = "same"}),
                         PositionalEmbedding({.max_len = 50, .d_model = 3}), Dense({.units = 1})};
  for (const int steps : {1, 7, 50}) EXPECT_EQ(shape(model.predict(zeros({2, steps, 2}))), Shape({2, steps, 1}));
}

TEST_F(SequentialTest, GrowsByAdd) {
  const Sequential model;
  EXPECT_THAT(model.layers(), SizeIs(0));
  model.add(Input({3}));
  EXPECT_FALSE(model.built());
  model.add(Dense({.units = 4}));
  EXPECT_TRUE(model.built());
  const std::vector<Tensor> first = model.get_weights();
  const Tensor x = drawn({2, 3}, 1);
  EXPECT_EQ(shape(model.predict(x)), Shape({2, 4}));
  model.compile({.optimizer = "sgd", .loss = "mse"});
  model.add(Dense({.units = 2}));
  EXPECT_FALSE(model.compiled());
  EXPECT_EQ(shape(model.predict(x)), Shape({2, 2}));
  EXPECT_THAT(names(model), ElementsAre("dense", "dense_1"));
  const std::vector<Tensor> all = model.get_weights();
  ASSERT_THAT(all, SizeIs(4));
  EXPECT_TRUE(same_bits({all[0], all[1]}, first));

  // The same model as one written down at once.
  const Sequential whole{Input({3}), Dense({.units = 4}), Dense({.units = 2})};
  whole.set_weights(all);
  EXPECT_TRUE(same_bits(whole.predict(x), model.predict(x)));
}

TEST_F(SequentialTest, SharesItsLayers) {
  const Dense dense({.units = 3});
  const Sequential one{Input({3}), dense}, other{Input({3}), dense, Activation("tanh")};
  EXPECT_TRUE(same_bits(one.get_weights(), other.get_weights()));
  one.compile({.optimizer = "sgd", .loss = "mse"});
  one.fit(drawn({8, 3}, 1), drawn({8, 3}, 2), {.verbose = 0});
  EXPECT_TRUE(same_bits(one.get_weights(), other.get_weights()));
  EXPECT_TRUE(same_bits(dense.get_weights(), one.get_weights()));
}

TEST_F(SequentialTest, StandsInAnother) {
  const Sequential inner({Dense({.units = 4, .activation = "relu"}), Dense({.units = 3})}, "inner");
  const Sequential outer({Input({5}), inner, Dense({.units = 2})}, "outer");
  EXPECT_THAT(names(outer), ElementsAre("inner", "dense_2"));
  EXPECT_THAT(outer.get_weights(), SizeIs(6));
  const Sequential flat{Input({5}), Dense({.units = 4, .activation = "relu"}), Dense({.units = 3}),
                        Dense({.units = 2})};
  flat.set_weights(outer.get_weights());
  const Tensor x = drawn({6, 5}, 1), y = drawn({6, 2}, 2);
  EXPECT_TRUE(same_bits(flat.predict(x), outer.predict(x)));
  for (const Sequential& model : {outer, flat}) {
    model.compile({.optimizer = "adam", .loss = "mse"});
    model.fit(x, y, {.epochs = 3, .verbose = 0, .shuffle = false});
  }
  EXPECT_TRUE(same_bits(flat.get_weights(), outer.get_weights()));
  for (const Format format : every_format) {
    const Model again = model_from_config(round_trip(outer.to_config(), format));
    again.set_weights(outer.get_weights());
    EXPECT_TRUE(same_bits(again.predict(x), outer.predict(x)));
    EXPECT_EQ(again.to_config(), outer.to_config());
  }
}

TEST_F(SequentialTest, ACloneIsAnotherModelWithEqualWeights) {
  const Sequential model = page_model();
  const Sequential clone(model.clone());
  const Tensor x = drawn({2, 100, 1}, 1);
  EXPECT_FALSE(clone == model);
  EXPECT_TRUE(same_bits(clone.predict(x), model.predict(x)));
  clone.compile({.optimizer = "sgd", .loss = "mse"});
  const std::vector<Tensor> before = model.get_weights();
  clone.fit(x, x, {.verbose = 0});
  EXPECT_TRUE(same_bits(model.get_weights(), before));
  EXPECT_FALSE(model.compiled());
}

// ---- PositionalEmbedding in and out of a Sequential -----------------------------------------------------

TEST_F(SequentialTest, AddsPositionsToTheSignalUnlessToldOtherwise) {
  const Tensor x = drawn({3, 10, 4}, 1);
  const PositionalEmbedding by_default({.max_len = 10, .d_model = 4});
  const PositionalEmbedding add({.max_len = 10, .d_model = 4, .merge_mode = "add"});
  const PositionalEmbedding none({.max_len = 10, .d_model = 4, .merge_mode = "none"});
  const Tensor table = none(x);
  const Tensor sum = x + table;
  ASSERT_EQ(shape(table), Shape({1, 10, 4}));

  EXPECT_TRUE(same_bits(by_default(x), table));
  EXPECT_TRUE(same_bits(add(x), sum));
  EXPECT_EQ(by_default(Input({10, 4})).shape(), Shape({1, 10, 4}));
  EXPECT_EQ(add(Input({10, 4})).shape(), Shape({None, 10, 4}));

  EXPECT_TRUE(same_bits(Sequential({Input({10, 4}), by_default}).predict(x), sum));
  EXPECT_TRUE(same_bits(Sequential({Input({10, 4}), add}).predict(x), sum));
  EXPECT_TRUE(same_bits(Sequential({Input({10, 4}), none}).predict(x), table));
  // The same layer outside again, and in a Sequential that is called as a layer.
  EXPECT_TRUE(same_bits(by_default(x), table));
  EXPECT_TRUE(same_bits(Sequential({by_default})(x), sum));
}

TEST_F(SequentialTest, TheEmbeddingBeforePositionsIsTrained) {
  const Sequential model = page_model();
  model.compile({.optimizer = "adam", .loss = "mse"});
  const std::vector<Tensor> before = model.get_weights();
  model.train_on_batch(drawn({4, 100, 1}, 1), drawn({4, 100, 1}, 2));
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_FALSE(same_bits(model.get_weights()[i], before[i])) << i;
}

// ---- summary --------------------------------------------------------------------------------------------

TEST_F(SequentialTest, SummaryIsWhatKerasPrints) {
  const Json& golden_text = golden("text").at("summary");
  const auto expect = [&](const Model& model, const char* name, int line_length = 0) {
    EXPECT_EQ(summary(model, line_length), golden_text.at(name).get<std::string>()) << name;
  };
  const Sequential page = page_model();
  expect(page, "terminal_80");
  expect(page, "line_length_50", 50);
  expect(page, "line_length_100", 100);
  page.compile({.optimizer = "adam", .loss = "mse"});
  expect(page, "compiled");
  const Tensor x = zeros({2, 100, 1});
  page.fit(x, x, {.verbose = 0});
  expect(page, "trained_adam");
  page.compile({.optimizer = "sgd", .loss = "mse"});
  page.fit(x, x, {.verbose = 0});
  expect(page, "trained_sgd");
  page.compile({.optimizer = SGD({.momentum = 0.9}), .loss = "mse"});
  page.fit(x, x, {.verbose = 0});
  expect(page, "trained_sgd_momentum");

  clear_session();
  const Sequential frozen = page_model();
  frozen.layers()[0].set_trainable(false);
  expect(frozen, "token_embedding_frozen");

  clear_session();
  const Sequential unbuilt{Dense({.units = 4, .activation = "relu"}), Activation("tanh"), Dense({.units = 1})};
  expect(unbuilt, "unbuilt");
  unbuilt.build({None, 3});
  expect(unbuilt, "built_later");
  expect(Sequential(std::vector<Sequential::Item>{}, "nothing_yet"), "empty");
  clear_session();
  expect(Sequential({Input({None, 1000}), Dense({.units = 2000}), Dense({.units = 5})}, "large"), "large");
}

// ---- configs --------------------------------------------------------------------------------------------

TEST_F(SequentialTest, ComesBackFromItsConfigInEveryFormat) {
  const Sequential model = page_model();
  const Tensor x = drawn({3, 100, 1}, 1);
  const std::vector<CompileOptions> ways = {
      {.optimizer = "adam", .loss = "mse"},
      {.optimizer = SGD({.learning_rate = 0.125, .momentum = 0.9, .nesterov = true, .clipnorm = 1.0}),
       .loss = Huber({.delta = 2.0}),
       .metrics = {"mae", metrics::RootMeanSquaredError({.name = "error"})}},
      {.optimizer = Adam({.amsgrad = true, .weight_decay = 0.004}), .loss = "huber", .metrics = {"rmse"}},
  };
  const auto expect_same = [&](const Model& again) {
    EXPECT_EQ(again.to_config(), model.to_config());
    EXPECT_EQ(again.to_json(), model.to_json());
    EXPECT_EQ(again.name(), model.name());
    EXPECT_EQ(names(again), names(model));
    EXPECT_EQ(again.compiled(), model.compiled());
    EXPECT_FALSE(same_bits(again.predict(x), model.predict(x)));  // new weights
    again.set_weights(model.get_weights());
    EXPECT_TRUE(same_bits(again.predict(x), model.predict(x)));
  };
  expect_same(model_from_json(model.to_json()));
  for (const CompileOptions& how : ways) {
    model.compile(how);
    for (const Format format : every_format) expect_same(model_from_config(round_trip(model.to_config(), format)));
    expect_same(model_from_json(model.to_json()));
    expect_same(model_from_json(model.to_json(2)));
    EXPECT_EQ(Config::from_json(model.to_json()), model.to_config());

    // And it trains in the same way.
    const Model again = model_from_json(model.to_json());
    again.set_weights(model.get_weights());
    for (const Model& one : {static_cast<const Model&>(model), again})
      one.fit(x, zeros({3, 100, 1}), {.batch_size = 2, .epochs = 2, .verbose = 0, .shuffle = false});
    EXPECT_TRUE(same_bits(again.get_weights(), model.get_weights()));
  }
}

TEST_F(SequentialTest, FromConfigIsTheInverseOfGetConfig) {
  const Sequential model = page_model();
  const Sequential again = Sequential::from_config(model.get_config());
  EXPECT_EQ(again.get_config(), model.get_config());
  EXPECT_TRUE(again.built());
  EXPECT_FALSE(again.compiled());

  const Sequential unbuilt{Dense({.units = 2})};
  EXPECT_FALSE(Sequential::from_config(unbuilt.get_config()).built());
  const Sequential later{Dense({.units = 2})};
  later.build({None, 3});
  EXPECT_TRUE(Sequential::from_config(later.get_config()).built());

  const Sequential frozen = page_model();
  frozen.set_trainable(false);
  EXPECT_FALSE(Sequential::from_config(frozen.get_config()).trainable());
}

// ---- configs beside those of Keras ----------------------------------------------------------------------

Json json_of(const Config& config) { return Json::parse(config.to_json()); }

TEST_F(SequentialTest, LayersAreReadAndWrittenAsKerasWritesThem) {
  int compared = 0;
  for (const auto& [name, keras] : golden("text").at("layer_configs").items()) {
    SCOPED_TRACE(name);
    const Json& object = keras.contains("serialized_when_built") ? keras["serialized_when_built"] : keras["serialized"];
    const Layer layer = layer_from_config(Config::from_json(object.dump()));
    if (object.contains("build_config")) layer.build({None, 10, 4});
    const Json expected = as_here(object), found = json_of(layer_to_config(layer));
    EXPECT_EQ(keys(found), keys(expected));
    EXPECT_EQ(nlohmann::json(found), nlohmann::json(expected));
    ++compared;
  }
  EXPECT_GE(compared, 10);
}

TEST_F(SequentialTest, ModelsAreReadAndWrittenAsKerasWritesThem) {
  for (const char* name : {"dense_only", "unbuilt", "compiled_objects"}) {
    SCOPED_TRACE(name);
    Json keras = Json::parse(golden("text").at("model_configs").at(name).at("to_json").get<std::string>());
    const Model model = model_from_json(keras.dump());
    Json found = Json::parse(model.to_json()), expected = as_here(keras);
    // Keras forgets the delta of a Huber loss; here it stays. And it writes an empty object where nothing is compiled.
    for (Json* json : {&found, &expected}) {
      if (!json->contains("compile_config")) continue;
      (*json)["compile_config"].erase("jit_compile");
      if ((*json)["compile_config"].contains("loss") && (*json)["compile_config"]["loss"].is_object())
        (*json)["compile_config"]["loss"]["config"].erase("delta");
      if ((*json)["compile_config"].empty()) json->erase("compile_config");
    }
    EXPECT_EQ(keys(found), keys(expected));
    // Numbers may be spelled with more digits there: 0.0010000000474974513 is the float 0.001.
    if (expected.contains("compile_config"))
      found["compile_config"]["optimizer"]["config"]["learning_rate"] =
          expected["compile_config"]["optimizer"]["config"]["learning_rate"];
    EXPECT_EQ(nlohmann::json(found), nlohmann::json(expected));
  }
  const std::string weighted = golden("text").at("model_configs").at("compiled_sgd_metrics").at("to_json");
  EXPECT_EQ(model_from_json(weighted).to_config().at("compile_config").as_config().at("weighted_metrics"),
            Value(Value::List{"mae"}));
}

TEST_F(SequentialTest, AModelOfKerasComputesTheSame) {
  const std::string text = golden("text").at("model_configs").at("dense_only").at("to_json");
  const Model model = model_from_json(text);
  EXPECT_EQ(model.name(), "classifier");
  const Tensor y = model.predict(drawn({3, 4}, 1));
  ASSERT_EQ(shape(y), Shape({3, 2}));
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(y.data()[2 * i] + y.data()[2 * i + 1], 1.0f, 1e-6);  // softmax
}

// ---- names ----------------------------------------------------------------------------------------------

TEST_F(SequentialTest, LayersAreCountedByTheirClass) {
  EXPECT_EQ(Dense({.units = 1}).name(), "dense");
  EXPECT_EQ(Dense({.units = 1}).name(), "dense_1");
  EXPECT_EQ(Conv1D({.filters = 1, .kernel_size = 1}).name(), "conv1d");
  EXPECT_EQ(Dense({.units = 1, .name = "mine"}).name(), "mine");
  EXPECT_EQ(Dense({.units = 1}).name(), "dense_2");
  EXPECT_EQ(Sequential().name(), "sequential");
  EXPECT_EQ(Sequential().name(), "sequential_1");
  clear_session();
  EXPECT_EQ(Dense({.units = 1}).name(), "dense");
  EXPECT_EQ(snake_case("TokenEmbedding"), "token_embedding");
  EXPECT_EQ(snake_case("GRNBlock"), "grn_block");
}

// A mask stands behind what a model makes, and is not an input of the next layer.
TEST_F(SequentialTest, TakesLayersBehindOneThatMakesAMask) {
  const Sequential model{Input({4}, {.dtype = "int32"}),
                         Embedding({.input_dim = 5, .output_dim = 3, .mask_zero = true}), LayerNormalization(),
                         Dense({.units = 2}), GlobalAveragePooling1D()};
  const IntTensor x{{1, 2, 0, 0}, {3, 0, 4, 1}}, shorter{{1, 2, 0, 0}};
  EXPECT_EQ(shape(model.predict(x)), Shape({2, 2}));
  const Sequential open{Embedding({.input_dim = 5, .output_dim = 3, .mask_zero = true}), LayerNormalization(),
                        Dense({.units = 2}), GlobalAveragePooling1D()};
  open(shorter);
  open.set_weights(model.get_weights());
  EXPECT_EQ(open.predict(x), model.predict(x));
}

TEST_F(SequentialTest, IntegersComeOutAsTheirNumbers) {
  const Sequential model{Input({2, 2}, {.dtype = "int32"}), Flatten()};
  const IntTensor x{{{1, 2}, {3, -4}}};
  EXPECT_EQ(model.predict(x), Tensor({{1, 2, 3, -4}}));
  EXPECT_EQ(Flatten()(x), Tensor({{1, 2, 3, -4}}));
  model.compile({.optimizer = "sgd", .loss = "mse"});
  EXPECT_THAT(error_of<ShapeError>([&] { model.evaluate(x, zeros({1, 4})); }), HasSubstr("float32"));
}

TEST(Sequential, ShowsHowFarAPredictionIs) {
  const Sequential model{Input({2}), Dense({.units = 1})};
  const Tensor x = drawn({10, 2}, 1);
  const auto shown = [&](auto run) {
    testing::internal::CaptureStdout();
    run();
    std::string text = testing::internal::GetCapturedStdout();
    for (std::size_t at; (at = text.find("\x1b[1m")) != std::string::npos;) text.erase(at, 4);
    for (std::size_t at; (at = text.find("\x1b[0m")) != std::string::npos;) text.erase(at, 4);
    return text;
  };
  const std::string predicted = shown([&] { model.predict(x, {.batch_size = 4, .verbose = 1}); });
  EXPECT_THAT(predicted, testing::HasSubstr("3/3 "));
  EXPECT_THAT(predicted, testing::Not(testing::HasSubstr("0/3 ")));
  EXPECT_THAT(predicted, testing::Not(testing::HasSubstr("4/3 ")));
  model.compile({.loss = "mse"});
  for (const std::string& text : {shown([&] {
                                    model.evaluate(x, zeros({10, 1}), {.batch_size = 4, .verbose = 1});
                                  }),
                                  shown([&] {
                                    model.fit(x, zeros({10, 1}), {.batch_size = 4, .verbose = 1});
                                  })}) {
    EXPECT_THAT(text, testing::HasSubstr("3/3 "));
    EXPECT_THAT(text, testing::Not(testing::HasSubstr("4/3 ")));
  }
}

TEST(Sequential, GivesItsLayersByNumber) {
  const Sequential model{Dense({.units = 2, .name = "a"}), Dense({.units = 3, .name = "b"})};
  EXPECT_EQ(model.get_layer(0).name(), "a");
  EXPECT_EQ(model.get_layer(-1).name(), "b");
  EXPECT_THAT(error_of<ValueError>([&] { model.get_layer(2); }), HasSubstr("has no layer 2; it has 2"));
  EXPECT_THAT(error_of<ValueError>([&] { model.get_layer(-3); }), HasSubstr("has no layer -3"));
}

}  // namespace
}  // namespace xl
