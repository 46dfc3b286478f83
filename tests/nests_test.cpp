// Models whose inputs and outputs stand in objects and in lists of lists, beside Keras (tests/golden/nests.json); and what
// they are compiled with.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden.hpp"
#include "xlayers/models/model/model.hpp"
#include "xlayers/models/model/nest.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const Json& keras() { return golden("nests"); }

std::vector<std::string> names(const Model& model) {
  std::vector<std::string> all;
  for (const Layer& layer : model.layers()) all.push_back(layer.name());
  return all;
}

std::vector<Array> data_of(const Json& golden_model) {
  std::vector<Array> data;
  for (const Json& json : golden_model.at("data")) data.push_back(tensor(json));
  return data;
}

// ---- the order of what stands in a nest

Value from_text(const std::string& text) { return Config::from_json(R"({"nest": )" + text + "}").at("nest"); }

TEST(Nest, ComesInTheOrderOfSortedKeys) {
  const auto is_number = [](const Value& value) { return !value.is_list() && !value.is_config(); };
  const Value nested = from_text(R"({"b": [1, {"z": 2, "a": 3}], "a": {"10": 4, "9": 5}, "B": 6, "é": 7})");
  std::vector<std::int64_t> order;
  for (const Value* one : flatten(nested, is_number)) order.push_back(one->as_int());
  EXPECT_THAT(order, ElementsAre(6, 4, 5, 1, 3, 2, 7));
  const Nest nest = nest_of(nested, is_number);
  EXPECT_EQ(nest.to_text(), from_text(R"({"b": [null, {"z": null, "a": null}], "a": {"10": null, "9": null}, )"
                                      R"("B": null, "é": null})")
                                .to_text());
  EXPECT_EQ(filled(nest, {6, 4, 5, 1, 3, 2, 7}), nested);
  EXPECT_EQ(filled(plain_nest(1), {3}), Value(3));
  EXPECT_EQ(filled(plain_nest(2), {3, 4}), Value(Value::List{3, 4}));
  EXPECT_THAT(keys_of(from_text(R"({"b": null, "a": null})")), ElementsAre("a", "b"));
  EXPECT_THAT(keys_of(nest), ElementsAre());
  EXPECT_THAT(keys_of(plain_nest(2)), ElementsAre());
}

// ---- beside Keras

TEST(Nests, OfKerasAreReadInKerasOrder) {
  for (const auto& [name, golden_model] : keras().at("models").items()) {
    SCOPED_TRACE(name);
    const Model model = model_from_json(golden_model.at("to_json").get<std::string>());
    EXPECT_EQ(names(model), golden_model.at("layers").get<std::vector<std::string>>());
    EXPECT_EQ(model.input_names(), golden_model.at("input_names").get<std::vector<std::string>>());
    EXPECT_EQ(model.output_names(), golden_model.at("output_names").get<std::vector<std::string>>());
    const std::vector<Tensor> weights = tensors(golden_model.at("weights"));
    model.set_weights(weights);
    const std::vector<Tensor> found = model.predict_all(data_of(golden_model));
    ASSERT_EQ(found.size(), golden_model.at("predicted").size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      const Json& expected = golden_model.at("predicted")[i];
      EXPECT_EQ(shape(found[i]), shape(tensor(expected))) << "output " << i;
      EXPECT_LE(difference(found[i], numbers(expected)), 1e-6 * std::max(1.0, largest(numbers(expected)))) << i;
    }
  }
}

// The nests of a model and of the models inside, and how these are called.
void list_nests(const Json& json, std::vector<Json>& into) {
  if (json.is_object()) {
    for (const char* key : {"input_layers", "output_layers"})
      if (json.contains(key)) into.push_back(json[key]);
    if (json.contains("class_name") && json["class_name"] == "Functional" && json.contains("inbound_nodes"))
      for (const Json& call : json["inbound_nodes"]) into.push_back(call["args"]);
  }
  if (json.is_structured())
    for (const Json& one : json) list_nests(one, into);
}

TEST(Nests, StayAsTheyAre) {
  for (const auto& [name, golden_model] : keras().at("models").items()) {
    SCOPED_TRACE(name);
    const Model model = model_from_json(golden_model.at("to_json").get<std::string>());
    std::vector<Json> expected, found;
    list_nests(Json::parse(golden_model.at("to_json").get<std::string>()), expected);
    list_nests(Json::parse(model.to_json()), found);
    EXPECT_EQ(found, expected);
    const std::vector<Array> data = data_of(golden_model);
    for (const Model& again : {model_from_json(model.to_json()), Model(model.clone())}) {
      again.set_weights(model.get_weights());
      EXPECT_TRUE(same_bits(again.predict_all(data), model.predict_all(data)));
      EXPECT_EQ(again.to_json(), model.to_json());
      EXPECT_EQ(again.output_names(), model.output_names());
    }
  }
}

TEST(Nests, OutputsOfAnObjectAreTrainedByKey) {
  for (const auto& [name, golden_case] : keras().at("compiled").items()) {
    SCOPED_TRACE(name);
    const Model model = model_from_json(golden_case.at("to_json").get<std::string>());
    ASSERT_TRUE(model.compiled());
    std::vector<Tensor> weights = model.get_weights();
    for (Tensor& weight : weights) weight.fill(0.25f);
    model.set_weights(weights);
    Tensor x = empty({4, 3}), zeta = empty({4, 2}), alpha = empty({4, 1}), beta = empty({4, 3});
    x.fill(0.5f), zeta.fill(1.0f), alpha.fill(2.0f), beta.fill(3.0f);
    const Data by_key{{"zeta", zeta}, {"alpha", alpha}, {"Beta", beta}};
    const Scores scores = model.evaluate(x, by_key);
    ASSERT_EQ(scores.names().size(), golden_case.at("scores").size());
    for (const auto& [key, value] : golden_case.at("scores").items())
      EXPECT_NEAR(scores[key], value.get<double>(), 1e-5) << key;
    const Model again = model_from_json(model.to_json());
    again.set_weights(weights);
    EXPECT_EQ(again.evaluate(x, by_key).loss(), scores.loss());
    EXPECT_THAT(error_of<ValueError>([&] {
                  model.evaluate(x, {{"first", zeta}, {"alpha", alpha}, {"Beta", beta}});
                }),
                HasSubstr("has no 'first' among its outputs; there are Beta, alpha, zeta"));
  }
}

// ---- how a model is compiled

TEST(CompileConfig, MayLeaveAnOutputOut) {
  const std::string text = keras().at("without_a_loss").at("to_json");
  const Model model = model_from_json(text);
  ASSERT_TRUE(model.compiled());
  Tensor x = drawn({4, 3}, 1), a = drawn({4, 2}, 2), b = drawn({4, 1}, 3);
  const Scores scores = model.evaluate(x, {{"a", a}, {"b", b}});
  EXPECT_THAT(scores.names(), ElementsAre("loss", "b_mae"));
  // Half of the squared error of a is all that counts.
  const Model by_name = model_from_json(text, {.compile = false});
  EXPECT_FALSE(by_name.compiled());
  by_name.set_weights(model.get_weights());
  by_name.compile({.optimizer = "sgd", .loss = {{"a", "mse"}}});
  EXPECT_NEAR(scores.loss(), 0.5 * by_name.evaluate(x, {{"a", a}, {"b", b}}).loss(), 1e-6);
  const std::vector<Tensor> before = model.get_weights();
  model.train_on_batch(x, {{"a", a}, {"b", b}});
  EXPECT_FALSE(same_bits(model.get_weights()[0], before[0]));
  EXPECT_TRUE(same_bits(model.get_weights()[2], before[2]));
  EXPECT_EQ(model_from_json(model.to_json()).to_json(), model.to_json());
}

Model with(const char* key, const Value& value, const LoadOptions& options = {}) {
  Config object = Config::from_json(keras().at("without_a_loss").at("to_json").get<std::string>());
  Config compiled = object.at("compile_config").as_config();
  compiled.set(key, value);
  object.set("compile_config", compiled);
  return model_from_config(object, options);
}

TEST(CompileConfig, NamesWhatItDoesNotKnow) {
  const auto error = [](const char* key, const Value& value) {
    EXPECT_FALSE(with(key, value, {.compile = false}).compiled());
    return error_of<ValueError>([&] { with(key, value); });
  };
  const std::string told = " (the 'loss' of a compile_config, which {.compile = false} leaves unread)";
  EXPECT_THAT(error("loss", "hinge"), StartsWith("unknown loss 'hinge'"));
  EXPECT_THAT(error("loss", "hinge"), HasSubstr(told));
  EXPECT_THAT(error("loss", 3), HasSubstr(told));
  EXPECT_THAT(error("loss", Value::List{"mse", nullptr, "mse"}), HasSubstr("each of the outputs a, b, got"));
  EXPECT_THAT(error("optimizer", "lion"), HasSubstr("(the 'optimizer' of a compile_config"));
  EXPECT_THAT(error("optimizer", Config{{"class_name", "SGD"},
                                        {"config", Config{{"learning_rate", Config{{"class_name", "Unheard"}}}}}}),
              HasSubstr("(the 'optimizer' of a compile_config"));
  EXPECT_THAT(error("metrics", Value::List{nullptr, Value::List{"acuracy"}}), HasSubstr("(the 'metrics' of a"));
  EXPECT_THAT(error("weighted_metrics", Value::List{"acuracy", nullptr}), HasSubstr("(the 'weighted_metrics' of a"));
  EXPECT_THAT(error("loss_weights", Value::List{"two", nullptr}), HasSubstr("(the 'loss_weights' of a"));
  EXPECT_THAT(error("lozz", "mse"), StartsWith("unknown key 'lozz' in a compile_config; the keys are "));
  Config object = Config::from_json(keras().at("without_a_loss").at("to_json").get<std::string>());
  object.set("compile_config", 3);
  EXPECT_THAT(error_of<ValueError>([&] { model_from_config(object); }),
              HasSubstr("compile_config: expected an object, got 3"));
  // What was compiled without a loss has nothing to train on.
  EXPECT_FALSE(with("loss", nullptr).compiled());
  EXPECT_FALSE(with("loss", Value::List{nullptr, nullptr}).compiled());
}

}  // namespace
}  // namespace xl
