// Functional models beside those of Keras (tests/golden/functional.json): what they compute, and how they are written down.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "functional_models.hpp"
#include "keras_json.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using namespace testing_functional;
using testing::ElementsAre;

/// Names are counted from the beginning in each test.
class Functional : public testing::Test {
 protected:
  void SetUp() override { clear_session(); }
};

Model made(const std::string& name) {
  clear_session();
  return models.at(name)();
}

std::vector<std::string> names(const Model& model) {
  std::vector<std::string> all;
  for (const Layer& layer : model.layers()) all.push_back(layer.name());
  return all;
}

std::string summary(const Model& model, int line_length) {
  std::ostringstream out;
  model.summary(out, line_length);
  return out.str();
}

std::vector<Array> data_of(const Json& golden_model) {
  std::vector<Array> data;
  for (const Json& json : golden_model.at("data")) data.push_back(tensor(json));
  return data;
}

void expect_predictions(const Model& model, const Json& keras) {
  const std::vector<Tensor> found = model.predict_all(data_of(keras));
  ASSERT_EQ(found.size(), keras.at("predicted").size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Json& expected = keras.at("predicted")[i];
    EXPECT_EQ(shape(found[i]), shape(tensor(expected))) << "output " << i;
    EXPECT_LE(difference(found[i], numbers(expected)), 1e-6 * std::max(1.0, largest(numbers(expected)))) << i;
  }
}

// ---- what they compute ----------------------------------------------------------------------------------

TEST_F(Functional, ModelsOfKerasAreReadAndPredictTheSame) {
  for (const auto& [name, keras] : golden("functional").at("models").items()) {
    SCOPED_TRACE(name);
    const Model model = model_from_json(keras.at("to_json").get<std::string>());
    EXPECT_EQ(names(model), keras.at("layers").get<std::vector<std::string>>());
    EXPECT_EQ(model.input_names(), keras.at("input_names").get<std::vector<std::string>>());
    const std::vector<Tensor> weights = tensors(keras.at("weights")), own = model.get_weights();
    ASSERT_EQ(own.size(), weights.size());
    for (std::size_t i = 0; i < own.size(); ++i) EXPECT_EQ(shape(own[i]), shape(weights[i])) << "weight " << i;
    model.set_weights(weights);
    expect_predictions(model, keras);
  }
}

TEST_F(Functional, ModelsWrittenHerePredictTheSame) {
  int compared = 0;
  for (const auto& [name, keras] : golden("functional").at("models").items()) {
    SCOPED_TRACE(name);
    const Model model = made(name);
    model.set_weights(tensors(keras.at("weights")));
    expect_predictions(model, keras);
    ++compared;
  }
  EXPECT_EQ(compared, static_cast<int>(models.size()));
}

// ---- how they are written down --------------------------------------------------------------------------

/// Keras' JSON without what is not written here: that nothing is compiled, that a layer without weights was built, that a call
/// is not in training. And the Input of from_inside has a name as any Input, not after the class of a tensor.
void leave_out(Json& keras) {
  if (keras.is_string() && keras == "keras_tensorCLONE") keras = "input_layer";
  if (keras.is_object()) {
    if (keras.contains("compile_config") && keras["compile_config"].empty()) keras.erase("compile_config");
    keras.erase("training");
    if (keras.contains("mask") && keras["mask"].is_null()) keras.erase("mask");
    if (keras.contains("attention_axes"))
      keras["attention_axes"] = nullptr;  // that it is {1} Keras knows once it is built
    if (keras.contains("layers")) {
      Json kept = Json::array();
      for (Json& layer : keras["layers"]) {
        static const std::set<std::string> weighty = {"Dense",     "Conv1D",     "LayerNormalization",
                                                      "Embedding", "Functional", "Sequential"};
        if (!weighty.contains(layer.at("class_name"))) layer.erase("build_config");
        kept.push_back(layer);
      }
      keras["layers"] = kept;
    }
  }
  if (keras.is_structured())
    for (Json& value : keras) leave_out(value);
}

TEST_F(Functional, ModelsAreWrittenAsKerasWritesThem) {
  for (const auto& [name, keras] : golden("functional").at("models").items()) {
    SCOPED_TRACE(name);
    Json expected = as_here(Json::parse(keras.at("to_json").get<std::string>()));
    leave_out(expected);
    const Json found = Json::parse(made(name).to_json());
    EXPECT_EQ(keys(found), keys(expected));
    EXPECT_EQ(nlohmann::json(found), nlohmann::json(expected));
  }
}

TEST_F(Functional, SummariesAreWhatKerasPrints) {
  for (const auto& [name, keras] : golden("functional").at("models").items()) {
    if (name == "from_inside") continue;                  // the name of its Input is another
    if (name == "indices" || name == "masked") continue;  // Keras has rows for the making of masks
    SCOPED_TRACE(name);
    const Model model = made(name);
    EXPECT_EQ(summary(model, 0), keras.at("summary").get<std::string>());
    EXPECT_EQ(summary(model, 110), keras.at("summary_of_110").get<std::string>());
  }
}

TEST_F(Functional, ComeBackFromTheirConfigInEveryFormat) {
  for (const auto& [name, keras] : golden("functional").at("models").items()) {
    SCOPED_TRACE(name);
    const Model model = made(name);
    const std::vector<Array> data = data_of(keras);
    const std::vector<Tensor> predicted = model.predict_all(data);
    const auto expect_same = [&](const Model& again) {
      EXPECT_EQ(again.to_config(), model.to_config());
      EXPECT_EQ(names(again), names(model));
      EXPECT_EQ(again.input_names(), model.input_names());
      EXPECT_EQ(again.output_names(), model.output_names());
      again.set_weights(model.get_weights());
      EXPECT_TRUE(same_bits(again.predict_all(data), predicted));
    };
    for (const Format format : every_format) expect_same(model_from_config(round_trip(model.to_config(), format)));
    expect_same(model_from_json(model.to_json()));
    expect_same(Model(model.clone()));
  }
}

TEST_F(Functional, HowAModelOfKerasIsCompiledIsReadAndWritten) {
  for (const auto& [name, text] : golden("functional").at("compiled").items()) {
    SCOPED_TRACE(name);
    const Model model = model_from_json(text.get<std::string>());
    ASSERT_TRUE(model.compiled());
    Json found = Json::parse(model.to_json()), expected = as_here(Json::parse(text.get<std::string>()));
    leave_out(expected);
    EXPECT_EQ(keys(found), keys(expected));
    for (Json* json : {&found, &expected}) {
      (*json)["compile_config"].erase("jit_compile");
      // Keras spells out the digits of a float: 0.009999999776482582.
      (*json)["compile_config"]["optimizer"]["config"]["learning_rate"] = 0.01;
    }
    EXPECT_EQ(nlohmann::json(found), nlohmann::json(expected));
    const Scores scores = model.evaluate(drawn({4, 4}, 1), {drawn({4, 3}, 2), zeros({4, 1})});
    EXPECT_TRUE(std::isfinite(scores.loss()));
    EXPECT_EQ(scores.names()[1], "trend_loss");
  }
}

TEST_F(Functional, KerasInputsAndOutputsByNameAreReadInTheirOrder) {
  const Model model = model_from_json(golden("functional").at("by_names").dump());
  EXPECT_THAT(model.input_names(), ElementsAre("a", "b"));
  EXPECT_THAT(model.output_names(), ElementsAre("d"));
  const Tensor a = drawn({3, 2}, 1), b = drawn({3, 2}, 2), sum = a + b;
  EXPECT_TRUE(same_bits(model.predict({a, b}), model.get_layer("d")(sum)));
  EXPECT_TRUE(same_bits(model.predict({{"b", b}, {"a", a}}), model.predict({a, b})));
}

// What Keras writes and this library does not: an Input of bool and one of a fixed batch, training = False.
TEST_F(Functional, KerasInputsOfBoolAndOfAFixedBatchAreRead) {
  auto x = Input({5, 3}, {.name = "x"}), mask = Input({5, 5}, {.dtype = "int32", .name = "mask"});
  const MultiHeadAttention attention({.num_heads = 2, .key_dim = 3});
  const Model model({x, mask}, Dropout(0.5)(attention(x, x, {.attention_mask = mask})));
  std::string text = model.to_json();
  const auto replace = [&](const std::string& from, const std::string& to) {
    ASSERT_NE(text.find(from), std::string::npos) << text;
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
      text.replace(at, from.size(), to);
  };
  replace("\"int32\"", "\"bool\"");
  replace("\"batch_shape\": [null,", "\"batch_shape\": [4,");
  replace("\"kwargs\": {}", "\"kwargs\": {\"training\": false}");
  const Model read = model_from_json(text);
  EXPECT_EQ(read.to_json(), model.to_json());
  read.set_weights(model.get_weights());
  const Tensor series = drawn({2, 5, 3}, 1);
  IntTensor seen = IntTensor::from_shape({2, 5, 5});
  for (std::size_t i = 0; i < seen.size(); ++i) seen.data()[i] = i % 3 == 0;
  EXPECT_TRUE(same_bits(read.predict({series, seen}), model.predict({series, seen})));
  seen.fill(1);
  EXPECT_FALSE(same_bits(read.predict({series, seen}), model.predict({series, zeros({2, 5, 5})})));
}

TEST_F(Functional, LayersAreReadInAnyOrder) {
  auto x = Input({1}, {.name = "x"});
  const Dense shared({.units = 1, .name = "shared"});
  auto y = shared(x);
  for (int i = 0; i < 4000; ++i) y = Dense({.units = 1})(y);
  const Model model(x, shared(y), {.name = "m"});
  Config object = model.to_config();
  Config config = object.at("config").as_config();
  Value::List layers = config.at("layers").as_list();
  ASSERT_EQ(layers.size(), 4002u);
  std::reverse(layers.begin(), layers.end());
  config.set("layers", layers);
  object.set("config", config);
  EXPECT_EQ(model_from_config(object).to_config(), model.to_config());
}

// With XLAYERS_WRITE_MODELS=DIRECTORY the models are written there, for golden/read_by_keras.py to read.
TEST_F(Functional, AreWrittenForKerasToRead) {
  const char* directory = std::getenv("XLAYERS_WRITE_MODELS");
  if (directory == nullptr) GTEST_SKIP() << "only where XLAYERS_WRITE_MODELS names a directory";
  for (const auto& [name, make] : models) {
    std::ofstream file(std::string(directory) + "/" + name + ".json");
    file << made(name).to_json();
    EXPECT_TRUE(file.flush()) << name;
  }
}

}  // namespace
}  // namespace xl
