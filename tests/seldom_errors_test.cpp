// What is said where it seldom is: each of these lines stands behind others that catch most mistakes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "files.hpp"
#include "golden.hpp"
#include "xlayers/framework/kernels/dispatch.hpp"
#include "xlayers/xlayers.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using namespace testing_files;
using testing::EndsWith;
using testing::HasSubstr;

TEST(SeldomErrors, OfGradients) {
  const Dense dense({.units = 2, .name = "d"});
  const Tensor x = drawn({3, 4}, 1), dy = drawn({3, 2}, 2);
  EXPECT_EQ(error_of<ShapeError>([&] {
              gradients(dense, x, std::vector<Tensor>{dy, dy});
            }),
            "[Dense 'd'] expected a gradient for each of its 1 outputs, got 2");
  EXPECT_EQ(error_of<ShapeError>([&] { gradients(dense, x, std::vector<Tensor>{}); }),
            "[Dense 'd'] expected a gradient for each of its 1 outputs, got 0");
  EXPECT_EQ(error_of<ShapeError>([&] {
              gradients(dense, x, drawn({3, 3}, 2));
            }),
            "[Dense 'd'] expected an output gradient (3, 2), got (3, 3)");
}

TEST(SeldomErrors, OfLayersWithSeveralOutputs) {
  const SeriesDecomposition parts({.kernel_size = 3, .name = "parts"});
  const SymbolicTensor x = Input({8, 2});
  const Layer& layer = parts;
  EXPECT_EQ(error_of<ValueError>([&] { layer(x); }), "[SeriesDecomposition 'parts'] has 2 outputs, not one");
  EXPECT_THAT(error_of<ValueError>([&] {
                Sequential({Input({8, 2}), parts});
              }),
              HasSubstr("takes layers of one output, but 'parts' has 2"));
  const Dense once({.units = 2, .name = "once"});
  EXPECT_THAT(error_of<ValueError>([&] {
                Sequential({Input({2}), once, once});
              }),
              HasSubstr("has the layer 'once' already; a layer stands once in a Sequential"));
}

TEST(SeldomErrors, OfOptions) {
  EXPECT_EQ(error_of<ValueError>([] { TemporalEmbedding({.d_model = 4, .layout = "turns"}); }),
            "[TemporalEmbedding] unknown layout 'turns'; known are interleaved, halves");
  EXPECT_THAT(error_of<ValueError>([] {
                layer_from_config(Config{{"class_name", "Conv1D"},
                                         {"config", Config{{"filters", 1}, {"kernel_size", 1}, {"data_format", "x"}}}});
              }),
              HasSubstr("expected data_format \"channels_last\", got \"x\""));
  EXPECT_EQ(error_of<ValueError>([] {
              Metric::own(
                  "m", [](auto...) { return 0.0; }, -1);
            }),
            "the metric 'm' expected a number of target features, got -1");
}

// It is not built by what does not fit, and can be by what does.
TEST(SeldomErrors, OfADenormalisationThatBegins) {
  const ReversibleInstanceNorm norm({.num_features = 2, .affine = true, .name = "n"});
  const SymbolicTensor x = Input({8, 2}), y = Input({8, 3});
  EXPECT_THAT(error_of<ShapeError>([&] { norm.denorm(y, x); }), HasSubstr("num_features = 2"));
  EXPECT_FALSE(norm.built());
  norm(x);
  EXPECT_EQ(norm.get_weights().size(), 2u);
}

TEST(SeldomErrors, OfMasks) {
  const SymbolicTensor x = Input({6, 4}), padding = Input({6});
  const TransformerEncoder encoder({.intermediate_dim = 8, .num_heads = 2, .name = "e"});
  EXPECT_THAT(error_of<ShapeError>([&] {
                encoder.call({x, padding, padding});
              }),
              HasSubstr("an input and at most one padding mask (batch, steps) and one attention mask"));
  const Softmax softmax({.name = "s"});
  EXPECT_EQ(error_of<ShapeError>([&] {
              softmax.call({x, x, x});
            }),
            "[Softmax 's'] takes an input and a mask, got 3 inputs");
  const auto [y, scores] = encoder.with_scores(x);
  EXPECT_EQ(y.shape(), (Shape{None, 6, 4}));
  EXPECT_EQ(scores.shape(), (Shape{None, 2, 6, 6}));
}

TEST(SeldomErrors, OfWhatAnAttentionWasBuiltFor) {
  const MultiHeadAttention attention({.num_heads = 2, .key_dim = 3, .name = "a"});
  attention({drawn({1, 4, 6}, 1), drawn({1, 4, 6}, 2)});
  EXPECT_THAT(error_of<ShapeError>([&] {
                attention({drawn({1, 4, 5}, 1), drawn({1, 4, 6}, 2)});
              }),
              HasSubstr("[MultiHeadAttention 'a'"));
}

TEST(SeldomErrors, OfFit) {
  const Sequential model({Input({3}), Dense({.units = 2})}, "m");
  model.compile({.loss = "mse"});
  const Tensor x = drawn({4, 3}, 1), y = drawn({4, 2}, 2);
  EXPECT_THAT(error_of<ValueError>([&] {
                model.fit(x, y, {.verbose = 0, .validation_data = {x, {}}});
              }),
              HasSubstr("expected validation_data with x and y, got only x"));
  EXPECT_THAT(error_of<ValueError>([&] {
                model.fit(x, y, {.verbose = 0, .validation_data = {{}, y}});
              }),
              HasSubstr("expected validation_data with x and y, got only y"));
  EXPECT_THAT(error_of<ValueError>([&] {
                model.fit(x, y, {.verbose = 0, .class_weight = {{0, NAN}}});
              }),
              HasSubstr("class_weight of class 0 is not a number"));
  const Sequential series({Input({5, 3}), Dense({.units = 2})}, "s");
  series.compile({.loss = "mse"});
  EXPECT_THAT(error_of<ValueError>([&] {
                series.fit(drawn({4, 5, 3}, 1), drawn({4, 5, 2}, 2), {.verbose = 0, .class_weight = {{0, 1.0f}}});
              }),
              HasSubstr("class_weight needs targets of one class a sample, got y (4, 5, 2)"));
}

// The weight of a class is that of the place of the largest number.
TEST(ClassWeight, GoesByThePlaceOfTheLargestNumber) {
  const auto loss = [](const Tensor& y, const std::map<int, float>& weights) {
    set_random_seed(3);
    const Sequential model({Input({3}), Dense({.units = 4, .activation = "softmax"})});
    model.compile({.optimizer = SGD({.learning_rate = 0.0f}), .loss = "categorical_crossentropy"});
    return model.fit(drawn({4, 3}, 1), y, {.batch_size = 4, .epochs = 1, .verbose = 0, .class_weight = weights})
        .history.at("loss")[0];
  };
  const Tensor second{{0, 1, 0, 0}, {0, 1, 0, 0}, {0, 1, 0, 0}, {0, 1, 0, 0}};
  const double once = loss(second, {});
  EXPECT_NEAR(loss(second, {{1, 3.0f}}), 3 * once, 1e-5);
  EXPECT_NEAR(loss(second, {{0, 3.0f}, {2, 5.0f}}), once, 1e-6);
}

TEST(SeldomErrors, OfHistoryAndFormats) {
  History history;
  EXPECT_EQ(error_of<ValueError>([&] { history.history["loss"]; }), "[History] there is no 'loss'; no epoch was run");
  history.history.insert({"mae", {1.5, 0.25}});
  EXPECT_EQ(error_of<ValueError>([&] { history.history["loss"]; }), "[History] there is no 'loss'; there are mae");
  std::ostringstream out;
  out << history;
  EXPECT_THAT(out.str(), HasSubstr("\"mae\": [1.5, 0.25]"));
  EXPECT_EQ(error_of<ValueError>([] {
              std::ostringstream to;
              save_config(to, Config(), static_cast<Format>(17));
            }),
            "expected a format of json, text, binary and xml, got number 17");
}

TEST(SeldomErrors, OfAFormatThatIsNone) {
  std::istringstream from("{}");
  EXPECT_EQ(error_of<ValueError>([&] { load_config(from, static_cast<Format>(17)); }),
            "expected a format of json, text, binary and xml, got number 17");
}

// What Keras does with what it is told of compile: nothing that would be slower or other than here.
TEST(CompileConfig, LeavesTheWayOfRunningToKeras) {
  const Sequential model({Input({3}), Dense({.units = 2})}, "m");
  model.compile({.loss = "mse"});
  const Json config = Json::parse(model.to_json()).at("compile_config");
  EXPECT_EQ(config.at("run_eagerly"), false);
  EXPECT_EQ(config.at("steps_per_execution"), 1);
  EXPECT_EQ(config.at("jit_compile"), false);
}

// The operations within a layer are made anew each time that it is looked at, and take no names from others.
TEST(Names, AreNotTakenByOperationsWithinLayers) {
  const SymbolicTensor x = Input({4});
  const std::string before = (x + x).node().layer->name();
  const RotaryEmbedding rotary;
  const TransformerEncoder encoder({.intermediate_dim = 4, .num_heads = 2});
  encoder(rotary(Input({6, 4})));
  encoder(drawn({2, 6, 4}, 1));
  const std::string after = (x + x).node().layer->name();
  const int number = before == "add" ? 0 : std::stoi(before.substr(4));
  EXPECT_EQ(after, "add_" + std::to_string(number + 1));
}

TEST(SeldomErrors, OfSymbolicTensors) {
  std::ostringstream out;
  out << Dense({.units = 2, .name = "d"})(Input({3}));
  EXPECT_EQ(out.str(), "<SymbolicTensor shape=(None, 2), dtype=float32, layer=d>");
}

TEST(SeldomErrors, OfSums) {
  const SymbolicTensor x = Input({3});
  const SymbolicTensor y = 2.0 + x;
  EXPECT_EQ(Model(x, y).predict({{1, 2, 3}}), (Tensor{{3, 4, 5}}));
}

// A number too small for a float is 0 with its sign; a header of more columns than there may be is refused.
TEST(SeldomErrors, OfCsv) {
  const FileFolder folder;
  write(folder / "small.csv", "a,b\n1e-60,-1e-60\n");
  const Table table = read_csv(folder / "small.csv");
  EXPECT_EQ(table.values(0, 0), 0.0f);
  EXPECT_TRUE(std::signbit(table.values(0, 1)));
  std::string header = "c0";
  for (int i = 1; i <= 1'000'000; ++i) header += ",c" + std::to_string(i);
  write(folder / "wide.csv", header + "\n");
  EXPECT_THAT(error_of<SerializationError>([&] { read_csv(folder / "wide.csv"); }),
              HasSubstr("it has more than 1000000 columns"));
}

// More than a reader takes at once, and more than its buffer holds.
TEST(ModelFile, KeepsLargeWeights) {
  const FileFolder folder;
  const Sequential model({Input({700}), Dense({.units = 900}), Dense({.units = 3})}, "m");
  model.save(folder / "large.xl");
  const Model again = load_model(folder / "large.xl");
  EXPECT_TRUE(same_bits(again.get_weights(), model.get_weights()));
  model.save_weights(folder / "large.safetensors");
  const Model other = model_from_json(model.to_json());
  other.load_weights(folder / "large.safetensors");
  EXPECT_TRUE(same_bits(other.get_weights(), model.get_weights()));
}

// A list of 2^20 values is the longest there is, in each format.
TEST(Config, HasListsOfSoManyItems) {
  const auto list_of = [](std::size_t items) {
    std::string text = "{\"a\": [0";
    for (std::size_t i = 1; i < items; ++i) text += ",0";
    return text + "]}";
  };
  EXPECT_EQ(Config::from_json(list_of(Config::max_items)).at("a").as_list().size(), std::size_t{Config::max_items});
  EXPECT_THAT(error_of<SerializationError>([&] { Config::from_json(list_of(Config::max_items + 1)); }),
              HasSubstr("has more than 1048576 items"));
}

}  // namespace
}  // namespace xl
