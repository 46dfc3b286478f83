// What layers do with masks, beside Keras: masks.json. What each layer's gradients are behind a mask stands in layer_test.cpp.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden.hpp"
#include "keras_json.hpp"
#include "xlayers/xlayers.hpp"

namespace {

using testing::HasSubstr;
using testing::internal::CaptureStderr;
using testing::internal::GetCapturedStderr;
using xl::Tensor;
using xl::testing_golden::golden;
using xl::testing_golden::Json;
using xl::testing_golden::numbers;
using xl::testing_golden::tensor;

const Json& masks() {
  static const Json json = golden("masks");
  return json;
}

TEST(Masks, EveryLayerDoesWithThemWhatKerasSays) {
  const Tensor mask = tensor(masks().at("mask")), x = xl::random_normal({2, 4, 6}, 1);
  for (const Json& one : masks().at("layers")) {
    const std::string class_name = one.at("class_name").get<std::string>();
    SCOPED_TRACE(class_name);
    const xl::Layer layer =
        xl::layer_from_config({{"class_name", class_name}, {"config", xl::Config::from_json(one.at("config").dump())}});
    const std::vector<xl::Array> inputs(one.at("inputs").get<std::size_t>(), x);
    const std::vector<Tensor> given(inputs.size(), mask);
    CaptureStderr();
    const Tensor found = layer.compute_mask(inputs, {.masks = given});
    layer.compute_mask(inputs, {.masks = given});
    const std::string warning = GetCapturedStderr();
    const Json& truth = one.at("output_masks")[0];
    EXPECT_EQ(found, truth.is_null() ? Tensor() : tensor(truth));
    if (!one.at("warns").get<bool>()) {
      EXPECT_EQ(warning, "");
      continue;
    }
    EXPECT_THAT(warning, HasSubstr("xlayers: warning: [" + class_name + " '" + layer.name() + "'] "));
    EXPECT_EQ(warning.find("warning"), warning.rfind("warning")) << "it is said once";
  }
}

TEST(Masks, AModelOfKerasComputesTheSameWhereAMaskEnds) {
  for (const auto& [name, one] : masks().at("models").items()) {
    SCOPED_TRACE(name);
    CaptureStderr();
    const xl::Model model = xl::model_from_json(one.at("to_json").get<std::string>());
    std::vector<Tensor> weights;
    for (const Json& weight : one.at("weights")) weights.push_back(tensor(weight));
    model.set_weights(weights);
    xl::IntTensor words = xl::IntTensor::from_shape({4, 4});
    std::copy_n(one.at("data").at("data").get<std::vector<int>>().begin(), 16, words.data());
    const Tensor found = model.predict(words);
    const std::vector<double> truth = numbers(one.at("predicted"));
    ASSERT_EQ(found.size(), truth.size());
    for (std::size_t i = 0; i < truth.size(); ++i) EXPECT_NEAR(found.data()[i], truth[i], 1e-6);
    model.compile({.loss = "mse"});
    EXPECT_NEAR(model.evaluate(words, tensor(one.at("targets"))).loss(), one.at("loss").get<double>(), 1e-6);
    GetCapturedStderr();
  }
}

// ---- layers of one's own

struct ShiftOptions {
  static constexpr auto class_name = "Shift";
  xl::Masking masking = xl::Masking::ends;
  bool shorter = false;  ///< leaves the last step out
  std::string name = {};
  bool trainable = true;
};
void serialize(xl::Archive&, ShiftOptions&) {}

// y = x + 1
class ShiftLayer final : public xl::WithOptions<xl::PrimitiveLayer, ShiftOptions> {
 public:
  using WithOptions::WithOptions;
  xl::Masking masking() const override { return options.masking; }
  xl::TensorSpecs outputs(const xl::TensorSpecs& x) const override {
    xl::TensorSpec y = single_input(x, 3);
    if (options.shorter && y.shape[1] != xl::None) --y.shape[1];
    return {y};
  }
  void forward(const xl::ForwardCall& call) const override {
    const xl::Block &x = call.input(), &y = call.output();
    for (std::int64_t i = 0; i < y.samples; ++i)
      for (std::int64_t k = 0; k < y.sample_size(); ++k)
        y.data[i * y.sample_size() + k] = x.data[i * x.sample_size() + k] + 1;
  }
  void backward(const xl::BackwardCall& call) const override {
    const xl::Block& dy = call.output_gradient();
    if (const xl::Block* dx = call.input_gradient()) {
      std::fill_n(dx->data, dx->size(), 0.0f);
      for (std::int64_t i = 0; i < dy.samples; ++i)
        std::copy_n(dy.data + i * dy.sample_size(), dy.sample_size(), dx->data + i * dx->sample_size());
    }
  }
};
using Shift = xl::HandleOf<ShiftLayer>;

struct TwiceOptions {
  static constexpr auto class_name = "Twice";
  xl::Masking masking = xl::Masking::ends;
  xl::Regularizer activity_regularizer = {};
  std::string name = {};
  bool trainable = true;
};
void serialize(xl::Archive&, TwiceOptions&) {}

// y = h + h with h = x + 1, of which the input, h and y come out
class TwiceLayer final : public xl::WithOptions<xl::CompositeLayer, TwiceOptions> {
 public:
  explicit TwiceLayer(TwiceOptions o) : WithOptions(o), shift_({.masking = xl::Masking::uses}) {}
  xl::Masking masking() const override { return options.masking; }
  xl::SymbolicTensors call(const xl::SymbolicTensors& x, const xl::CallContext&) const override {
    const xl::SymbolicTensor h = shift_(x.at(0));
    return {h, h + h, h};
  }

 private:
  Shift shift_;
};
using Twice = xl::HandleOf<TwiceLayer>;

xl::Embedding embedding() {
  return xl::Embedding({.input_dim = 3, .output_dim = 2, .embeddings_initializer = xl::Constant{1}, .mask_zero = true});
}

TEST(Masks, ALayerOfOnesOwnEndsThemUnlessItSaysOtherwise) {
  const auto words = xl::Input({4}, {.dtype = "int32"});
  const auto x = embedding()(words);
  CaptureStderr();
  EXPECT_FALSE(Shift({.name = "end"})(x).mask().has_value());
  EXPECT_THAT(GetCapturedStderr(), HasSubstr("[Shift 'end']"));
  EXPECT_TRUE(Shift({.masking = xl::Masking::keeps})(x).mask().has_value());
  EXPECT_FALSE(Shift({.masking = xl::Masking::uses})(x).mask().has_value());
  EXPECT_FALSE(Shift({.masking = xl::Masking::keeps, .shorter = true})(x).mask().has_value());
}

// A composite keeps the mask on its first output alone, also where a layer inside goes on with that output.
TEST(Masks, ACompositeKeepsThemOnItsFirstOutput) {
  const xl::IntTensor words{{1, 2, 0, 1}, {0, 2, 0, 0}};
  const auto in = xl::Input({4}, {.dtype = "int32"});
  const auto outputs = Twice({.masking = xl::Masking::keeps}).call({embedding()(in)});
  ASSERT_TRUE(outputs[0].mask().has_value());
  EXPECT_FALSE(outputs[1].mask().has_value());
  EXPECT_FALSE(outputs[2].mask().has_value());
  const xl::Model model(in, {xl::GlobalAveragePooling1D()(outputs[0]), xl::GlobalAveragePooling1D()(outputs[2])});
  const std::vector<Tensor> y = model.predict_all(words);
  EXPECT_EQ(y[0], y[1]);  // every step is 2
  const xl::Model mask(in, *outputs[0].mask());
  EXPECT_EQ(mask.predict(words), (Tensor{{1, 1, 0, 1}, {0, 1, 0, 0}}));
}

// The steps are known with the data: the layer is shorter than its mask then, and what comes behind sees none.
TEST(Masks, EndWhereTheStepsTurnOutToBeOthers) {
  const xl::IntTensor words{{1, 2, 0, 1}, {0, 2, 0, 0}};
  for (const xl::Dim steps : {xl::Dim(4), xl::None}) {
    const auto in = xl::Input({steps}, {.dtype = "int32"});
    const xl::Model model(in, xl::Dense({.units = 1, .kernel_initializer = "ones"})(
                                  Shift({.masking = xl::Masking::keeps, .shorter = true})(embedding()(in))));
    model.compile({.loss = "mse"});
    EXPECT_EQ(model.evaluate(words, xl::zeros({2, 3, 1})).loss(), 16.0) << steps;  // 2 features of 2
  }
}

TEST(Masks, OfAnOutputThatComesTwiceBelongToBoth) {
  const auto in = xl::Input({4}, {.dtype = "int32"});
  const auto x = embedding()(in);
  const xl::Model model(in, {x, x});
  model.compile({.loss = {xl::Loss("mse"), xl::Loss("mse")}});
  const xl::IntTensor words{{1, 2, 0, 1}, {0, 2, 0, 0}};
  const Tensor ones = xl::zeros({2, 4, 2}) + 1.0f;
  EXPECT_EQ(model.evaluate(words, {ones, xl::zeros({2, 4, 2})}).loss(), 1.0);
}

// ---- penalties

TEST(Masks, AreNeverPenalised) {
  const xl::IntTensor words{{1, 2, 0, 1}, {0, 2, 0, 0}};
  xl::Sequential model{xl::Input({4}, {.dtype = "int32"}),
                       xl::Embedding({.input_dim = 3,
                                      .output_dim = 2,
                                      .embeddings_initializer = "zeros",
                                      .activity_regularizer = xl::L2{0.1f},
                                      .mask_zero = true}),
                       xl::GlobalAveragePooling1D()};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  EXPECT_EQ(model.evaluate(words, xl::zeros({2, 2})).loss(), 0.0);
  EXPECT_NO_THROW(model.fit(words, xl::zeros({2, 2}), {.verbose = 0}));
}

// 0.5 x the sum of squares of every output (2, 4 and 2 a number, of 2 samples of 8), a sample.
TEST(Masks, APenaltyOfACompositeIsOnItsOutputs) {
  const xl::IntTensor words{{1, 2, 0, 1}, {0, 2, 0, 0}};
  for (const xl::Masking masking : {xl::Masking::keeps, xl::Masking::uses}) {
    const auto in = xl::Input({4}, {.dtype = "int32"});
    const auto y = Twice({.masking = masking, .activity_regularizer = xl::L2{0.5f}}).call({embedding()(in)});
    const xl::Model model(in, {y[0], y[1], y[2]});
    model.compile(
        {.optimizer = xl::SGD({.learning_rate = 0.0}), .loss = {xl::Loss("mse"), xl::Loss("mse"), xl::Loss("mse")}});
    const Tensor two = xl::zeros({2, 4, 2}) + 2.0f, four = two + two;
    EXPECT_FLOAT_EQ(model.evaluate(words, {two, four, two}).loss(), 0.5 * 8 * (4 + 16 + 4));
    EXPECT_FLOAT_EQ(model.train_on_batch(words, {two, four, two}).loss(), 0.5 * 8 * (4 + 16 + 4));
  }
}

// ---- outputs that come twice

TEST(Masks, AnOutputThatComesTwiceHasTwoGradients) {
  const auto trained = [](double target, double other) {
    const auto in = xl::Input({1});
    const auto y = xl::Dense({.units = 1, .use_bias = false, .kernel_initializer = "ones"})(in);
    const xl::Model model(in, {y, y});
    const Tensor one = xl::zeros({1, 1}) + 1.0f;
    model.compile({.optimizer = xl::SGD({.learning_rate = 1.0}), .loss = {xl::Loss("mse"), xl::Loss("mse")}});
    model.train_on_batch(one, {Tensor(one * target), Tensor(one * other)});
    return model.get_weights()[0](0, 0);
  };
  EXPECT_EQ(trained(0, 3), 3.0f);  // 1 - 2 (1 - 0) - 2 (1 - 3)
  EXPECT_EQ(trained(0, 0), -3.0f);

  // the loss on one of them
  const auto in = xl::Input({1});
  const auto y = xl::Dense({.units = 1, .use_bias = false, .kernel_initializer = "ones", .name = "d"})(in);
  const xl::Model model(in, {y, y});
  const Tensor one = xl::zeros({1, 1}) + 1.0f;
  model.compile({.optimizer = xl::SGD({.learning_rate = 1.0}), .loss = {{"d", "mse"}}});
  model.train_on_batch(one, {{"d", xl::zeros({1, 1})}});
  EXPECT_EQ(model.get_weights()[0](0, 0), -1.0f);

  // a layer that gives the same tensor twice
  const Tensor x = xl::zeros({1, 2, 1});
  const xl::Gradients slope = xl::gradients(Twice(), x, std::vector<Tensor>{x + 1.0f, x + 10.0f, x + 100.0f});
  EXPECT_EQ(slope.inputs[0], Tensor(x + 121.0f));
}

}  // namespace
