// PositionEmbedding, SinePositionEncoding and RotaryEmbedding: arguments, errors, and what they are for.

#include <gmock/gmock.h>

#include "golden.hpp"
#include "xlayers/framework/engine/gradients.hpp"
#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/layers/input.hpp"
#include "xlayers/layers/position_embedding.hpp"
#include "xlayers/layers/positional_embedding.hpp"
#include "xlayers/layers/rotary_embedding.hpp"
#include "xlayers/layers/sine_position_encoding.hpp"
#include "xlayers/models/model/model.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::HasSubstr;

// Samples and steps of positions.
IntTensor positions(std::initializer_list<std::initializer_list<int>> rows) {
  IntTensor x = IntTensor::from_shape({rows.size(), rows.begin()->size()});
  auto to = x.begin();
  for (const auto& row : rows) to = std::copy(row.begin(), row.end(), to);
  return x;
}

Tensor steps_from(const Tensor& x, std::size_t first, Dim count) {
  const Shape all = shape(x);
  Tensor part = empty({all[0], count, all[2]});
  const auto size = static_cast<std::size_t>(all[2]);
  for (std::size_t i = 0; i < x.shape()[0]; ++i)
    std::copy_n(&x(i, first, 0), static_cast<std::size_t>(count) * size, &part(i, std::size_t{0}, std::size_t{0}));
  return part;
}

std::vector<double> doubles(const Tensor& x) { return {x.begin(), x.end()}; }

template <class L>
L layer_of() {
  if constexpr (std::is_same_v<L, PositionEmbedding>)
    return PositionEmbedding({.sequence_length = 50, .name = "p"});
  else
    return L({.name = "p"});
}

template <class L>
class PositionLayers : public testing::Test {};
using AllThree = testing::Types<PositionEmbedding, SinePositionEncoding, RotaryEmbedding>;
TYPED_TEST_SUITE(PositionLayers, AllThree);

TYPED_TEST(PositionLayers, AStartIndexGivesTheLaterStepsOfAll) {
  const TypeParam layer = layer_of<TypeParam>();
  const Tensor x = drawn({2, 12, 6}, 1), all = layer(x);
  const Tensor later = steps_from(x, 7, 5);
  EXPECT_LE(difference(layer(later, {.start_index = 7}), doubles(steps_from(all, 7, 5))), 1e-6);
  EXPECT_TRUE(same_bits(layer(x, {.start_index = 0}), all));
  EXPECT_LE(
      difference(layer({later, positions({{7, 8, 9, 10, 11}, {7, 8, 9, 10, 11}})}), doubles(steps_from(all, 7, 5))),
      1e-6);
}

TYPED_TEST(PositionLayers, PositionsMayBeFloats) {
  const TypeParam layer = layer_of<TypeParam>();
  const Tensor x = drawn({2, 3, 4}, 2);
  EXPECT_TRUE(same_bits(layer({x, positions({{4, 0, 2}, {9, 9, 1}})}), layer({x, Tensor{{4, 0, 2}, {9, 9, 1}}})));
}

TYPED_TEST(PositionLayers, WorkInAFunctionalModel) {
  const TypeParam layer = layer_of<TypeParam>();
  const SymbolicTensor x = Input({5, 4}), p = Input({5}, {.dtype = "int32"});
  const Model model(SymbolicTensors{x, p}, {layer({x, p}), layer(x, {.start_index = 3})});
  const Tensor data = drawn({2, 5, 4}, 3);
  const IntTensor at = positions({{0, 1, 2, 3, 4}, {8, 6, 4, 2, 0}});
  const std::vector<Tensor> y = model.predict_all({data, at});
  EXPECT_TRUE(same_bits(y[0], layer({data, at})));
  EXPECT_TRUE(same_bits(y[1], layer(data, {.start_index = 3})));
}

TYPED_TEST(PositionLayers, Errors) {
  const TypeParam layer = layer_of<TypeParam>();
  const std::string label = layer.base().label();
  const Tensor x = zeros({2, 3, 4});
  EXPECT_EQ(error_of<ValueError>([&] { layer(x, {.start_index = -1}); }),
            label + "expected a start_index of 0 or more, got -1");
  EXPECT_EQ(error_of<ValueError>([&] {
              layer(x, CallOptions{.arguments = {{"start", 1}}});
            }),
            label + "takes no argument 'start'; known is start_index (positions are an input)");
  EXPECT_EQ(error_of<ShapeError>([&] { layer({x, x, x}); }), label + "takes an input, and perhaps positions, got 3");
  EXPECT_THAT(error_of<ShapeError>([&] { layer(zeros({2, 4})); }), HasSubstr(label + "expected an input of rank 3"));
  EXPECT_EQ(error_of<ShapeError>([&] {
              layer({x, positions({{1, 2}, {3, 4}})});
            }),
            label + "expected positions (None, 3) for an input (None, 3, 4), got (None, 2)");
  EXPECT_EQ(shape(layer(x)), Shape({2, 3, 4}));
}

// ---- PositionEmbedding ----------------------------------------------------------------------------------

TEST(PositionEmbedding, MoreStepsThanRowsAreAnError) {
  const PositionEmbedding layer({.sequence_length = 5, .name = "p"});
  EXPECT_EQ(shape(layer(zeros({2, 5, 3}))), Shape({2, 5, 3}));
  EXPECT_EQ(error_of<ShapeError>([&] {
              layer(zeros({2, 6, 3}));
            }),
            "[PositionEmbedding 'p'] expected at most sequence_length - start_index = 5 - 0 steps, got (None, 6, 3)");
  // JAX takes the last rows instead.
  EXPECT_EQ(error_of<ShapeError>([&] {
              layer(zeros({2, 3, 3}), {.start_index = 3});
            }),
            "[PositionEmbedding 'p'] expected at most sequence_length - start_index = 5 - 3 steps, got (None, 3, 3)");
  EXPECT_NE(error_of<ShapeError>([&] { layer(zeros({2, 1, 3}), {.start_index = std::int64_t{1} << 62}); }), "no error");
  EXPECT_EQ(error_of<ValueError>([&] {
              layer({zeros({1, 2, 3}), positions({{0, 5}})});
            }),
            "[PositionEmbedding 'p'] position 5 is not in the table of sequence_length = 5 rows");
  EXPECT_EQ(error_of<ValueError>([&] {
              layer({zeros({1, 2, 3}), positions({{0, -6}})});
            }),
            "[PositionEmbedding 'p'] position -6 is not in the table of sequence_length = 5 rows");
  EXPECT_THAT(error_of<ValueError>([&] {
                layer({zeros({1, 2, 3}), Tensor{{0.5f, 1.0f}}});
              }),
              HasSubstr("expected whole numbers"));
  EXPECT_THAT(error_of<ShapeError>([&] { layer(zeros({2, 5, 4})); }), HasSubstr("whose last axis is 3"));
  EXPECT_EQ(error_of<ValueError>([] { PositionEmbedding({.name = "p"}); }),
            "[PositionEmbedding 'p'] expected a sequence_length of 1 or more, got 0");
}

// ---- SinePositionEncoding -------------------------------------------------------------------------------

TEST(SinePositionEncoding, IsThePositionalEmbeddingInTheShapeOfTheInput) {
  const Tensor x = drawn({3, 40, 7}, 4);
  const Tensor y = SinePositionEncoding()(x), table = PositionalEmbedding({.max_len = 40, .d_model = 7})(x);
  for (std::int64_t i = 0; i < 3; ++i) EXPECT_TRUE(same_bits(samples(y, i, 1), table));
}

TEST(SinePositionEncoding, IsExactFarOut) {
  const SinePositionEncoding layer;
  const Tensor x = zeros({1, 3, 8});
  const Tensor y = layer(x, {.start_index = 1000000});
  const Tensor with_positions = layer({x, positions({{1000000, 1000001, 1000002}})});
  for (int t = 0; t < 3; ++t)
    for (int j = 0; j < 8; ++j) {
      const double angle = (1000000 + t) * std::pow(10000.0, -(j / 2) * 2 / 8.0);
      const double truth = j % 2 == 0 ? std::sin(angle) : std::cos(angle);
      EXPECT_NEAR(y(0, t, j), truth, 1e-7);
      EXPECT_NEAR(with_positions(0, t, j), truth, 1e-7);
    }
  EXPECT_THAT(error_of<ValueError>([&] { layer(x, {.start_index = 1 << 24}); }), HasSubstr("2^24"));
  EXPECT_EQ(error_of<ValueError>([] { SinePositionEncoding({.max_wavelength = 0.5f, .name = "s"}); }),
            "[SinePositionEncoding 's'] expected a max_wavelength from 1 to 1e30, got 0.5");
}

// ---- RotaryEmbedding ------------------------------------------------------------------------------------

TEST(RotaryEmbedding, KeepsLengthsAndProductsDependOnDistanceAlone) {
  const RotaryEmbedding layer;
  const Tensor q = drawn({1, 1, 8}, 5), k = drawn({1, 1, 8}, 6);
  const auto product = [&](std::int64_t at_q, std::int64_t at_k) {
    const Tensor a = layer(q, {.start_index = at_q}), b = layer(k, {.start_index = at_k});
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a.data()[i]) * b.data()[i];
    return sum;
  };
  EXPECT_NEAR(product(5, 2), product(103, 100), 1e-5);
  EXPECT_NEAR(product(7, 7), product(0, 0), 1e-5);
  EXPECT_GT(std::abs(product(5, 2) - product(5, 3)), 1e-3);
}

TEST(RotaryEmbedding, Errors) {
  const RotaryEmbedding layer({.name = "r"});
  EXPECT_EQ(error_of<ShapeError>([&] {
              layer(zeros({2, 3, 5}));
            }),
            "[RotaryEmbedding 'r'] expected an input with an even number of features, on axis 2, got (None, 3, 5)");
  const auto call = [](RotaryEmbedding::Options options) {
    options.name = "r";
    const RotaryEmbedding layer(options);
    return error_of<ShapeError>([&] { layer(zeros({2, 4, 4})); });
  };
  EXPECT_EQ(call({.sequence_axis = 3}),
            "[RotaryEmbedding 'r'] expected an input that has the axes sequence_axis = 3 and feature_axis = -1, got "
            "(None, 4, 4)");
  const std::string two = " are two axes, and none of them the batch, got (None, 4, 4)";
  const std::string input = "[RotaryEmbedding 'r'] expected an input whose sequence_axis = ";
  EXPECT_EQ(call({.sequence_axis = 2}), input + "2 and feature_axis = -1" + two);
  EXPECT_EQ(call({.sequence_axis = 0}), input + "0 and feature_axis = -1" + two);
  EXPECT_EQ(call({.feature_axis = -3}), input + "1 and feature_axis = -3" + two);
  const auto make = [](RotaryEmbedding::Options options) {
    return error_of<ValueError>([&] { RotaryEmbedding{options}; });
  };
  EXPECT_EQ(make({.rope_type = "longrope"}),
            "[RotaryEmbedding] unknown rope_type 'longrope'; known are linear, dynamic, yarn");
  EXPECT_EQ(make({.max_wavelength = 0}), "[RotaryEmbedding] expected a max_wavelength above 0, got 0.0");
  EXPECT_EQ(make({.scaling_factor = -1}), "[RotaryEmbedding] expected a scaling_factor above 0, got -1.0");
  EXPECT_EQ(make({.max_wavelength = 1, .rope_type = "yarn"}),
            "[RotaryEmbedding] expected a max_wavelength above 1 for rope_type yarn, got 1.0");
  EXPECT_THAT(make({.denominator_dim = 0}), HasSubstr("denominator_dim of 1 or more, got 4096 and 0"));
}

TEST(PositionLayerConfigs, AreThoseOfKerasHub) {
  const Config object = layer_to_config(RotaryEmbedding({.name = "r"}));
  EXPECT_EQ(object.at("registered_name").as_string(), "keras_hub>RotaryEmbedding");
  EXPECT_EQ(object.at("module").as_string(), "keras_hub.src.layers.modeling.rotary_embedding");
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.at("config").as_config().entries()) keys.push_back(key);
  EXPECT_THAT(keys, testing::ElementsAre("name", "trainable", "dtype", "max_wavelength", "scaling_factor", "rope_type",
                                         "beta_fast", "beta_slow", "original_max_position_embeddings", "truncate",
                                         "sequence_axis", "feature_axis", "denominator_dim"));
  // Integers, as KerasHub has them, are read too.
  EXPECT_EQ(SinePositionEncoding::from_config({{"max_wavelength", 100}}).get_config().at("max_wavelength"),
            Value(100.0));
}

}  // namespace
}  // namespace xl
