// What a layer and a model are called on, where it does not fit, is not in order, or is used twice.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "xlayers/framework/engine/gradients.hpp"
#include "xlayers/xlayers.hpp"

namespace {

using testing::HasSubstr;
using xl::Tensor;

Tensor ones(const xl::Shape& shape) {
  Tensor tensor = xl::zeros(shape);
  tensor.fill(1.0f);
  return tensor;
}

template <class Call>
std::string shape_error(Call call) {
  try {
    call();
  } catch (const xl::ShapeError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Call, AMaskThatDoesNotFitItsInputIsAnError) {
  const Tensor x = ones({2, 6, 4}), mask = ones({2, 3}), rank_1 = ones({2});
  const xl::MultiHeadAttention attention({.num_heads = 2, .key_dim = 2, .name = "a"});
  EXPECT_EQ(shape_error([&] { attention(x, x, {.value_mask = mask}); }),
            "[MultiHeadAttention 'a'] expected a mask (None, 6), got (None, 3)");
  EXPECT_THAT(shape_error([&] { attention(x, x, {.query_mask = rank_1}); }), HasSubstr("expected a mask (None, 6)"));
  EXPECT_EQ(shape_error([&] { xl::GlobalAveragePooling1D({.name = "p"})(x, {.masks = {mask}}); }),
            "[GlobalAveragePooling1D 'p'] expected a mask (None, 6) for an input (None, 6, 4), got (None, 3)");
  for (const xl::Layer& merge : {xl::Layer(xl::Multiply()), xl::Layer(xl::Concatenate())})
    EXPECT_THAT(shape_error([&] {
                  merge({x, x}, {.masks = {mask, mask}});
                }),
                HasSubstr("expected a mask of the leading axes of its input (None, 6, 4), got (None, 3)"));
  EXPECT_EQ(shape_error([&] { xl::Dropout({.rate = 0.5f, .name = "d"})(x, {.masks = {mask}}); }),
            "[Dropout 'd'] expected a mask of the leading axes of its input (None, 6, 4), got (None, 3)");
  EXPECT_EQ(shape_error([&] {
              xl::Add({.name = "s"})({x, x}, {.masks = {Tensor(), Tensor(), ones({2, 6})}});
            }),
            "[Add 's'] expected at most one mask for each of its inputs, got 3 masks for 2");
}

// A product of no features is 0; the bias, what is added and the activation come all the same.
TEST(Call, AnInputWithoutFeaturesGivesTheBias) {
  const auto all = [](const Tensor& y, const xl::Shape& expected, float value) {
    EXPECT_EQ(xl::shape(y), expected);
    for (float element : y) EXPECT_FLOAT_EQ(element, value);
  };
  for (const int units : {1, 3, 40}) {
    all(xl::Dense({.units = units, .bias_initializer = "ones"})(xl::zeros({2, 0})), {2, units}, 1.0f);
    all(xl::Dense({.units = units})(xl::zeros({2, 5, 0})), {2, 5, units}, 0.0f);
    all(xl::Dense({.units = units, .activation = "sigmoid", .use_bias = false})(xl::zeros({2, 0})), {2, units}, 0.5f);
    all(xl::Dense({.units = units, .activation = "relu", .bias_initializer = xl::Constant{-2}})(xl::zeros({2, 0})),
        {2, units}, 0.0f);
    for (const char* padding : {"valid", "causal"})
      for (const int dilation_rate : {1, 2})
        all(xl::Conv1D({.filters = units,
                        .kernel_size = 2,
                        .padding = padding,
                        .dilation_rate = dilation_rate,
                        .bias_initializer = "ones"})(xl::zeros({2, 5, 0})),
            {2, padding == std::string("valid") ? 5 - dilation_rate : 5, units}, 1.0f);
  }
  const xl::Dense dense({.units = 3, .activation = "tanh", .bias_initializer = "ones"});
  const xl::Gradients back = xl::gradients(dense, xl::zeros({2, 0}), ones({2, 3}));
  EXPECT_EQ(xl::shape(back.inputs[0]), xl::Shape({2, 0}));
  all(back.weights[1], {3}, static_cast<float>(2 * (1 - std::pow(std::tanh(1.0), 2))));

  // The positions are added in the product's epilogue.
  const auto x = xl::Input({4, 0});
  const auto y = xl::Dense({.units = 4, .bias_initializer = "ones"})(x);
  const xl::PositionalEmbedding positions({.max_len = 4, .d_model = 4});
  const Tensor sum = xl::Model(x, y + positions(y)).predict(xl::zeros({3, 4, 0}));
  const Tensor table = positions(xl::zeros({1, 4, 4}));
  for (int sample = 0; sample < 3; ++sample)
    for (int step = 0; step < 4; ++step)
      for (int k = 0; k < 4; ++k) EXPECT_FLOAT_EQ(sum(sample, step, k), 1 + table(0, step, k));
}

TEST(Call, GradientsOfWhatDoesNotFitAreAnError) {
  const xl::Dense dense({.units = 2, .name = "d"});
  EXPECT_EQ(shape_error([&] {
              xl::gradients(dense, Tensor::from_shape({}), ones({2, 2}));
            }),
            "[Dense 'd'] expected an input with a batch axis, got ()");
  EXPECT_EQ(shape_error([&] {
              xl::gradients(dense, ones({2, 3}), ones({2, 2}), {.masks = {ones({2}), ones({2})}});
            }),
            "[Dense 'd'] expected at most one mask for each of its inputs, got 2 masks for 1");
}

// A call in training that does not go backward: the factors of a noise_shape need their memory there too.
TEST(Call, DropoutWithANoiseShapeInTrainingLeavesOtherTensorsAlone) {
  const xl::SymbolicTensor x = xl::Input({6, 4});
  const xl::SymbolicTensor a = xl::Dense({.units = 4, .kernel_initializer = "ones"})(x);
  const xl::SymbolicTensor b = xl::Dense({.units = 4, .kernel_initializer = "ones"})(a);
  const xl::SymbolicTensor dropped = xl::Dropout({.rate = 0.5f, .noise_shape = {xl::None, 1, 4}})(b);
  const xl::Model model(x, {a, b, dropped, xl::add({dropped, b, a})});
  for (int run = 0; run < 8; ++run) {
    const std::vector<Tensor> y = model.call(ones({5, 6, 4}), {.training = true});
    for (std::size_t i = 0; i < y[0].size(); ++i) {
      const float kept = y[2].data()[i];
      ASSERT_EQ(y[0].data()[i], 4.0f);
      ASSERT_EQ(y[1].data()[i], 16.0f);
      ASSERT_TRUE(kept == 0.0f || kept == 32.0f) << kept;
      ASSERT_EQ(y[3].data()[i], 20.0f + kept);
    }
  }
}

TEST(Call, PredictMayWriteIntoAnyOfItsInputs) {
  const xl::SymbolicTensor a = xl::Input({4}), b = xl::Input({4});
  const xl::Model model({a, b}, xl::concatenate({xl::subtract({a, b}), a, b}));
  const Tensor p = ones({40, 4});
  Tensor q = ones({40, 4});
  for (std::size_t i = 0; i < q.size(); ++i) q.data()[i] = static_cast<float>(i);
  const Tensor expected = model.predict({p, q});
  model.predict({p, q}, q);
  EXPECT_EQ(q, expected);
}

}  // namespace
