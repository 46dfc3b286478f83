// What the table of layer cases cannot say of LayerNormalization and RMSNormalization.

#include <gmock/gmock.h>

#include "golden.hpp"
#include "xlayers/framework/engine/gradients.hpp"
#include "xlayers/framework/kernels/normalization.hpp"
#include "xlayers/layers/input.hpp"
#include "xlayers/layers/layer_normalization.hpp"
#include "xlayers/layers/rms_normalization.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::HasSubstr;

TEST(LayerNormalization, GivesTheNumbersOfKeras) {
  const Tensor x{{1, 2, 4, 8}};
  const auto expect = [&](float epsilon, const std::vector<double>& truth) {
    EXPECT_LE(difference(LayerNormalization({.epsilon = epsilon})(x), truth), 3e-7);
  };
  expect(1e-3f, {-1.025684, -.652708, .09324396, 1.5851479});
  expect(1e-5f, {-1.0257546, -.65275294, .093250394, 1.585257});
  expect(1e-6f, {-1.0257552, -.6527533, .09325051, 1.5852581});
}

TEST(LayerNormalization, IsAccurateFarFromZeroAndInLongRows) {
  for (const Dim columns : {1, 2, 3, 7, 8, 9, 31, 64, 1000, 20000}) {
    Tensor x = drawn({2, columns}, 3);
    for (float& value : x) value += 1000.0f;
    const Tensor y = LayerNormalization()(x);
    for (int row = 0; row < 2; ++row) {
      const float* values = x.data() + row * columns;
      double mean = 0, variance = 0;
      for (Dim i = 0; i < columns; ++i) mean += values[i];
      mean /= columns;
      for (Dim i = 0; i < columns; ++i) variance += (values[i] - mean) * (values[i] - mean);
      variance /= columns;
      for (Dim i = 0; i < columns; ++i)
        EXPECT_NEAR(y(row, i), (values[i] - mean) / std::sqrt(variance + 0.001f), 2e-6) << columns;
    }
  }
}

TEST(LayerNormalization, OfOneFeatureIsBeta) {
  const LayerNormalization layer;
  layer.build({None, 1});
  layer.set_weights({Tensor{3}, Tensor{0.5f}});
  EXPECT_EQ(layer(drawn({2, 1}, 1)), Tensor(zeros({2, 1}) + 0.5f));
}

TEST(LayerNormalization, SavesItsAxesSorted) {
  EXPECT_EQ(LayerNormalization().get_config().at("axis"), Value(Value::List{-1}));
  EXPECT_EQ(LayerNormalization({.axis = {2, 1}}).get_config().at("axis"), Value(Value::List{1, 2}));
  EXPECT_EQ(LayerNormalization::from_config({{"axis", 2}}).get_config().at("axis"), Value(Value::List{2}));
  EXPECT_EQ(RMSNormalization().get_config().at("axis"), Value(Value::List{-1}));
}

TEST(LayerNormalization, TakesAxesFromBothEnds) {
  const Tensor x = drawn({2, 3, 4}, 1);
  const LayerNormalization mixed({.axis = {-1, 1}}), plain({.axis = {1, 2}});
  EXPECT_TRUE(same_bits(mixed(x), plain(x)));
  EXPECT_EQ(shape(mixed.get_weights()[0]), Shape({3, 4}));
}

TEST(LayerNormalization, SaysWhatDoesNotFit) {
  const LayerNormalization layer({.name = "n"});
  layer(zeros({2, 3}));
  EXPECT_EQ(error_of<ShapeError>([&] {
              layer(zeros({2, 4}));
            }),
            "[LayerNormalization 'n'] expected an input whose normalized axes are (3,), got (None, 4)");
  const auto error = [](Axes axes) {
    return error_of<ShapeError>([&] { LayerNormalization({.axis = axes, .name = "n"})(zeros({2, 3})); });
  };
  EXPECT_EQ(error(2), "[LayerNormalization 'n'] expected an input that has an axis 2, got (None, 3)");
  EXPECT_EQ(error(-3), "[LayerNormalization 'n'] expected an input that has an axis -3, got (None, 3)");
  EXPECT_THAT(error(0), HasSubstr("is the batch axis"));
  EXPECT_THAT(error(-2), HasSubstr("is the batch axis"));
  EXPECT_THAT(error({1, -1}), HasSubstr("given twice"));
  EXPECT_THAT(error(std::initializer_list<int>{}), HasSubstr("got none"));
  EXPECT_THAT(error_of<ShapeError>([] {
                LayerNormalization({.axis = 1})(Input({None, 3}));
              }),
              HasSubstr("are known, got (None, None, 3)"));
  EXPECT_EQ(error_of<ValueError>([] { LayerNormalization({.epsilon = -1, .name = "n"}); }),
            "[LayerNormalization 'n'] expected an epsilon of 0 or more, got -1.0");
  EXPECT_THAT(error_of<ValueError>([] { RMSNormalization({.epsilon = -1}); }), HasSubstr("[RMSNormalization]"));
  EXPECT_THAT(error_of<ValueError>([] {
                LayerNormalization::from_config({{"rms_scaling", true}});
              }),
              HasSubstr("RMSNormalization does what it was meant to do"));
  EXPECT_EQ(LayerNormalization::from_config({{"rms_scaling", false}}).get_config().at("rms_scaling"), Value(false));
}

TEST(RMSNormalization, IsTheRootMeanSquare) {
  const RMSNormalization layer({.epsilon = 0});
  EXPECT_LE(difference(layer(Tensor{{3, 4, 0, 0}}), {1.2, 1.6, 0, 0}), 1e-6);
  layer.set_weights({Tensor{1, 2, 3, 4}});
  EXPECT_LE(difference(layer(Tensor{{3, 4, 0, 0}}), {1.2, 3.2, 0, 0}), 1e-6);
}

TEST(NormalizationKernel, LeavesOutWhatNobodyWants) {
  constexpr int rows = 3, columns = 13;
  const Tensor x = drawn({rows, columns}, 1), dy = drawn({rows, columns}, 2);
  Tensor y = zeros({rows, columns}), dx = y, statistics = zeros({rows, 2}), dscale = zeros({columns}), doffset = dscale;
  const kernels::Normalization call{.rows = rows, .columns = columns, .epsilon = 0.001f};
  kernels::normalize(call, x.data(), y.data(), statistics.data());
  kernels::normalize_backward(call, x.data(), statistics.data(), dy.data(), dx.data(), dscale.data(), doffset.data());
  Tensor alone = zeros({rows, columns}), scale_alone = zeros({columns}), in_place = dy;
  kernels::normalize_backward(call, x.data(), statistics.data(), dy.data(), alone.data(), nullptr, nullptr);
  kernels::normalize_backward(call, x.data(), statistics.data(), dy.data(), nullptr, scale_alone.data(), nullptr);
  kernels::normalize_backward(call, x.data(), statistics.data(), in_place.data(), in_place.data(), nullptr, nullptr);
  EXPECT_TRUE(same_bits(alone, dx));
  EXPECT_TRUE(same_bits(scale_alone, dscale));
  EXPECT_TRUE(same_bits(in_place, dx));
  for (int j = 0; j < columns; ++j) EXPECT_NEAR(doffset(j), dy(0, j) + dy(1, j) + dy(2, j), 1e-6);
}

}  // namespace
}  // namespace xl
