#include "xlayers/layers/multi_head_attention.hpp"

#include <gmock/gmock.h>

#include <functional>

#include "golden.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/random.hpp"
#include "xlayers/framework/base/threads.hpp"
#include "xlayers/framework/engine/gradients.hpp"
#include "xlayers/layers/embedding.hpp"
#include "xlayers/layers/input.hpp"
#include "xlayers/models/model/model.hpp"

namespace xl {
namespace {

using xl::testing_golden::error_of;

using testing::HasSubstr;
using testing_golden::difference;
using testing_golden::drawn;

void expect_near(const Tensor& tensor, const std::vector<double>& expected, double tolerance = 1e-6) {
  ASSERT_EQ(tensor.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(tensor.data()[i], expected[i], tolerance * std::max(1.0, std::abs(expected[i]))) << "element " << i;
}

// ---- the numbers of keras_reference.md's kind: real outputs of Keras 3.15.1 in float32

struct Example : testing::Test {
  Example() {
    x = Tensor::from_shape({1, 3, 4});
    for (int i = 0; i < 12; ++i) x.data()[i] = static_cast<float>(i % 6 - 2) / 2;
    mha.call({x, x});
    std::vector<Tensor> weights = mha.get_weights();
    const auto fill = [&](int weight, auto value) {
      for (std::size_t i = 0; i < weights[weight].size(); ++i)
        weights[weight].data()[i] = static_cast<float>(value(static_cast<int>(i)));
    };
    fill(0, [](int i) { return (i % 5 - 2) / 4.0; });
    fill(2, [](int i) { return (3 * i % 7 - 3) / 4.0; });
    fill(4, [](int i) { return (i % 3 - 1) / 2.0; });
    fill(6, [](int i) { return (i % 7 - 3) / 4.0; });
    const double biases[] = {0.125, -0.25, 0.5, 0.0625};
    for (int i = 0; i < 4; ++i) fill(2 * i + 1, [&](int) { return biases[i]; });
    mha.set_weights(weights);
  }

  Tensor x;
  MultiHeadAttention mha{{.num_heads = 2, .key_dim = 2}};
};

TEST_F(Example, HasTheOutputAndTheScoresOfKeras) {
  const auto [y, scores] = mha.with_scores(x, x);
  expect_near(y, {-.23983568, .013957813, .3503651, -.20971194, .44120187, 1.0611364, .8898258, -1.1412789, -.24679926,
                  -.0059470236, .38796797, -.20693243});
  ASSERT_EQ(shape(scores), (Shape{1, 2, 3, 3}));
  expect_near(scores,
              {.41411898, .14337926, .4425018, .10108348, .84325296, .05566355, .4381957, .15171526, .41008908,
               .12909405, .7235097, .14739615, .51365125, .10937129, .37697744, .09667392, .77160287, .13172324});
  EXPECT_EQ(mha(x, x), y);
}

TEST_F(Example, IsCausal) {
  expect_near(mha(x, x, {.use_causal_mask = true}), {-.3125, .25, -.5, -.375, .64819056, 1.2564793, .85947955,
                                                     -1.3137468, -.24679926, -.0059470236, .38796797, -.20693243});
}

// A query that sees no key gives 0, and so the bias of the output: as Keras' explicit path.
TEST_F(Example, GivesTheBiasToAQueryThatSeesNoKey) {
  const IntTensor mask{{{1, 1, 0}, {0, 0, 0}, {1, 0, 1}}};
  expect_near(mha(x, x, {.attention_mask = mask}), {-.23531589, .041111365, .49006838, -.34611055, .0625, .0625, .0625,
                                                    .0625, -.41957694, .08249387, -.2232975, -.15872669});
  const auto [y, scores] = mha.with_scores(x, x, {.attention_mask = mask});
  for (int head = 0; head < 2; ++head)
    for (int s = 0; s < 3; ++s) EXPECT_EQ(scores(0, head, 1, s), 0.0f);
}

// ---- the ways to call it

TEST(MultiHeadAttention, DataAndSymbolicTensorsGiveTheSame) {
  const MultiHeadAttention mha({.num_heads = 2, .key_dim = 3});
  const Tensor q = drawn({2, 3, 4}, 1), v = drawn({2, 5, 6}, 2), k = drawn({2, 5, 6}, 3);
  IntTensor mask = xt::ones<std::int32_t>({2, 3, 5});
  mask(0, 1, 2) = mask(1, 2, 0) = mask(1, 0, 4) = 0;

  const SymbolicTensor sq = Input({3, 4}), sv = Input({5, 6}), sk = Input({5, 6});
  const SymbolicTensor sm = Input({3, 5}, {.dtype = "int32"});
  const auto expect_equal = [](const SymbolicTensors& inputs, const SymbolicTensor& symbolic, const Data& data,
                               const Tensor& y) { EXPECT_EQ(Model(inputs, symbolic).predict(data), y); };
  expect_equal({sq, sv}, mha(sq, sv), {q, v}, mha(q, v));
  expect_equal({sq, sv, sk}, mha(sq, sv, sk), {q, v, k}, mha(q, v, k));
  expect_equal({sq, sv}, mha(sq, sv, {.use_causal_mask = true}), {q, v}, mha(q, v, {.use_causal_mask = true}));
  expect_equal({sq, sv, sm}, mha(sq, sv, {.attention_mask = sm}), {q, v, mask}, mha(q, v, {.attention_mask = mask}));
  expect_equal({sq, sv, sk, sm}, mha(sq, sv, sk, {.attention_mask = sm, .use_causal_mask = true}), {q, v, k, mask},
               mha(q, v, k, {.attention_mask = mask, .use_causal_mask = true}));
  expect_equal({sq, sv, sk}, mha.with_scores(sq, sv, sk).second, {q, v, k}, mha.with_scores(q, v, k).second);
  EXPECT_EQ(mha({q, v}), mha(q, v));
  EXPECT_EQ(mha(q, v, v), mha(q, v));
  EXPECT_NE(mha(q, v, k), mha(q, v));
}

TEST(MultiHeadAttention, AMaskIsOfAnyNumbersAndBroadcasts) {
  const MultiHeadAttention mha({.num_heads = 2, .key_dim = 3});
  const Tensor x = drawn({3, 4, 5}, 1);
  const IntTensor rows{{1, 0, 1, 1}, {1, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 0}};
  const IntTensor whole = xt::broadcast(rows, {3, 4, 4});
  const Tensor y = mha(x, x, {.attention_mask = whole});
  EXPECT_NE(y, mha(x, x));
  EXPECT_EQ(mha(x, x, {.attention_mask = rows}), y);
  const Tensor one = drawn({1, 4, 5}, 2);
  EXPECT_EQ(mha(one, one, {.attention_mask = rows}),
            mha(one, one, {.attention_mask = IntTensor(xt::broadcast(rows, {1, 4, 4}))}));
  EXPECT_EQ(mha(x, x, {.attention_mask = IntTensor(xt::broadcast(rows, {1, 4, 4}))}), y);
  EXPECT_EQ(mha(x, x, {.attention_mask = Tensor(xt::cast<float>(whole) * -2.5f)}), y);
  EXPECT_EQ(mha(x, x, {.attention_mask = xt::cast<bool>(whole)}), y);
  EXPECT_EQ(mha(x, x, {.attention_mask = IntTensor(xt::broadcast(rows, {3, 2, 4, 4}))}), y);
  EXPECT_EQ(mha(x, x, {.attention_mask = IntTensor(xt::broadcast(rows, {1, 1, 4, 4}))}), y);
}

TEST(MultiHeadAttention, MasksOfTheInputsAreThoseOfRowsAndColumns) {
  const MultiHeadAttention mha({.num_heads = 2, .key_dim = 3});
  const Tensor q = drawn({2, 3, 4}, 1), v = drawn({2, 2, 4}, 2), k = drawn({2, 2, 4}, 3);
  const Tensor of_query{{1, 0, 1}, {1, 1, 0}}, of_value{{1, 0}, {1, 1}}, of_key{{1, 1}, {0, 1}};
  IntTensor mask = IntTensor::from_shape({2, 3, 2});
  for (int b = 0; b < 2; ++b)
    for (int t = 0; t < 3; ++t)
      for (int s = 0; s < 2; ++s) mask(b, t, s) = of_query(b, t) * of_value(b, s) * of_key(b, s) != 0;
  EXPECT_EQ(mha(q, v, k, {.query_mask = of_query, .value_mask = of_value, .key_mask = of_key}),
            mha(q, v, k, {.attention_mask = mask}));
}

TEST(MultiHeadAttention, AMaskOfAKeyThatIsNotGivenIsAnError) {
  const MultiHeadAttention mha({.num_heads = 2, .key_dim = 3, .name = "m"});
  const Tensor x = drawn({2, 5, 4}, 1), mask = zeros({2, 5});
  const std::string text =
      "[MultiHeadAttention 'm'] a key_mask is the mask of a key, and no key was given: the key is the value, whose "
      "mask "
      "is value_mask";
  EXPECT_EQ(error_of<ValueError>([&] { mha(x, x, {.key_mask = mask}); }), text);
  EXPECT_EQ(error_of<ValueError>([&] { mha.with_scores(x, x, {.value_mask = mask, .key_mask = mask}); }), text);
  EXPECT_EQ(error_of<ValueError>([&] { mha(x, x, {.key_mask = mask, .attention_mask = zeros({5, 5})}); }), text);
  EXPECT_FALSE(mha.built());
  EXPECT_NE(mha(x, x, x, {.key_mask = mask}), mha(x, x));
}

// No query gives no output; without a value every query sees no key, and gives the output's bias.
TEST(MultiHeadAttention, OfNoSteps) {
  const MultiHeadAttention mha({.num_heads = 2, .key_dim = 3, .bias_initializer = "ones"});
  const auto [none, no_scores] = mha.with_scores(zeros({2, 0, 4}), drawn({2, 5, 4}, 1));
  EXPECT_EQ(shape(none), Shape({2, 0, 4}));
  EXPECT_EQ(shape(no_scores), Shape({2, 2, 0, 5}));
  const Tensor query = drawn({2, 5, 4}, 1), nothing = zeros({2, 0, 4});
  for (const Tensor& y : {mha(query, nothing), mha.with_scores(query, nothing).first}) {
    ASSERT_EQ(shape(y), Shape({2, 5, 4}));
    for (float value : y) EXPECT_EQ(value, 1.0f);
  }
  EXPECT_EQ(shape(mha(nothing, nothing)), Shape({2, 0, 4}));
  const Gradients back = gradients(mha, {query, nothing}, drawn({2, 5, 4}, 2));
  for (float value : back.inputs[0]) EXPECT_EQ(value, 0.0f);
}

TEST(MultiHeadAttention, WhatDoesNotFitAProjectionIsSaidInItsName) {
  const MultiHeadAttention mha({.num_heads = 2, .key_dim = 3, .name = "m"});
  const Tensor x = drawn({2, 5, 4}, 1), nothing = zeros({2, 5, 0});
  const auto error = [](const std::function<void()>& call) { return error_of<ShapeError>(call); };
  EXPECT_EQ(error([&] { mha(nothing, nothing); }),
            "[MultiHeadAttention 'm'] query: expected an input of 1 feature or more, got (None, 5, 0)");
  EXPECT_EQ(error([&] { mha(x, nothing, x); }),
            "[MultiHeadAttention 'm'] value: expected an input of 1 feature or more, got (None, 5, 0)");
  EXPECT_EQ(error([&] { mha(x, x, nothing); }),
            "[MultiHeadAttention 'm'] key: expected an input of 1 feature or more, got (None, 5, 0)");
  EXPECT_FALSE(mha.built());
  const MultiHeadAttention large({.num_heads = 2147483647, .key_dim = 2147483647, .name = "l"});
  EXPECT_EQ(error([&] { large(x, x); }),
            "[MultiHeadAttention 'l'] query: a tensor of shape (None, 5, 2147483647, 2147483647) is too large: expected extents "
            "whose product, without those of 0, is at most 2^48");
}

TEST(MultiHeadAttention, TheOutputCarriesTheQuerysMaskAndTheScoresNone) {
  // As many heads as steps, so that the scores (batch, 3, 3, 3) begin like the mask (batch, 3).
  const MultiHeadAttention mha({.num_heads = 3, .key_dim = 2});
  const SymbolicTensor x =
      Embedding({.input_dim = 5, .output_dim = 4, .mask_zero = true})(Input({3}, {.dtype = "int32"}));
  ASSERT_TRUE(x.mask().has_value());
  const auto [y, scores] = mha.with_scores(x, x);
  EXPECT_TRUE(y.mask().has_value());
  EXPECT_FALSE(scores.mask().has_value());
}

// ---- long sequences, whose scores are not kept

// The first steps of a long sequence that see only each other are a short sequence.
TEST(MultiHeadAttention, ALongSequenceHasTheGradientsOfAShortOne) {
  const MultiHeadAttention mha({.num_heads = 2, .key_dim = 3, .value_dim = 5});
  const Dim length = 300, few = 11;
  const Tensor x = drawn({2, length, 4}, 1), dy = drawn({2, few, 4}, 2);
  // The first steps of each sample; and the other way round, with zeros behind them.
  const auto cut = [&](const Tensor& from, Dim steps) {
    Tensor to = zeros({2, steps, 4});
    const std::size_t row = from.size() / 2;
    for (std::size_t sample = 0; sample < 2; ++sample)
      std::copy_n(from.data() + sample * row, 4 * few, to.data() + sample * to.size() / 2);
    return to;
  };
  const auto first = [&](const Tensor& of) { return cut(of, few); };
  const Tensor long_dy = cut(dy, length);
  IntTensor mask = IntTensor::from_shape({2, static_cast<std::size_t>(length), static_cast<std::size_t>(length)});
  for (std::size_t i = 0; i < mask.size(); ++i) mask.data()[i] = static_cast<Dim>(i) % length < few;
  const Tensor short_x = first(x);

  const auto compare = [&](const std::vector<Array>& inputs, const std::vector<Array>& short_inputs,
                           const Config& arguments) {
    const CallOptions options{.arguments = arguments};
    EXPECT_LE(xt::amax(xt::abs(first(mha(inputs, options)) - mha(short_inputs, options)))(), 1e-6f);
    const Gradients found = gradients(mha, inputs, long_dy, options);
    const Gradients expected = gradients(mha, short_inputs, dy, options);
    for (std::size_t i = 0; i < 3 && i < inputs.size(); ++i)
      EXPECT_LE(xt::amax(xt::abs(first(found.inputs[i]) - expected.inputs[i]))(), 1e-5f) << "input " << i;
    for (std::size_t i = 0; i < found.weights.size(); ++i)
      EXPECT_LE(xt::amax(xt::abs(found.weights[i] - expected.weights[i]))(), 1e-5f) << "weight " << i;
  };
  compare({x, x}, {short_x, short_x}, {{"use_causal_mask", true}});
  compare({x, x, x, mask}, {short_x, short_x, short_x}, {});
}

// ---- dropout

float loss_of(const MultiHeadAttention& mha, const Data& inputs, const Tensor& dy) {
  // Without a bias the sum of y * dy is that of the output's kernel times its gradient.
  return xt::sum<double>(gradients(mha, inputs, dy).weights.back() * mha.get_weights().back())();
}

TEST(MultiHeadAttention, GradientsWithDropoutAreTheSlopes) {
  for (const Dim steps : {7, 260}) {  // scores that are kept, and that are not
    const MultiHeadAttention mha({.num_heads = 2, .key_dim = 3, .dropout = 0.4f, .use_bias = false});
    const Tensor x = drawn({1, steps, 4}, 1), dy = drawn({1, steps, 4}, 2);
    mha(x, x);
    const Gradients found = gradients(mha, {x, x}, dy);
    EXPECT_NE(found.inputs[1], gradients(mha, {x, x}, dy, {.training = false}).inputs[1]);
    for (int input = 0; input < 2; ++input) {
      const Tensor direction = drawn({1, steps, 4}, 3);
      const float step = 1e-2f;
      const Tensor above = x + step * direction, below = x - step * direction;
      const float slope = input == 0 ? loss_of(mha, {above, x}, dy) - loss_of(mha, {below, x}, dy)
                                     : loss_of(mha, {x, above}, dy) - loss_of(mha, {x, below}, dy);
      const float along = xt::sum(found.inputs[input] * direction)();
      EXPECT_NEAR(slope / (2 * step), along, 0.01f * std::max(1.0f, std::abs(along))) << steps << " " << input;
    }
  }
}

TEST(MultiHeadAttention, DropoutKeepsTheMeanAndLeavesTheScoresThatAreGivenOut) {
  set_random_seed(7);
  const MultiHeadAttention mha({.num_heads = 2, .key_dim = 3, .dropout = 0.5f});
  const Tensor x = drawn({4, 6, 5}, 1);
  const auto [y, scores] = mha.with_scores(x, x);
  Tensor mean = zeros({4, 6, 5});
  constexpr int times = 3000;
  for (int i = 0; i < times; ++i) {
    const auto [dropped, same] = mha.with_scores(x, x, {.training = true});
    ASSERT_EQ(same, scores);
    mean += dropped / times;
  }
  EXPECT_LE(xt::amax(xt::abs(mean - y))(), 0.15f);
  EXPECT_NE(mha(x, x, {.training = true}), y);
}

TEST(MultiHeadAttention, DropoutOfAllLeavesTheBias) {
  const MultiHeadAttention mha({.num_heads = 2, .key_dim = 3, .dropout = 1, .bias_initializer = "ones"});
  const Tensor x = drawn({2, 3, 4}, 1);
  for (const float value : mha(x, x, {.training = true})) EXPECT_EQ(value, 1.0f);
}

TEST(MultiHeadAttention, TrainsToTheSameBitsOnAnyNumberOfThreads) {
  const Tensor x = drawn({13, 9, 4}, 1), y = drawn({13, 9, 4}, 2);
  const int threads_before = num_threads();
  std::vector<Tensor> first;
  for (const int threads : {1, 2, 7}) {
    set_num_threads(threads);
    set_random_seed(5);
    const SymbolicTensor input = Input({9, 4});
    const MultiHeadAttention mha({.num_heads = 2, .key_dim = 3, .dropout = 0.3f, .seed = 11});
    const Model model(input, mha(input, input, {.use_causal_mask = true}));
    model.compile({.optimizer = "sgd", .loss = "mse"});
    for (int step = 0; step < 3; ++step) model.train_on_batch(x, y);
    if (threads == 1) first = mha.get_weights();
    EXPECT_EQ(mha.get_weights(), first) << threads << " threads";
  }
  set_num_threads(threads_before);
}

// ---- weights and options

TEST(MultiHeadAttention, HasTheInitialScaleOfKeras) {
  set_random_seed(1);
  const MultiHeadAttention mha({.num_heads = 8, .key_dim = 8});
  const Tensor x = zeros({1, 2, 64});
  mha(x, x);
  const std::vector<Tensor> weights = mha.get_weights();
  ASSERT_EQ(weights.size(), 8);
  EXPECT_EQ(mha.count_params(), 4 * (64 * 64 + 64));
  for (const int kernel : {0, 2, 4, 6}) {
    EXPECT_EQ(shape(weights[kernel]), kernel < 6 ? (Shape{64, 8, 8}) : (Shape{8, 8, 64}));
    const float largest = xt::amax(xt::abs(weights[kernel]))();
    EXPECT_LE(largest, 0.21650635f);  // sqrt(6 / (64 + 64))
    EXPECT_GE(largest, 0.2155f);
  }
  EXPECT_NE(weights[0], weights[2]);
}

TEST(MultiHeadAttention, HasTheConfigOfKeras) {
  const MultiHeadAttention mha(
      {.num_heads = 2, .key_dim = 3, .output_shape = 6, .attention_axes = {{1}}, .name = "mha"});
  EXPECT_EQ(mha.get_config().to_json(),
            R"({"name": "mha", "trainable": true, "dtype": "float32", "num_heads": 2, "key_dim": 3, "value_dim": 3, )"
            R"("dropout": 0.0, "use_bias": true, "use_gate": false, "output_shape": [6], "attention_axes": [1], )"
            R"("sliding_window": null, "kernel_initializer": {"module": "keras.initializers", "class_name": )"
            R"("GlorotUniform", "config": {"seed": null}, "registered_name": null}, "bias_initializer": {"module": )"
            R"("keras.initializers", "class_name": "Zeros", "config": {}, "registered_name": null}, )"
            R"("kernel_regularizer": null, "bias_regularizer": null, "activity_regularizer": null, )"
            R"("kernel_constraint": null, "bias_constraint": null, "seed": null})");
  Config older = mha.get_config();
  for (const char* key : {"use_gate", "sliding_window", "seed"}) older.erase(key);
  older.set("output_shape", 6);
  EXPECT_EQ(MultiHeadAttention::from_config(older).get_config(), mha.get_config());
}

TEST(MultiHeadAttention, OptionsOutOfTheirRangeAreErrors) {
  const auto error = [](MultiHeadAttention::Options options) {
    return error_of<ValueError>([&] { MultiHeadAttention layer(options); });
  };
  EXPECT_EQ(error({.key_dim = 2, .name = "m"}), "[MultiHeadAttention 'm'] expected a num_heads of 1 or more, got 0");
  EXPECT_THAT(error({.num_heads = 2}), HasSubstr("expected a key_dim of 1 or more, got 0"));
  EXPECT_THAT(error({.num_heads = 2, .key_dim = -3}), HasSubstr("expected a key_dim of 1 or more, got -3"));
  EXPECT_THAT(error({.num_heads = 2, .key_dim = 3, .value_dim = 0}), HasSubstr("value_dim of 1 or more, got 0"));
  EXPECT_THAT(error({.num_heads = 2, .key_dim = 3, .dropout = 1.5f}), HasSubstr("dropout from 0 to 1, got 1.5"));
  EXPECT_THAT(error({.num_heads = 2, .key_dim = 3, .output_shape = 0}), HasSubstr("output_shape of 1 or more"));
  EXPECT_THAT(error({.num_heads = 2, .key_dim = 3, .sliding_window = 0}), HasSubstr("sliding_window of 1 or more"));
  EXPECT_THAT(
      error({.num_heads = 2, .key_dim = 3, .attention_axes = {{1, 2}}}),
      HasSubstr("expected attention_axes of null or [1], the steps of an input (batch, steps, features), got [1, 2]"));
  EXPECT_THAT(
      error_of<ValueError>([] {
        MultiHeadAttention::from_config({{"num_heads", 2}, {"key_dim", 3}, {"output_shape", Value::List{4, 5}}});
      }),
      HasSubstr("expected a number or a list of one, got [4, 5]"));
}

TEST(MultiHeadAttention, InputsThatDoNotFitAreErrors) {
  const MultiHeadAttention mha({.num_heads = 2, .key_dim = 3, .name = "m"});
  const Tensor q = drawn({2, 3, 4}, 1), v = drawn({2, 5, 6}, 2);
  const auto error = [](const std::function<void()>& call) { return error_of<ShapeError>(call); };
  EXPECT_EQ(error([&] { mha(Data{q}); }),
            "[MultiHeadAttention 'm'] takes query, value and if need be key and attention_mask, got 1 input");
  EXPECT_EQ(error([&] {
              mha({q, v, v, v, v});
            }),
            "[MultiHeadAttention 'm'] takes query, value and if need be key and attention_mask, got 5 inputs");
  EXPECT_EQ(error([&] {
              mha(drawn({2, 3}, 1), v);
            }),
            "[MultiHeadAttention 'm'] expected a query (batch, steps, features), got (None, 3)");
  EXPECT_EQ(error([&] {
              mha(q, v, drawn({2, 5, 6, 1}, 1));
            }),
            "[MultiHeadAttention 'm'] expected a key (batch, steps, features), got (None, 5, 6, 1)");
  EXPECT_EQ(error([&] {
              mha(q, IntTensor(xt::ones<std::int32_t>({2, 5, 6})));
            }),
            "[MultiHeadAttention 'm'] expected a float32 value, got int32");
  EXPECT_EQ(error([&] {
              mha(q, v, drawn({2, 4, 6}, 1));
            }),
            "[MultiHeadAttention 'm'] expected a key with as many steps as the value, got 4 and 5");
  EXPECT_THAT(error([&] { mha(q, drawn({3, 5, 6}, 1)); }), HasSubstr("expected inputs of equal batch sizes"));
  EXPECT_FALSE(mha.built());

  const auto mask_error = [&](const Shape& shape) {
    return error([&] { mha(q, v, {.attention_mask = drawn(shape, 1)}); });
  };
  EXPECT_EQ(
      mask_error({2, 5, 3}),
      "[MultiHeadAttention 'm'] expected an attention_mask that broadcasts to (None, 3, 5) or, one for each head, to "
      "(None, 2, 3, 5), got (None, 5, 3)");
  EXPECT_THAT(mask_error({2, 3, 3, 5}), HasSubstr("got (None, 3, 3, 5)"));
  EXPECT_THAT(mask_error({3, 3, 5}), HasSubstr("equal batch sizes"));
  EXPECT_THAT(mask_error({5}), HasSubstr("equal batch sizes"));

  mha(q, v);
  EXPECT_EQ(error([&] { mha(v, v); }),
            "[MultiHeadAttention 'm'] expected a query whose last axis is 4, got (None, 5, 6)");
  EXPECT_EQ(error([&] { mha(q, q); }),
            "[MultiHeadAttention 'm'] expected a value whose last axis is 6, got (None, 3, 4)");
  EXPECT_EQ(error_of<ValueError>([&] {
              mha({q, v}, {.arguments = {{"causal", true}}});
            }),
            "[MultiHeadAttention 'm'] unknown argument 'causal'; known are use_causal_mask, return_attention_scores");
}

}  // namespace
}  // namespace xl
