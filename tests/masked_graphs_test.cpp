// Functional models in which masks travel and are given, beside Keras (tests/golden/masked_graphs.json).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "golden.hpp"
#include "xlayers/framework/tensor/random_tensor.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/embedding.hpp"
#include "xlayers/layers/input.hpp"
#include "xlayers/layers/multi_head_attention.hpp"
#include "xlayers/layers/positional_embedding.hpp"
#include "xlayers/layers/softmax.hpp"
#include "xlayers/layers/transformer_encoder.hpp"
#include "xlayers/models/model/model.hpp"
#include "xlayers/xtensor.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::AllOf;
using testing::HasSubstr;

// The kept ones, or those of the file that the environment variable XLAYERS_MASKED_GRAPHS names.
const Json& graphs() {
  static const Json all = [] {
    const char* file = std::getenv("XLAYERS_MASKED_GRAPHS");
    if (file == nullptr) return golden("masked_graphs");
    std::ifstream in(file);
    return Json::parse(in);
  }();
  return all.at("models");
}

std::vector<std::string> names(const Model& model) {
  std::vector<std::string> all;
  for (const Layer& layer : model.layers()) all.push_back(layer.name());
  return all;
}

Data data_of(const Json& graph) {
  Data data;
  for (std::size_t i = 0; i < graph.at("data").size(); ++i) {
    const Tensor values = tensor(graph.at("data")[i]);
    if (graph.at("dtypes")[i] == "float32")
      data.push_back(values);
    else
      data.push_back(IntTensor(xt::cast<std::int32_t>(values)));
  }
  return data;
}

void expect_predictions(const Model& model, const Json& graph) {
  model.set_weights(tensors(graph.at("weights")));
  const std::vector<Tensor> found = model.predict_all(data_of(graph));
  ASSERT_EQ(found.size(), graph.at("predicted").size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::vector<double> expected = numbers(graph.at("predicted")[i]);
    EXPECT_LE(difference(found[i], expected), 2e-6 * std::max(1.0, largest(expected))) << "output " << i;
  }
}

TEST(MaskedGraphs, OfKerasAreRead) {
  for (const auto& [name, graph] : graphs().items()) {
    SCOPED_TRACE(name);
    const Model model = model_from_json(graph.at("to_json").get<std::string>());
    EXPECT_EQ(names(model), graph.at("layers").get<std::vector<std::string>>());
    expect_predictions(model, graph);
    const Model again = model_from_json(model.to_json());
    EXPECT_EQ(again.to_json(), model.to_json());
    expect_predictions(again, graph);
  }
}

// A model of the same calls that no config says the order of.
TEST(MaskedGraphs, HaveKerasOrderOfLayersAndWeights) {
  for (const auto& [name, graph] : graphs().items()) {
    SCOPED_TRACE(name);
    const Model read = model_from_json(graph.at("to_json").get<std::string>());
    const Model model(SymbolicTensors(read.inputs()), SymbolicTensors(read.outputs()));
    EXPECT_EQ(names(model), graph.at("layers").get<std::vector<std::string>>());
    expect_predictions(model, graph);
  }
}

// For tests/golden/read_by_keras.py.
TEST(MaskedGraphs, AreWrittenForKerasToRead) {
  const char* directory = std::getenv("XLAYERS_WRITE_MODELS");
  if (directory == nullptr) GTEST_SKIP() << "only where XLAYERS_WRITE_MODELS names a directory";
  for (const auto& [name, graph] : graphs().items()) {
    std::ofstream file(std::string(directory) + "/" + name + ".json");
    file << model_from_json(graph.at("to_json").get<std::string>()).to_json();
    EXPECT_TRUE(file.flush()) << name;
  }
}

// ---- masks that a call is given

struct Attention {
  SymbolicTensor query = Input({4, 6}, {.name = "q"}), value = Input({5, 6}, {.name = "v"});
  SymbolicTensor query_mask = Input({4}, {.dtype = "int32"}), value_mask = Input({5}, {.dtype = "int32"});
  SymbolicTensor key_mask = Input({5}), attention_mask = Input({4, 5}, {.dtype = "int32"});
  MultiHeadAttention layer{{.num_heads = 2, .key_dim = 3}};
};

TEST(GivenMasks, OfAnAttentionAreThoseOfACallOnData) {
  const Attention a;
  const Model model({a.query, a.value, a.query_mask, a.value_mask, a.key_mask, a.attention_mask},
                    {a.layer(a.query, a.value,
                             {.query_mask = a.query_mask,
                              .value_mask = a.value_mask,
                              .key_mask = a.key_mask,
                              .attention_mask = a.attention_mask}),
                     a.layer(a.query, a.value, a.value, {.key_mask = a.key_mask}),
                     a.layer(a.query, a.value, {.attention_mask = a.attention_mask})});
  const Tensor q = drawn({3, 4, 6}, 1), v = drawn({3, 5, 6}, 2);
  const IntTensor q_mask = random_integers({3, 4}, 0, 2, 3), v_mask = random_integers({3, 5}, 0, 2, 4);
  const IntTensor k_mask = random_integers({3, 5}, 0, 2, 5), a_mask = random_integers({3, 4, 5}, 0, 2, 6);
  const Data data{q, v, q_mask, v_mask, Tensor(k_mask), a_mask};
  const std::vector<Tensor> expected{
      a.layer(q, v, v, {.query_mask = q_mask, .value_mask = v_mask, .key_mask = k_mask, .attention_mask = a_mask}),
      a.layer(q, v, v, {.key_mask = k_mask}), a.layer(q, v, {.attention_mask = a_mask})};
  EXPECT_TRUE(same_bits(model.predict_all(data), expected));
  EXPECT_FALSE(same_bits(expected[0], expected[1]));
  for (const Model& again : {model_from_json(model.to_json()), Model(model.clone())}) {
    again.set_weights(model.get_weights());
    EXPECT_TRUE(same_bits(again.predict_all(data), expected));
    EXPECT_EQ(again.to_json(), model.to_json());
  }
}

TEST(GivenMasks, TakeThePlaceOfThoseThatTravel) {
  const Attention a;
  const auto ids = Input({5}, {.dtype = "int32"});
  const auto value = Embedding({.input_dim = 3, .output_dim = 6, .mask_zero = true})(ids);
  const Model model({a.query, ids, a.value_mask},
                    {a.layer(a.query, value, {.value_mask = a.value_mask}), a.layer(a.query, value)});
  const Tensor q = drawn({1, 4, 6}, 1);
  const std::vector<Tensor> all = model.predict_all({q, IntTensor{{0, 0, 1, 2, 0}}, IntTensor{{0, 0, 1, 1, 0}}});
  EXPECT_TRUE(same_bits(all[0], all[1]));
  const std::vector<Tensor> other = model.predict_all({q, IntTensor{{0, 0, 1, 2, 0}}, IntTensor{{1, 0, 1, 1, 0}}});
  EXPECT_FALSE(same_bits(other[0], all[0]));
  EXPECT_TRUE(same_bits(other[1], all[1]));
}

TEST(GivenMasks, ThatDoNotFitAreErrors) {
  const Attention a;
  EXPECT_THAT(error_of<ShapeError>([&] { a.layer(a.query, a.value, {.value_mask = a.query_mask}); }),
              AllOf(HasSubstr("(None, 4)"), HasSubstr("a mask of the leading axes of (None, 5, 6)")));
  EXPECT_THAT(
      error_of<ShapeError>([&] { a.layer(a.query, a.value, {.query_mask = a.attention_mask}); }),
      HasSubstr("expected a query_mask (batch, steps) for an input (batch, steps, features), got (None, 4, 5)"));
  EXPECT_THAT(error_of<ValueError>([&] {
                a.layer.call({a.query, a.value}, Config{{"key_mask", Config{{"input", 7}}}});
              }),
              HasSubstr("its key_mask is not among the inputs"));
}

TEST(GivenMasks, OfSoftmaxMayBeWholeNumbers) {
  const auto x = Input({2, 3}), floats = Input({2, 3});
  const auto whole = Input({2, 3}, {.dtype = "int32"});
  const Softmax softmax;
  const Model model({x, floats, whole}, {softmax(x, floats), softmax(x, whole)});
  const IntTensor mask{{{1, 0, 2}, {-1, 0, 1}}};
  const std::vector<Tensor> y = model.predict_all({drawn({1, 2, 3}, 1), Tensor(xt::clip(mask, 0, 1)), mask});
  EXPECT_TRUE(same_bits(y[0], y[1]));
  EXPECT_EQ(y[0](0, 0, 1), 0.0f);
}

TEST(GivenMasks, OfSoftmaxHaveABatchOnlyWhereTheInputHas) {
  const auto x = Input({2, 3});
  const SymbolicTensor table = PositionalEmbedding({.max_len = 2, .d_model = 3, .merge_mode = "none"})(x);
  const Softmax softmax;
  EXPECT_THAT(error_of<ShapeError>([&] { softmax(table, x); }), HasSubstr("expected a mask that broadcasts to"));
  EXPECT_EQ(softmax(table, table).spec().batched, false);
}

// What stands in front of a masked tensor learns as without the mask, where that hides nothing.
TEST(GivenMasks, LetTheGradientThrough) {
  const Attention a;
  Dense before({.units = 6, .name = "before"});
  const SymbolicTensor query = before(a.query);
  Model masked({a.query, a.value, a.query_mask}, a.layer(query, a.value, {.query_mask = a.query_mask}));
  Model plain({a.query, a.value}, a.layer(query, a.value));
  const Tensor q = drawn({3, 4, 6}, 1), v = drawn({3, 5, 6}, 2), y = drawn({3, 4, 6}, 3);
  const IntTensor ones = xt::ones<std::int32_t>({3, 4});
  const std::vector<Tensor> weights = plain.get_weights();
  plain.compile({.optimizer = "sgd", .loss = "mse"});
  plain.train_on_batch({q, v}, y);
  const std::vector<Tensor> expected = before.get_weights();
  plain.set_weights(weights);
  EXPECT_FALSE(same_bits(before.get_weights(), expected));
  masked.compile({.optimizer = "sgd", .loss = "mse"});
  masked.train_on_batch({q, v, ones}, y);
  EXPECT_TRUE(same_bits(before.get_weights(), expected));
}

// Keras takes a mask by its name alone, wherever it stood in the call.
TEST(GivenMasks, AreWrittenByName) {
  const Attention a;
  const Model attention({a.query, a.value, a.attention_mask},
                        a.layer.call(SymbolicTensors{a.query, a.value, a.value, a.attention_mask})[0]);
  EXPECT_THAT(attention.to_json(), HasSubstr("\"attention_mask\": {\"class_name\": \"__keras_tensor__\""));
  const TransformerEncoder encoder({.intermediate_dim = 4, .num_heads = 2});
  const auto mask = Input({4, 4});
  const Model padded({a.query, a.query_mask}, encoder.call(SymbolicTensors{a.query, a.query_mask})[0]);
  EXPECT_THAT(padded.to_json(), HasSubstr("\"padding_mask\": {\"class_name\": \"__keras_tensor__\""));
  const Model attending({a.query, mask}, encoder.call(SymbolicTensors{a.query, mask})[0]);
  EXPECT_THAT(attending.to_json(), HasSubstr("\"attention_mask\": {\"class_name\": \"__keras_tensor__\""));
}

// ---- arguments of a config that no call takes

TEST(GivenMasks, OfAConfigAreNamedInErrors) {
  const Attention a;
  const std::string text =
      Model({a.query, a.value, a.key_mask}, a.layer(a.query, a.value, {.key_mask = a.key_mask})).to_json();
  const auto error_with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    return error_of<ValueError>([&] { model_from_json(changed); });
  };
  EXPECT_THAT(error_with("\"key_mask\":", "\"mask_of_key\":"),
              HasSubstr("with the tensor 'mask_of_key', which it does not take"));
  EXPECT_THAT(error_with("\"key_mask\":", "\"query_mask\": {\"input\": 9}, \"key_mask\":"),
              HasSubstr("with query_mask = {\"input\": 9}, which is no tensor"));
}

}  // namespace
}  // namespace xl
