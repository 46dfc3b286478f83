// TransformerBlock, TransformerEncoder: what the table of layer cases does not ask.

#include <gmock/gmock.h>

#include "golden.hpp"
#include "xlayers/framework/engine/gradients.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/input.hpp"
#include "xlayers/layers/layer_normalization.hpp"
#include "xlayers/layers/multi_head_attention.hpp"
#include "xlayers/layers/transformer_block.hpp"
#include "xlayers/layers/transformer_encoder.hpp"
#include "xlayers/models/model/model.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<Tensor> drawn_weights(const Layer& layer) {
  std::vector<Tensor> weights;
  for (const Tensor& weight : layer.get_weights()) weights.push_back(drawn(shape(weight), 50 + weights.size()));
  layer.set_weights(weights);
  return weights;
}

// ---- TransformerBlock

TEST(TransformerBlock, IsWhatItIsMadeOf) {
  const TransformerBlock block({.dim_model = 8, .num_heads = 2, .ff_units = 12});
  const SymbolicTensor x = Input({5, 8});
  const Model whole(x, block(x));
  const std::vector<Tensor> weights = drawn_weights(block);

  const LayerNormalization norm1({.epsilon = 1e-6f}), norm2({.epsilon = 1e-6f});
  const MultiHeadAttention attention({.num_heads = 2, .key_dim = 4});
  const Dense inner({.units = 12, .activation = "relu"}), outer({.units = 8});
  const SymbolicTensor query = norm1(x);
  const SymbolicTensor h = x + attention(query, query);
  const Model parts(x, h + outer(inner(norm2(h))));
  const auto set = [&](const Layer& layer, std::size_t first, std::size_t count) {
    layer.set_weights({weights.begin() + first, weights.begin() + first + count});
  };
  set(attention, 0, 8);
  set(norm1, 8, 2);
  set(inner, 10, 2);
  set(outer, 12, 2);
  set(norm2, 14, 2);
  const Tensor data = drawn({3, 5, 8}, 1);
  EXPECT_TRUE(same_bits(whole.predict(data), parts.predict(data)));
}

TEST(TransformerBlock, CountsItsParametersBeforeItIsCalled) {
  const SymbolicTensor x = Input({20, 32});
  const SymbolicTensor h = Dense({.units = 64, .activation = "relu"})(
      TransformerBlock({.dim_model = 32, .num_heads = 4, .ff_units = 64})(x));
  const SymbolicTensor y = TransformerBlock({.dim_model = 64, .num_heads = 4, .ff_units = 128})(h);
  const Model model(x, Dense({.units = 1, .activation = "sigmoid"})(Dense({.units = 32, .activation = "relu"})(y)));
  EXPECT_EQ(model.count_params(), 46241);
}

TEST(TransformerBlock, AVectorIsOneStep) {
  const TransformerBlock block({.dim_model = 6, .num_heads = 2});
  const Tensor x = drawn({4, 6}, 1);
  Tensor one_step = x;
  one_step.reshape({4, 1, 6});
  const Tensor y = block(x);
  EXPECT_EQ(shape(y), Shape({4, 6}));
  const Tensor of_step = block(one_step);
  EXPECT_EQ(shape(of_step), Shape({4, 1, 6}));
  EXPECT_TRUE(std::equal(y.begin(), y.end(), of_step.begin()));
}

TEST(TransformerBlock, GivesItsScores) {
  const TransformerBlock block({.dim_model = 32, .num_heads = 4, .ff_units = 64});
  const Tensor x = drawn({5, 10, 32}, 1);
  const auto [y, scores] = block.with_scores(x);
  EXPECT_TRUE(same_bits(y, block(x)));
  EXPECT_EQ(shape(scores), Shape({5, 4, 10, 10}));
  for (std::size_t row = 0; row < 5 * 4 * 10; ++row) {
    double sum = 0;
    for (int s = 0; s < 10; ++s) sum += scores.data()[row * 10 + s];
    EXPECT_NEAR(sum, 1, 1e-5);
  }
  const SymbolicTensor input = Input({10, 32});
  const auto [symbolic, symbolic_scores] = block.with_scores(input);
  const Model model(input, {symbolic, symbolic_scores});
  EXPECT_TRUE(same_bits(model.predict_all(x), {y, scores}));
}

TEST(TransformerBlock, WithACausalMaskNothingLaterIsSeen) {
  for (const bool norm_first : {true, false}) {
    const TransformerBlock block({.dim_model = 8, .num_heads = 2, .norm_first = norm_first});
    const CallOptions causal{.arguments = {{"use_causal_mask", true}}};
    const Tensor x = drawn({2, 6, 8}, 1);
    Tensor later = x;
    for (int c = 0; c < 8; ++c) later(0, 4, c) *= 0.5f * c;  // not the same for all: that would be normalised away
    const Tensor y = block(x, causal), z = block(later, causal);
    for (int t = 0; t < 6; ++t)
      for (int c = 0; c < 8; ++c) EXPECT_EQ(y(0, t, c) == z(0, t, c), t < 4) << t;
  }
}

TEST(TransformerBlock, DropsInTrainingOnly) {
  const TransformerBlock block({.dim_model = 8, .num_heads = 2, .dropout_rate = 0.5f});
  const Tensor x = drawn({4, 6, 8}, 1);
  EXPECT_TRUE(same_bits(block(x), block(x)));
  EXPECT_FALSE(same_bits(block(x, {.training = true}), block(x)));
  const TransformerBlock none({.dim_model = 8, .num_heads = 2, .dropout_rate = 0.0f});
  EXPECT_TRUE(same_bits(none(x, {.training = true}), none(x)));
}

TEST(TransformerBlock, SaysWhatDoesNotFit) {
  EXPECT_EQ(error_of<ValueError>([] { TransformerBlock({}); }),
            "[TransformerBlock] expected num_heads that divide dim_model, got 3 heads for 32 features");
  EXPECT_EQ(error_of<ValueError>([] { TransformerBlock({.num_heads = 4, .dropout_rate = 1.0f}); }),
            "[TransformerBlock] expected a dropout_rate from 0 to below 1, got 1");
  EXPECT_EQ(error_of<ValueError>([] { TransformerBlock({.num_heads = 0}); }),
            "[TransformerBlock] expected dim_model, num_heads and ff_units of 1 or more, got 32, 0 and 16");
  const TransformerBlock block({.dim_model = 8, .num_heads = 2, .name = "block"});
  EXPECT_EQ(error_of<ShapeError>([&] {
              block(zeros({2, 5, 7}));
            }),
            "[TransformerBlock 'block'] expected an input (batch, steps, dim_model = 8), got (None, 5, 7)");
  EXPECT_FALSE(block.built());
  EXPECT_EQ(error_of<ValueError>([&] {
              block(zeros({2, 5, 8}), {.arguments = {{"causal", true}}});
            }),
            "[TransformerBlock 'block'] unknown argument 'causal'; known are use_causal_mask, return_attention_scores");
}

// ---- TransformerEncoder

TEST(TransformerEncoder, PaddingIsNotSeen) {
  const TransformerEncoder encoder({.intermediate_dim = 16, .num_heads = 2});
  const Tensor x = drawn({2, 6, 8}, 1);
  Tensor other = x;
  for (int c = 0; c < 8; ++c) other(1, 5, c) = 9.0f;
  const IntTensor padding{{1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 0}};
  const Tensor y = encoder(x, {.padding_mask = padding}), z = encoder(other, {.padding_mask = padding});
  for (int t = 0; t < 5; ++t)
    for (int c = 0; c < 8; ++c) EXPECT_EQ(y(1, t, c), z(1, t, c));
  const Tensor all = encoder(other);
  EXPECT_NE(all(1, 0, 0), z(1, 0, 0));

  // As floats, as an attention mask, and as both.
  EXPECT_TRUE(same_bits(encoder(x, {.padding_mask = Tensor(xt::cast<float>(padding))}), y));
  IntTensor attention = xt::ones<std::int32_t>({2, 6, 6});
  for (int t = 0; t < 6; ++t) attention(1, t, 5) = 0;
  const IntTensor everything = xt::ones<std::int32_t>({2, 6, 6});
  EXPECT_TRUE(same_bits(encoder(x, {.attention_mask = attention}), y));
  EXPECT_TRUE(same_bits(encoder(x, {.padding_mask = padding, .attention_mask = everything}), y));
  EXPECT_TRUE(
      same_bits(encoder(x, {.padding_mask = Tensor(xt::cast<float>(padding)), .attention_mask = everything}), y));

  const SymbolicTensor input = Input({6, 8}), mask = Input({6}, {.dtype = "int32"});
  const Model model({input, mask}, encoder(input, {.padding_mask = mask}));
  EXPECT_TRUE(same_bits(model.predict({x, padding}), y));
  const Model again = model_from_json(model.to_json());
  EXPECT_EQ(again.to_json(), model.to_json());
  again.set_weights(model.get_weights());
  EXPECT_TRUE(same_bits(again.predict({x, padding}), y));
}

TEST(TransformerEncoder, GivesItsScores) {
  const TransformerEncoder encoder({.intermediate_dim = 16, .num_heads = 4});
  const Tensor x = drawn({2, 4, 8}, 1);
  const auto [y, scores] = encoder.with_scores(x);
  EXPECT_TRUE(same_bits(y, encoder(x)));
  EXPECT_EQ(shape(scores), Shape({2, 4, 4, 4}));
}

TEST(TransformerEncoder, HasItsWeightsInKerasOrder) {
  for (const bool normalize_first : {false, true}) {
    const TransformerEncoder encoder({.intermediate_dim = 5, .num_heads = 2, .normalize_first = normalize_first});
    encoder.build({None, 3, 4});
    std::vector<Shape> shapes;
    for (const Tensor& weight : encoder.get_weights()) shapes.push_back(shape(weight));
    EXPECT_EQ(shapes, (std::vector<Shape>{{4, 2, 2},
                                          {2, 2},
                                          {4, 2, 2},
                                          {2, 2},
                                          {4, 2, 2},
                                          {2, 2},
                                          {2, 2, 4},
                                          {4},
                                          {4},
                                          {4},
                                          {4},
                                          {4},
                                          {4, 5},
                                          {5},
                                          {5, 4},
                                          {4}}));
  }
}

TEST(TransformerEncoder, SaysWhatDoesNotFit) {
  EXPECT_EQ(error_of<ValueError>([] { TransformerEncoder({.num_heads = 2}); }),
            "[TransformerEncoder] expected intermediate_dim and num_heads of 1 or more, got 0 and 2");
  const TransformerEncoder encoder({.intermediate_dim = 8, .num_heads = 4, .name = "encoder"});
  EXPECT_EQ(error_of<ShapeError>([&] {
              encoder(zeros({2, 5, 3}));
            }),
            "[TransformerEncoder 'encoder'] expected an input (batch, steps, features) of at least as many features as "
            "heads, 4, got (None, 5, 3)");
  EXPECT_FALSE(encoder.built());
  const Tensor x = zeros({2, 5, 8});
  EXPECT_EQ(
      error_of<ShapeError>([&] {
        encoder(x, {.padding_mask = zeros({2, 4})});
      }),
      "[TransformerEncoder 'encoder'] expected a padding mask (batch, steps) for an input (None, 5, 8), got (None, "
      "4)");
  EXPECT_EQ(
      error_of<ShapeError>([&] {
        encoder(x, {.attention_mask = zeros({2, 5, 4})});
      }),
      "[TransformerEncoder 'encoder'] expected an attention mask (batch, steps, steps) for an input (None, 5, 8), "
      "got (None, 5, 4)");
  EXPECT_FALSE(encoder.built());
  encoder(x);
  EXPECT_EQ(error_of<ShapeError>([&] {
              encoder(zeros({2, 5, 12}));
            }),
            "[TransformerEncoder 'encoder'] expected an input whose last axis is 8, got (None, 5, 12)");
  EXPECT_THAT(error_of<ValueError>([&] {
                encoder.call(Data(x), {.arguments = {{"use_causal_mask", true}}});
              }),
              HasSubstr("unknown argument 'use_causal_mask'; known is return_attention_scores"));
}

}  // namespace
}  // namespace xl
