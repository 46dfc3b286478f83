// What the table of layer cases cannot say of Flatten, Reshape, Permute, the poolings, ReLU, LeakyReLU and Softmax.

#include <gmock/gmock.h>

#include "golden.hpp"
#include "xlayers/framework/engine/executor.hpp"
#include "xlayers/framework/engine/gradients.hpp"
#include "xlayers/layers/concatenate.hpp"
#include "xlayers/layers/global_pooling.hpp"
#include "xlayers/layers/input.hpp"
#include "xlayers/layers/relu.hpp"
#include "xlayers/layers/reshaping.hpp"
#include "xlayers/layers/softmax.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::HasSubstr;

// Symbolic calls keep int32, and the integers pass unchanged; what comes out is their numbers as floats.
TEST(Reshaping, PassesIntegers) {
  IntTensor x = IntTensor::from_shape({2, 2, 3});
  for (int i = 0; i < 12; ++i) x.data()[i] = 2143289344 + 128 * i;  // their bits would be NaNs
  const auto expect = [&](const Layer& layer, std::vector<int> order) {
    const auto input = Input({2, 3}, {.dtype = "int32"});
    const auto output = layer(input);
    EXPECT_EQ(output.dtype(), DType::int32) << layer.class_name();
    const Tensor y = layer(x);
    for (std::size_t i = 0; i < order.size(); ++i)
      EXPECT_EQ(y.data()[i], 2143289344.0f + 128.0f * static_cast<float>(order[i])) << layer.class_name();
  };
  expect(Flatten(), {0, 1, 2, 3, 4, 5});
  expect(Flatten({.data_format = "channels_first"}), {0, 3, 1, 4, 2, 5});
  expect(Reshape({3, 2}), {0, 1, 2, 3, 4, 5});
  expect(Permute({2, 1}), {0, 3, 1, 4, 2, 5});
  expect(Concatenate(), {0, 1, 2, 3, 4, 5});
}

TEST(Reshaping, IsMadeByAShapeAndByOptions) {
  const Tensor x = drawn({3, 2, 4}, 1);
  const std::int64_t four = 4;
  const Reshape shapes[] = {
      Reshape({four, 2}), Reshape({.target_shape = {4, 2}}), Reshape({.target_shape = {4, 2}, .name = "r"}), {4, 2}};
  for (const Reshape& layer : shapes) EXPECT_EQ(shape(layer(x)), Shape({3, 4, 2}));
  Reshape flat({.target_shape = {8}}), eight({8});
  EXPECT_EQ(shape(flat(x)), Shape({3, 8}));
  EXPECT_EQ(shape(eight(x)), Shape({3, 8}));
  const Permute orders[] = {Permute({2, 1}), Permute({.dims = {2, 1}}), Permute({.dims = {2, 1}, .name = "p"}), {2, 1}};
  for (const Permute& layer : orders) EXPECT_EQ(shape(layer(x)), Shape({3, 4, 2}));
  Permute one({.dims = {1}}), same({1});
  EXPECT_EQ(one(zeros({2, 3})), same(zeros({2, 3})));
}

TEST(Reshaping, KnowsTheShapeAsFarAsTheInputsIsKnown) {
  const auto open = Input({None, 4});
  EXPECT_EQ(Flatten()(open).shape(), Shape({None, None}));
  EXPECT_EQ(Reshape({-1, 2})(open).shape(), Shape({None, None, 2}));
  EXPECT_EQ(Reshape({3, 4})(open).shape(), Shape({None, 3, 4}));
  EXPECT_EQ(Permute({2, 1})(open).shape(), Shape({None, 4, None}));
  EXPECT_EQ(Reshape({-1, 2})(Input({3, 4})).shape(), Shape({None, 6, 2}));
}

TEST(Reshaping, SaysWhatDoesNotFit) {
  const auto shape_error = [](const Layer& layer, const Shape& input) {
    return error_of<ShapeError>([&] { layer(zeros(input)); });
  };
  const auto value_error = [](auto call) { return error_of<ValueError>(call); };
  EXPECT_EQ(shape_error(Reshape({.target_shape = {3, 4}, .name = "r"}), {2, 5}),
            "[Reshape 'r'] expected an input whose samples fit into (3, 4), got (None, 5)");
  EXPECT_THAT(shape_error(Reshape({-1, 3}), {2, 5}), HasSubstr("fit into (-1, 3), got (None, 5)"));
  EXPECT_THAT(shape_error(Reshape({-1, 0}), {2, 5}), HasSubstr("fit into (-1, 0)"));
  EXPECT_EQ(value_error([] {
              Reshape({.target_shape = {-1, -1}, .name = "r"});
            }),
            "[Reshape 'r'] expected a target_shape of extents of 0 or more, and at most one -1, got (-1, -1)");
  EXPECT_THAT(value_error([] { Reshape({-2}); }), HasSubstr("got (-2,)"));
  EXPECT_THAT(value_error([] { Reshape({1, 1, 1, 1, 1, 1, 1, 1}); }), HasSubstr("at most 7 axes"));
  EXPECT_EQ(shape_error(Permute({.dims = {2, 1}, .name = "p"}), {2, 5}),
            "[Permute 'p'] expected an input of 2 axes behind the batch axis, got (None, 5)");
  EXPECT_THAT(value_error([] { Permute({0, 1}); }), HasSubstr("1, 2, ... in some order"));
  EXPECT_THAT(value_error([] { Permute({1, 1}); }), HasSubstr("got (1, 1)"));
  EXPECT_EQ(value_error([] { Flatten({.data_format = "last", .name = "f"}); }),
            "[Flatten 'f'] unknown data_format 'last'; known are channels_last, channels_first");
}

TEST(GlobalPooling, OfStepsThatDoNotCount) {
  const Tensor x{{{1, 2}, {3, 4}}, {{5, 6}, {NAN, 8}}};
  const Tensor mask{{0, 0}, {1, 0}};
  const GlobalAveragePooling1D average;
  const Tensor y = average(x, {.masks = {mask}});
  EXPECT_TRUE(std::isnan(y(0, 0)) && std::isnan(y(0, 1)));
  EXPECT_EQ(y(1, 0), 5);
  EXPECT_EQ(y(1, 1), 6);
  const Gradients found = gradients(average, x, Tensor{{1, 1}, {1, 1}}, {.masks = {mask}});
  EXPECT_EQ(found.inputs[0], (Tensor{{{0, 0}, {0, 0}}, {{1, 1}, {0, 0}}}));
  // As in Keras, the other pooling knows no masks.
  EXPECT_EQ(GlobalMaxPooling1D()(Tensor{{{1, 9}, {3, 4}}}, {.masks = {Tensor{{1, 0}}}}), (Tensor{{3, 9}}));
}

TEST(GlobalPooling, SaysWhatDoesNotFit) {
  EXPECT_EQ(error_of<ShapeError>([] {
              GlobalAveragePooling1D({.name = "p"})(zeros({2, 3}));
            }),
            "[GlobalAveragePooling1D 'p'] expected an input (batch, steps, features), got (None, 3)");
  EXPECT_THAT(error_of<ShapeError>([] { GlobalMaxPooling1D()(zeros({2, 0, 3})); }), HasSubstr("at least one step"));
  EXPECT_EQ(error_of<ValueError>([] { GlobalMaxPooling1D({.data_format = "last", .name = "p"}); }),
            "[GlobalMaxPooling1D 'p'] unknown data_format 'last'; known are channels_last, channels_first");
}

TEST(ReLU, SaysWhatDoesNotFit) {
  EXPECT_EQ(error_of<ValueError>([] { ReLU({.max_value = -1, .name = "r"}); }),
            "[ReLU 'r'] max_value is -1.0, expected a number of 0 or more, or none");
  EXPECT_EQ(error_of<ValueError>([] { ReLU({.threshold = -1}); }),
            "[ReLU] threshold is -1.0, expected a finite number of 0 or more");
  EXPECT_EQ(error_of<ValueError>([] { LeakyReLU({.negative_slope = -0.5f}); }),
            "[LeakyReLU] negative_slope is -0.5, expected a finite number of 0 or more");
}

TEST(ReLU, IsWhatTheActivationIsNot) {
  EXPECT_FLOAT_EQ(LeakyReLU()(Tensor{{-1, 0}})(0, 0), -0.3f);
  EXPECT_FLOAT_EQ(LeakyReLU::from_config({{"alpha", 0.5}})(Tensor{{-1, 0}})(0, 0), -0.5f);
  EXPECT_EQ(LeakyReLU::from_config({{"alpha", 0.5}}).get_config().at("negative_slope"), Value(0.5));
  EXPECT_EQ(ReLU().get_config().at("max_value"), Value());
}

TEST(Softmax, OfWhatIsMaskedIsZero) {
  const Tensor x{{1, 2, 3}, {1, 2, 3}}, mask{{1, 0, 1}, {0, 0, 0}};
  const Tensor y = Softmax()({x, mask});
  EXPECT_LE(difference(y, {1 / (1 + std::exp(2.0)), 0, 1 / (1 + std::exp(-2.0)), 0, 0, 0}), 1e-7);
  EXPECT_TRUE(same_bits(Softmax()(x, {.masks = {mask}}), y));
}

TEST(Softmax, SaysWhatDoesNotFit) {
  const auto error = [](const Softmax& layer, const Data& inputs) {
    return error_of<ShapeError>([&] { layer(inputs); });
  };
  EXPECT_EQ(error(Softmax({.name = "s"}), {zeros({2, 3, 4}), zeros({2, 4})}),
            "[Softmax 's'] expected a mask that broadcasts to the input (None, 3, 4), got (None, 4)");
  EXPECT_THAT(error(Softmax(), {zeros({2, 3}), zeros({2, 4})}), HasSubstr("a mask that broadcasts"));
  EXPECT_THAT(error(Softmax({.axis = 0}), zeros({2, 3})), HasSubstr("is the batch axis"));
  EXPECT_THAT(error(Softmax({.axis = 2}), zeros({2, 3})), HasSubstr("an input that has an axis 2"));
  EXPECT_EQ(error_of<ValueError>([] { Softmax({.axis = std::vector<int>{}, .name = "s"}); }),
            "[Softmax 's'] expected an axis or several, got none");
  EXPECT_EQ(Softmax().get_config().at("axis"), Value(-1));
  EXPECT_EQ(Softmax({.axis = {1, 2}}).get_config().at("axis"), Value(Value::List{1, 2}));
}

}  // namespace
}  // namespace xl
