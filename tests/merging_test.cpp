// What the table of layer cases cannot say of the merging layers.

#include "xlayers/layers/merging.hpp"

#include <gmock/gmock.h>

#include "golden.hpp"
#include "xlayers/framework/engine/executor.hpp"
#include "xlayers/framework/engine/gradients.hpp"
#include "xlayers/framework/ops/add_reduced.hpp"
#include "xlayers/layers/concatenate.hpp"
#include "xlayers/layers/input.hpp"
#include "xlayers/layers/positional_embedding.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::HasSubstr;

TEST(Merging, FunctionsAreCallsOfTheLayers) {
  const auto a = Input({4, 5}), b = Input({4, 5});
  EXPECT_EQ(add({a, b}).node().layer->class_name(), "Add");
  EXPECT_EQ(subtract({a, b}).node().layer->class_name(), "Subtract");
  EXPECT_EQ(multiply({a, b}).node().layer->class_name(), "Multiply");
  EXPECT_EQ(average({a, b}).node().layer->class_name(), "Average");
  EXPECT_EQ(maximum({a, b}).node().layer->class_name(), "Maximum");
  EXPECT_EQ(minimum({a, b}).node().layer->class_name(), "Minimum");
  const auto both = concatenate({a, b}, {.axis = 1, .name = "both"});
  EXPECT_EQ(both.shape(), Shape({None, 8, 5}));
  EXPECT_EQ(both.node().layer->name(), "both");
}

TEST(Merging, OfOneInputIsTheInput) {
  const Tensor x = drawn({2, 3}, 1);
  for (const Layer& layer : std::vector<Layer>{Add(), Multiply(), Average(), Maximum(), Minimum(), Concatenate()}) {
    EXPECT_TRUE(same_bits(layer(x), x)) << layer.class_name();
    EXPECT_TRUE(same_bits(gradients(layer, x, x).inputs[0], x)) << layer.class_name();
  }
}

TEST(Merging, ATensorWithoutABatchCountsForEverySample) {
  const auto x = Input({4, 6});
  const auto table = PositionalEmbedding({.max_len = 4, .d_model = 6})(x);
  ASSERT_FALSE(table.spec().batched);
  const Tensor data = drawn({3, 4, 6}, 1);
  const auto run = [&](const SymbolicTensor& y) {
    return Executor(lower({x}, {y})).call_once({std::vector<Array>{data}, {}}, false);
  };
  const Tensor rows = run(multiply({x, table}));
  const Tensor joined = run(concatenate({x, table}));
  const Tensor alone = PositionalEmbedding({.max_len = 4, .d_model = 6})(data);
  ASSERT_EQ(shape(joined), Shape({3, 4, 12}));
  for (int i = 0; i < 3; ++i)
    for (int t = 0; t < 4; ++t)
      for (int c = 0; c < 6; ++c) {
        EXPECT_EQ(rows(i, t, c), data(i, t, c) * alone(0, t, c));
        EXPECT_EQ(joined(i, t, c), data(i, t, c));
        EXPECT_EQ(joined(i, t, c + 6), alone(0, t, c));
      }
  EXPECT_FALSE(concatenate({table, table}).spec().batched);
}

TEST(Merging, ANanWins) {
  const Tensor a{{NAN, 1, 2}}, b{{1, NAN, 3}};
  for (const Layer& layer : std::vector<Layer>{Maximum(), Minimum()}) {
    const Tensor y = layer({a, b});
    EXPECT_TRUE(std::isnan(y(0, 0)) && std::isnan(y(0, 1)) && !std::isnan(y(0, 2)));
  }
}

TEST(Merging, TiesAreSharedFromTheLastInputOn) {
  const Tensor x = zeros({1, 1}) + 2.0f;
  const auto shares = gradients(Maximum(), {x, x, x}, Tensor(zeros({1, 1}) + 1.0f)).inputs;
  EXPECT_EQ(shares[0](0, 0), 0.25f);
  EXPECT_EQ(shares[1](0, 0), 0.25f);
  EXPECT_EQ(shares[2](0, 0), 0.5f);
}

TEST(Merging, SaysWhatDoesNotFit) {
  const auto error = [](const Layer& layer, const std::vector<Tensor>& inputs) {
    return error_of<ShapeError>([&] { layer.call(inputs); });
  };
  const Tensor a = zeros({2, 3, 4}), b = zeros({2, 3, 5});
  EXPECT_EQ(error(Add({.name = "sum"}), {a, b}), "[Add 'sum'] shapes (None, 3, 4) and (None, 3, 5) do not broadcast");
  EXPECT_EQ(error(Subtract({.name = "s"}), {a}), "[Subtract 's'] takes two inputs, got 1");
  EXPECT_EQ(error(Subtract({.name = "s"}), {a, a, a}), "[Subtract 's'] takes two inputs, got 3");
  EXPECT_EQ(error(Concatenate({.axis = 1, .name = "c"}), {a, b}),
            "[Concatenate 'c'] expected inputs that are equal but for axis 1; one is (None, 3, 4), got (None, 3, 5)");
  EXPECT_THAT(error(Concatenate({.axis = 0}), {a, b}), HasSubstr("is not the batch axis"));
  EXPECT_THAT(error(Concatenate({.axis = -3}), {a, b}), HasSubstr("is not the batch axis"));
  EXPECT_THAT(error(Concatenate({.axis = 3}), {a, b}), HasSubstr("an input that has an axis 3, got (None, 3, 4)"));
  EXPECT_THAT(error(Concatenate(), {a, zeros({2, 3})}), HasSubstr("equal but for axis -1"));
  EXPECT_THAT(error_of<ShapeError>([] { Add()({IntTensor{{1, 2}}, IntTensor{{2, 3}}}); }), HasSubstr("float32"));
  EXPECT_THAT(error_of<ShapeError>([&] {
                Concatenate()({Array(IntTensor{{1, 2}}), Array(zeros({1, 2}))});
              }),
              HasSubstr("expected inputs of one dtype, got int32 and float32"));
}

TEST(Concatenate, TakesIntegers) {
  const auto a = Input({2}, {.dtype = "int32"}), b = Input({1}, {.dtype = "int32"});
  EXPECT_EQ(concatenate({a, b}).dtype(), DType::int32);
}

// Against every element looked up by its indices.
TEST(Broadcast, WalksAsNumPyDoes) {
  const Shape y_shape{2, 3, 4};
  for (const Shape& a_shape : {Shape{2, 3, 4}, Shape{1, 3, 4}, Shape{2, 1, 4}, Shape{2, 3, 1}, Shape{1, 1, 1}})
    for (const Shape& b_shape : {Shape{2, 3, 4}, Shape{1, 1, 4}, Shape{2, 1, 1}}) {
      Tensor a = drawn(a_shape, 1), b = drawn(b_shape, 2), y = zeros(y_shape), da = zeros(a_shape), sum = da;
      const Shape y_sample = y_shape.sample(), a_sample = a_shape.sample(), b_sample = b_shape.sample();
      const Block y_block{y.data(), &y_sample, 2}, a_block{a.data(), &a_sample, a_shape[0]},
          b_block{b.data(), &b_sample, b_shape[0]}, da_block{da.data(), &a_sample, a_shape[0]};
      elementwise(y_block, a_block, b_block, [](float p, float q) { return p - 2 * q; });
      add_reduced(da_block, y_block, b_block, [](float p, float q) { return p * q; });
      for (Dim i = 0; i < 2; ++i)
        for (Dim j = 0; j < 3; ++j)
          for (Dim k = 0; k < 4; ++k) {
            const auto at = [&](Tensor& t, const Shape& s) -> float& {
              return t(s[0] == 1 ? 0 : i, s[1] == 1 ? 0 : j, s[2] == 1 ? 0 : k);
            };
            EXPECT_EQ(y(i, j, k), at(a, a_shape) - 2 * at(b, b_shape));
            at(sum, a_shape) += y(i, j, k) * at(b, b_shape);
          }
      for (std::size_t i = 0; i < da.size(); ++i) EXPECT_NEAR(da.data()[i], sum.data()[i], 1e-5);
    }
}

}  // namespace
}  // namespace xl
