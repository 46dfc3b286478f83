// Functional models that cannot be, data and options that do not fit: each has an error that names what is wrong.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "functional_models.hpp"
#include "golden.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class FunctionalErrors : public testing::Test {
 protected:
  void SetUp() override { clear_session(); }
};

// ---- models ---------------------------------------------------------------------------------------------

TEST_F(FunctionalErrors, OfInputsAndOutputs) {
  auto a = Input({3}, {.name = "left"}), b = Input({3}, {.name = "right"});
  auto y = Dense({.units = 2})(a + b);
  EXPECT_EQ(error_of<ValueError>([&] { Model({a}, y, {.name = "m"}); }),
            "[Functional 'm'] the outputs depend on the Input 'right', which is not among the inputs of the model");
  auto c = Input({3}, {.name = "alone"});
  EXPECT_EQ(error_of<ValueError>([&] {
              Model({a, b, c}, y, {.name = "m"});
            }),
            "[Functional 'm'] has the input 'alone', which leads to none of the outputs");
  EXPECT_EQ(error_of<ValueError>([&] {
              Model({a, b, a}, y, {.name = "m"});
            }),
            "[Functional 'm'] has the input 'left' twice");
  EXPECT_EQ(error_of<ValueError>([&] { Model(SymbolicTensors{}, y, {.name = "m"}); }),
            "[Functional 'm'] needs at least one input and one output");
  EXPECT_EQ(error_of<ValueError>([&] { Model(a, SymbolicTensors{}, {.name = "m"}); }),
            "[Functional 'm'] needs at least one input and one output");
  const std::string empty =
      "[Functional 'm'] has an empty symbolic tensor, made by no Input and no layer, as its input or output";
  EXPECT_EQ(error_of<ValueError>([&] { Model(a, SymbolicTensor(), {.name = "m"}); }), empty);
  EXPECT_EQ(error_of<ValueError>([&] { Model({a, SymbolicTensor()}, a, {.name = "m"}); }), empty);
}

TEST_F(FunctionalErrors, OfTwoLayersOfOneName) {
  auto x = Input({3});
  auto y = Conv1D({.filters = 2, .kernel_size = 1, .name = "twin"})(Reshape({3, 1})(x));
  auto z = Dense({.units = 2, .name = "twin"})(y);
  EXPECT_EQ(error_of<ValueError>([&] { Model(x, z, {.name = "m"}); }),
            "[Functional 'm'] has two layers of the name 'twin', a Conv1D and a Dense");
  auto a = Input({3}, {.name = "same"}), b = Input({3}, {.name = "same"});
  EXPECT_EQ(error_of<ValueError>([&] {
              Model({a, b}, a + b, {.name = "m"});
            }),
            "[Functional 'm'] has two layers of the name 'same', a InputLayer and a InputLayer");
}

TEST_F(FunctionalErrors, OfCallsOfAModel) {
  const Model model = testing_functional::two_inputs();
  auto series = Input({6, 3}), mark = Input({6, 2});
  EXPECT_EQ(error_of<ShapeError>([&] { model.call({series}); }), "[Functional 'two_inputs'] takes 2 inputs, got 1");
  EXPECT_EQ(error_of<ShapeError>([&] {
              model.call({mark, mark});
            }),
            "[Functional 'two_inputs'] expected the input 'series' (None, 6, 3), got (None, 6, 2)");
  EXPECT_EQ(error_of<ShapeError>([&] {
              model.call({series, Input({6, 2}, {.dtype = "int32"})});
            }),
            "[Functional 'two_inputs'] expected the input 'mark' of float32, got int32");
  EXPECT_EQ(error_of<ValueError>([&] {
              model.call({series, mark}, {{"use_causal_mask", true}});
            }),
            "[Functional 'two_inputs'] takes no argument 'use_causal_mask'");
}

TEST_F(FunctionalErrors, OfWhatIsNotThere) {
  const Model model = testing_functional::two_inputs();
  EXPECT_EQ(error_of<ValueError>([&] { model.get_layer("dense_7"); }),
            "[Functional 'two_inputs'] has no layer 'dense_7'; there are series, mark, concatenate, conv1d, "
            "global_average_pooling1d, forecast");
  const Model scores = testing_functional::attention();
  EXPECT_EQ(scores.outputs_of("multi_head_attention_2").size(), 2u);
  EXPECT_EQ(error_of<ValueError>([&] { scores.output_of("multi_head_attention_2"); }),
            "[Functional 'functional'] its layer 'multi_head_attention_2' has 2 outputs, not one");
  EXPECT_EQ(error_of<ValueError>([&] { Model(Dense({.units = 1, .name = "d"})); }), "[Dense 'd'] is not a model");
}

// ---- configs --------------------------------------------------------------------------------------------

/// The error of a model's JSON in which a text has been replaced by another, wherever it stands.
std::string error_with(const Model& model, const std::string& from, const std::string& to) {
  std::string text = model.to_json();
  std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << text;
  for (; at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
  return error_of<ValueError>([&] { model_from_json(text); });
}

TEST_F(FunctionalErrors, OfGraphsInAConfig) {
  auto x = Input({3}, {.name = "x"});
  auto h = Dense({.units = 3, .name = "h"})(x);
  const Model model(x, Dense({.units = 3, .name = "y"})(h), {.name = "m"});
  const std::string of_x = R"("keras_history": ["x", 0, 0])";
  EXPECT_EQ(
      error_with(model, of_x, R"("keras_history": ["y", 0, 0])"),
      "[Functional 'm'] its layers 'h', 'y' are called on one another in a cycle, or on a call that is not there");
  EXPECT_EQ(
      error_with(model, of_x, R"("keras_history": ["x", 1, 0])"),
      "[Functional 'm'] its layers 'h', 'y' are called on one another in a cycle, or on a call that is not there");
  EXPECT_EQ(error_with(model, of_x, R"("keras_history": ["z", 0, 0])"),
            "[Functional 'm'] has a call on 'z', but no layer of that name");
  EXPECT_EQ(error_with(model, of_x, R"("keras_history": ["x", 0, 1])"),
            "[Functional 'm'] has a call on output 1 of 'x', which has 1");
  EXPECT_EQ(error_with(model, of_x, R"("keras_history": ["x", -1, 0])"),
            "[Functional 'm'] has a call on 'x' with a number below 0");
  EXPECT_THAT(error_with(model, of_x, R"("keras_history": ["x", 0])"),
              HasSubstr("expected [layer, call, output], got"));
  EXPECT_EQ(error_with(model, R"("output_layers": ["y", 0, 0])", R"("output_layers": ["y", 1, 0])"),
            "[Functional 'm'] has an input or output [\"y\", 1, 0], which no call makes");
  EXPECT_EQ(error_with(model, R"("name": "h")", R"("name": "x")"), "[Functional 'm'] has two layers of the name 'x'");
  EXPECT_EQ(error_with(model, R"("kwargs": {})", R"("kwargs": {"training": true})"),
            "[Functional 'm'] calls 'h' with training = true in every run");
  EXPECT_EQ(error_with(model, R"("kwargs": {})", R"("kwargs": {"training": "yes"})"),
            "[Functional 'm'] calls 'h' with training = \"yes\", which is no bool");
  EXPECT_THAT(error_with(model, R"("args":)", R"("arg":)"),
              StartsWith("[Functional 'm'] its layer 'h': no key 'args' in the config"));
  EXPECT_THAT(error_with(model, R"("inbound_nodes": [{)", R"("inbound_nodes": [3, {)"),
              StartsWith("[Functional 'm'] its layer 'h': expected"));
  EXPECT_THAT(error_with(model, R"("output_layers": ["y", 0, 0])", R"("output_layers": "y")"),
              StartsWith("[Functional 'm'] output_layers: expected a list, got \"y\""));
  EXPECT_EQ(error_with(model, R"("output_layers": ["y", 0, 0])", R"("output_layers": ["y"])"),
            "[Functional 'm'] output_layers: expected [layer, call, output], got [\"y\"]");
  EXPECT_THAT(error_with(model, R"("dtype": "float32", "sparse")", R"("dtype": "float16", "sparse")"),
              StartsWith("[InputLayer 'x'] dtype: unknown dtype 'float16'"));
  EXPECT_EQ(error_with(model, R"("batch_shape": [null, 3])", R"("batch_shape": [])"),
            "[InputLayer 'x'] batch_shape: expected a batch axis, got []");
  EXPECT_EQ(error_with(model, R"("kwargs": {})", R"("kwargs": {"scale": 2})"), "[Dense 'h'] takes no argument 'scale'");
  EXPECT_THAT(error_with(model, R"("output_layers")", R"("outputs")"), HasSubstr("output_layers"));
  EXPECT_THAT(error_with(model, R"("trainable": true, "layers")", R"("colour": 1, "layers")"), HasSubstr("'colour'"));
  EXPECT_THAT(error_of<ValueError>([] {
                model_from_json(R"({"class_name": "Functional", "config": {"name": "m", "layers": [{"module": "x"}],)"
                                R"("input_layers": [], "output_layers": []}})");
              }),
              HasSubstr(R"(its layer {"module": "x"})"));
  // An Input that the config does not list, and one that leads nowhere.
  EXPECT_EQ(error_with(model, R"("input_layers": ["x", 0, 0])", R"("input_layers": ["h", 0, 0])"), "no error");
  EXPECT_EQ(
      error_with(testing_functional::shared(), R"("input_layers": [["a", 0, 0], ["b", 0, 0]])",
                 R"("input_layers": [["a", 0, 0]])"),
      "[Functional 'functional'] the outputs depend on the Input 'b', which is not among the inputs of the model");
}

// Keras counts the calls of a functional model inside from 1 where they are outputs.
TEST_F(FunctionalErrors, OfOutputsOfAModelInside) {
  auto x = Input({3}, {.name = "x"}), i = Input({3}, {.name = "i"});
  const Model inner(x, Dense({.units = 3})(x), {.name = "inner"});
  const Model model(i, inner(i), {.name = "m"});
  for (const std::string call : {"0", "2", "-1", "-9223372036854775808"})
    EXPECT_EQ(
        error_with(model, R"("output_layers": ["inner", 1, 0])", R"("output_layers": ["inner", )" + call + ", 0]"),
        "[Functional 'm'] has an input or output [\"inner\", " + call + ", 0], which no call makes");
}

TEST_F(FunctionalErrors, OfMasksThatTravelWithNothing) {
  // Keras' mask of the words, without the Embedding that gives it to what it makes.
  const std::string text = golden("functional").at("models").at("indices").at("to_json");
  std::string without = text;
  without.replace(without.find(R"("mask_zero": true)"), 17, R"("mask_zero": false)");
  EXPECT_EQ(error_of([&] { model_from_json(text); }), "no error");
  EXPECT_EQ(error_of<ValueError>([&] { model_from_json(without); }),
            "[Functional 'functional'] calls 'global_average_pooling1d' with a mask, but none travels with what it is "
            "called on");
}

TEST_F(FunctionalErrors, OfAnInputGivenAsAMask) {
  auto x = Input({5, 3}, {.name = "x"}), seen = Input({5}, {.dtype = "int32", .name = "seen"});
  const Model model({x, seen}, {GlobalAveragePooling1D({.name = "mean"})(x), seen}, {.name = "m"});
  EXPECT_EQ(error_with(model, R"("kwargs": {})",
                       R"("kwargs": {"mask": {"class_name": "__keras_tensor__", "config": {"shape": [null, 5], )"
                       R"("dtype": "bool", "keras_history": ["seen", 0, 0]}}})"),
            "[Functional 'm'] calls 'mean' with a mask of its own; here masks travel with tensors");
}

// ---- data -----------------------------------------------------------------------------------------------

TEST_F(FunctionalErrors, OfData) {
  const Model model = testing_functional::two_inputs();
  const Tensor series = drawn({4, 6, 3}, 1), mark = drawn({4, 6, 2}, 2);
  const auto error = [&](const Data& x) { return error_of([&] { model.predict(x); }); };
  const std::string model_says = "[Functional 'two_inputs'] ";
  EXPECT_EQ(error({series, mark}), "no error");
  EXPECT_EQ(error({{"mark", mark}, {"series", series}}), "no error");
  EXPECT_EQ(error(series), model_says + "has 2 inputs (series, mark), got 1 tensors");
  EXPECT_EQ(error({series, mark, mark}), model_says + "has 2 inputs (series, mark), got 3 tensors");
  EXPECT_EQ(error({{"series", series}, {"marks", mark}}),
            model_says + "has no 'marks' among its inputs; there are series, mark");
  EXPECT_EQ(error({{"series", series}}), model_says + "no data was given for the input 'mark'");
  EXPECT_EQ(error({{"series", series}, {"mark", mark}, {"series", series}}), model_says + "got 'series' twice");
  EXPECT_EQ(error({mark, series}), model_says + "expected the input 'series' (None, 6, 3), got (4, 6, 2)");
  EXPECT_EQ(error({series, drawn({4, 12}, 1)}), model_says + "expected the input 'mark' (None, 6, 2), got (4, 12)");
  EXPECT_EQ(error({series, drawn({3, 6, 2}, 1)}),
            model_says + "expected inputs of equal batch sizes, got (4, 6, 3) and (3, 6, 2)");
  EXPECT_EQ(error({series, zeros({0, 6, 2})}), model_says + "expected samples, got x of shape (0, 6, 2)");
  EXPECT_THAT(error({}), HasSubstr(model_says + "has 2 inputs (series, mark), got 0 tensors"));

  const Model words = testing_functional::indices();
  EXPECT_EQ(error_of([&] { words.predict(zeros({2, 5})); }), "no error");  // whole numbers, as floats
  EXPECT_THAT(error_of<ValueError>([&] {
                words.predict(drawn({2, 5}, 1));
              }),
              HasSubstr("[Functional 'functional'] the input 'words': expected whole numbers of 32 bits"));
  const Model both = testing_functional::two_outputs();
  EXPECT_EQ(error_of<ValueError>([&] {
              both.predict(zeros({1, 4}));
            }),
            "[Functional 'functional_1'] has 2 outputs: predict_all gives them all");
}

TEST_F(FunctionalErrors, OfTargetsAndWeights) {
  const Model model = testing_functional::two_outputs();  // trend (3), anomaly (1)
  const Tensor x = drawn({4, 4}, 1), trend = drawn({4, 3}, 2), anomaly = zeros({4, 1}), weight = drawn({4}, 3);
  const std::string model_says = "[Functional 'functional'] ";
  const auto error = [&](const Data& y, const Data& weight = {}) {
    const std::vector<Tensor> before = model.get_weights();
    const std::string text = error_of([&] { model.train_on_batch(x, y, weight); });
    EXPECT_NE(same_bits(model.get_weights(), before), text == "no error");
    return text;
  };
  EXPECT_EQ(error({trend, anomaly}), model_says + "has to be compiled before it is trained or evaluated: call compile");
  model.compile({.optimizer = "sgd", .loss = "mse"});
  EXPECT_EQ(error({trend, anomaly}), "no error");
  EXPECT_EQ(error({{"anomaly", anomaly}, {"trend", trend}}), "no error");
  EXPECT_EQ(error(trend), model_says + "has 2 outputs (trend, anomaly), got 1 tensors");
  EXPECT_EQ(error({{"trend", trend}, {"fault", anomaly}}),
            model_says + "has no 'fault' among its outputs; there are trend, anomaly");
  EXPECT_THAT(error({{"trend", trend}}), HasSubstr("got none for the output 'anomaly'"));
  EXPECT_THAT(error({anomaly, trend}),
              HasSubstr("expected targets of 'trend' of the output's shape (None, 3), got y (4, 1)"));
  EXPECT_THAT(error({trend, zeros({3, 1})}), HasSubstr("expected as many targets of 'anomaly' as samples"));
  EXPECT_EQ(error({trend, anomaly}, weight), "no error");
  EXPECT_EQ(error({trend, anomaly}, {weight, weight}), "no error");
  EXPECT_EQ(error({trend, anomaly}, {{"trend", weight}}), "no error");
  EXPECT_EQ(error({trend, anomaly}, {{"trends", weight}}),
            model_says + "has no 'trends' among its outputs; there are trend, anomaly");
  EXPECT_EQ(error({trend, anomaly}, {weight, weight, weight}),
            model_says + "has 2 outputs (trend, anomaly), got 3 tensors");
  EXPECT_EQ(error({trend, anomaly}, zeros({3})), model_says + "expected sample_weight of shape (4,), got (3,)");
  EXPECT_EQ(error_of<ValueError>([&] {
              model.fit(x, {trend, anomaly}, {.verbose = 0, .class_weight = {{0, 1.0f}}});
            }),
            model_says + "class_weight is for a model of one output");
  const Tensor validation = drawn({2, 4}, 1);
  EXPECT_THAT(error_of([&] {
                model.fit(x, {trend, anomaly}, {.verbose = 0, .validation_data = {validation, zeros({2, 3})}});
              }),
              HasSubstr("has 2 outputs (trend, anomaly), got 1 tensors"));
}

TEST_F(FunctionalErrors, OfCompile) {
  const Model model = testing_functional::two_outputs();
  const std::string model_says = "[Functional 'functional'] compile: ";
  const std::string known = "; the outputs are trend, anomaly";
  const auto error = [&](CompileOptions options) {
    options.optimizer = "sgd";
    const std::string text = error_of<ValueError>([&] { model.compile(options); });
    EXPECT_EQ(model.compiled(), text == "no error");
    return text;
  };
  EXPECT_EQ(error({.loss = {{"trend", "mse"}, {"fault", "mse"}}}),
            model_says + "a loss for 'fault', which is no output" + known);
  EXPECT_EQ(error({.loss = {"mse", "mae", "mse"}}), model_says + "a loss for 3 outputs" + known);
  EXPECT_EQ(error({.loss = "mse", .loss_weights = {{"fault", 1.0}}}),
            model_says + "a loss weight for 'fault', which is no output" + known);
  EXPECT_EQ(error({.loss = "mse", .loss_weights = {1.0, 2.0, 3.0}}),
            model_says + "a loss weight for 3 outputs" + known);
  EXPECT_THAT(error({.loss = "mse", .loss_weights = {{"trend", std::nan("")}}}),
              HasSubstr("expected loss weights that are numbers"));
  EXPECT_EQ(error({.loss = "mse", .metrics = {{"fault", "mae"}}}),
            model_says + "metrics for 'fault', which is no output" + known);
  EXPECT_EQ(error({.loss = "mse", .weighted_metrics = {{"fault", "mae"}}}),
            model_says + "weighted metrics for 'fault', which is no output" + known);
  EXPECT_EQ(error({.loss = "mse", .metrics = std::vector<MetricList>{"mae", "mse", "mae"}}),
            model_says + "metrics for 3 outputs" + known);
  EXPECT_EQ(error({.loss = {{"trend", "mse"}, {"trend", "mae"}}}),
            model_says + "a loss for 'trend' comes twice" + known);
  EXPECT_THAT(error({}), HasSubstr("compile needs a loss, such as \"mse\""));
  EXPECT_EQ(error({.loss = {"mse", "mae"}, .loss_weights = {1.0, 2.0}}), "no error");
}

}  // namespace
}  // namespace xl
