// Dropout in training: how much drops, that nothing else changes, and on what it depends.

#include "xlayers/layers/dropout.hpp"

#include <gmock/gmock.h>

#include <numeric>
#include <set>

#include "golden.hpp"
#include "xlayers/framework/base/random.hpp"
#include "xlayers/framework/base/threads.hpp"
#include "xlayers/framework/engine/gradients.hpp"
#include "xlayers/framework/parts/attention.hpp"
#include "xlayers/framework/parts/dropout.hpp"
#include "xlayers/layers/data_embedding_without_position.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/input.hpp"
#include "xlayers/layers/multi_head_attention.hpp"
#include "xlayers/layers/transformer_block.hpp"
#include "xlayers/layers/transformer_encoder.hpp"
#include "xlayers/models/model/sequential.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::HasSubstr;

Tensor ones(const Shape& shape) {
  Tensor x = empty(shape);
  x.fill(1.0f);
  return x;
}

Tensor dropped(const Dropout& layer, const Tensor& x) { return layer(x, {.training = true}); }

// How many of n numbers drop at this rate: within five deviations of n rate.
void expect_share(const Tensor& y, double rate) {
  double zeros = 0;
  for (const float value : y) zeros += value == 0;
  const double n = static_cast<double>(y.size());
  EXPECT_NEAR(zeros, n * rate, 5 * std::sqrt(n * rate * (1 - rate)) + 1) << "rate " << rate;
}

TEST(Dropout, DropsItsShareAndScalesTheRest) {
  set_random_seed(3);
  const Tensor x = drawn({300, 20, 30}, 1);
  for (const float rate : {0.01f, 0.1f, 0.5f, 0.9f}) {
    const Tensor y = dropped(Dropout(rate), x);
    expect_share(y, rate);
    double mean = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (y.data()[i] == 0) continue;
      EXPECT_FLOAT_EQ(y.data()[i], x.data()[i] / (1 - rate));
      mean += static_cast<double>(y.data()[i]) / x.data()[i] / static_cast<double>(x.size());
    }
    EXPECT_NEAR(mean, 1.0, 5 * std::sqrt(rate / (1 - rate) / static_cast<double>(x.size())));
  }
}

TEST(Dropout, EachPlaceDropsAsOften) {
  set_random_seed(4);
  const Dropout layer(0.3);
  Tensor kept = zeros({1, 4, 5});
  constexpr int steps = 4000;
  for (int step = 0; step < steps; ++step) {
    const Tensor y = dropped(layer, ones({1, 4, 5}));
    for (std::size_t i = 0; i < y.size(); ++i) kept.data()[i] += y.data()[i] != 0;
  }
  for (const float count : kept) EXPECT_NEAR(count, steps * 0.7, 5 * std::sqrt(steps * 0.21));
}

TEST(Dropout, EndsOfTheRate) {
  const Tensor x = drawn({5, 7}, 2);
  EXPECT_EQ(dropped(Dropout(0.0), x), x);
  EXPECT_EQ(dropped(Dropout(1.0), x), zeros({5, 7}));
  EXPECT_EQ(Dropout(1.0)(x), x);
}

TEST(Dropout, GradientIsWhatWasKept) {
  for (const Config& config : {Config{{"rate", 0.4}}, Config{{"rate", 0.4}, {"noise_shape", Value::List{3, 1, 5}}},
                               Config{{"rate", 1}}, Config{{"rate", 0}}}) {
    const Dropout layer = Dropout::from_config(config);
    // The same numbers drop in each call of `gradients`: dx for dy = 1 are the factors, and dx = dy * factors.
    const Tensor x = drawn({3, 4, 5}, 3), dy = drawn({3, 4, 5}, 4);
    const Tensor factors = gradients(layer, x, ones({3, 4, 5})).inputs[0];
    EXPECT_EQ(gradients(layer, x, dy).inputs[0], Tensor(dy * factors));
    const Tensor inference = gradients(layer, x, dy, {.training = false}).inputs[0];
    EXPECT_EQ(inference, dy);
  }
}

TEST(Dropout, NoiseShapeSharesNumbers) {
  set_random_seed(5);
  const auto with = [](std::vector<Dim> shape) { return Dropout({.rate = 0.5f, .noise_shape = std::move(shape)}); };
  const Tensor x = ones({40, 6, 8});
  const Tensor over_steps = dropped(with({None, 1, None}), x);
  const Tensor over_features = dropped(with({40, 6, 1}), x);
  const Tensor over_samples = dropped(with({1, 6, 8}), x);
  const Tensor one = dropped(with({1, 1, 1}), x);
  for (std::size_t i = 0; i < 40; ++i)
    for (std::size_t t = 0; t < 6; ++t)
      for (std::size_t k = 0; k < 8; ++k) {
        EXPECT_EQ(over_steps(i, t, k), over_steps(i, 0, k));
        EXPECT_EQ(over_features(i, t, k), over_features(i, t, 0));
        EXPECT_EQ(over_samples(i, t, k), over_samples(0, t, k));
        EXPECT_EQ(one(i, t, k), one(0, 0, 0));
      }
  const auto values = [](const Tensor& y) { return std::set<float>(y.begin(), y.end()); };
  for (const Tensor& y : {over_steps, over_features, over_samples}) EXPECT_EQ(values(y), (std::set<float>{0, 2}));
  EXPECT_NE(over_steps(0, 0, 0) + over_steps(1, 0, 1) + over_steps(2, 0, 3) + over_steps(3, 0, 5),
            over_steps(4, 0, 0) + over_steps(5, 0, 1) + over_steps(6, 0, 3) + over_steps(7, 0, 5));
}

TEST(Dropout, DependsOnSeedAndStepButNotOnThreads) {
  const Tensor x = ones({64, 5, 7});
  // Two calls of a new layer.
  const auto calls = [&](std::optional<std::int64_t> own, std::uint64_t seed) {
    set_random_seed(seed);
    const Dropout layer({.rate = 0.5f, .seed = own});
    return std::vector{dropped(layer, x), dropped(layer, x)};
  };
  const int before = num_threads();
  std::vector<std::vector<Tensor>> all;
  for (const std::optional<std::int64_t> own : {std::optional<std::int64_t>(), {1}, {2}}) {
    all.push_back(calls(own, 6));
    EXPECT_NE(all.back()[0], all.back()[1]);
    for (const int threads : {1, 2, 7}) {
      set_num_threads(threads);
      EXPECT_TRUE(same_bits(calls(own, 6), all.back())) << threads << " threads";
    }
    set_num_threads(before);
    // With a seed of its own the layer does not ask the program's.
    EXPECT_EQ(same_bits(calls(own, 7), all.back()), own.has_value());
  }
  EXPECT_NE(all[0][0], all[1][0]);
  EXPECT_NE(all[1][0], all[2][0]);
}

/// The vectors along the last axes, `rank` of them, of a tensor.
std::set<std::vector<float>> parts_of(const Tensor& x, std::size_t rank) {
  const std::size_t size = shape(x).elements() / std::accumulate(x.shape().begin(), x.shape().end() - rank,
                                                                 std::size_t{1}, std::multiplies<>());
  std::set<std::vector<float>> parts;
  for (std::size_t i = 0; i < x.size(); i += size) parts.emplace(x.data() + i, x.data() + i + size);
  return parts;
}

// Samples that are alike come out unlike, wherever the batch is cut.
TEST(Dropout, EachSampleHasNumbersOfItsOwnInEveryLayerThatDrops) {
  constexpr std::size_t samples = 70;
  Tensor x = empty({samples, 6, 8});
  const Tensor sample = drawn({6, 8}, 1);
  for (std::size_t i = 0; i < samples; ++i) std::copy(sample.begin(), sample.end(), x.data() + i * sample.size());
  const std::pair<Layer, Data> calls[] = {
      {Dropout(0.5f), x},
      {MultiHeadAttention({.num_heads = 2, .key_dim = 4, .dropout = 0.5f}), {x, x}},
      {MultiHeadAttention({.num_heads = 2, .key_dim = 4, .dropout = 0.5f, .seed = 3}), {x, x}},
      {TransformerBlock({.dim_model = 8, .num_heads = 2, .dropout_rate = 0.5f}), x},
      {TransformerEncoder({.intermediate_dim = 8, .num_heads = 2, .dropout = 0.5f}), x},
      {DataEmbeddingWithoutPosition({.c_in = 8, .d_model = 8, .dropout = 0.5f}), x},
  };
  for (const auto& [layer, inputs] : calls) {
    EXPECT_EQ(parts_of(layer(inputs), 2).size(), 1u) << layer.class_name();
    EXPECT_EQ(parts_of(layer(inputs, {.training = true}), 2).size(), samples) << layer.class_name();
  }
}

// Each query of each head too, in blocks of queries that are computed together: equal queries, keys and values of all heads
// give rows that are equal but for what was dropped.
TEST(Dropout, EachQueryOfEachHeadHasNumbersOfItsOwn) {
  for (const Dim steps : {20, 1100}) {
    const Tensor one_head = drawn({steps, 2}, 1);
    Tensor query = empty({3, 20, 4, 2}), value = empty({3, steps, 4, 2});
    query.fill(0.5f);
    for (Dim i = 0; i < 3; ++i)
      for (Dim s = 0; s < steps; ++s)
        for (Dim head = 0; head < 4; ++head)
          for (Dim f = 0; f < 2; ++f) value(i, s, head, f) = one_head(s, f);
    const Layer core = attention_core({.dropout = 0.5f});
    EXPECT_EQ(parts_of(core({query, value, value}), 1).size(), 1u);
    EXPECT_EQ(parts_of(core({query, value, value}, {.training = true}), 1).size(), std::size_t{3 * 20 * 4});
  }
}

TEST(Dropout, TrainsToTheSameBitsOnAnyNumberOfThreads) {
  const Tensor x = drawn({50, 6, 4}, 7), y = drawn({50, 6, 1}, 8);
  const auto train = [&](int threads, double rate) {
    set_num_threads(threads);
    set_random_seed(9);
    Sequential model{Input({6, 4}), Dense({.units = 8, .activation = "tanh"}), Dropout(rate), Dense({.units = 1})};
    model.compile({.optimizer = "adam", .loss = "mse"});
    model.fit(x, y, {.batch_size = 16, .epochs = 2, .verbose = 0});
    EXPECT_EQ(model.predict(x), model.predict(x));
    return model.get_weights();
  };
  const int before = num_threads();
  const std::vector<Tensor> one = train(1, 0.5);
  EXPECT_TRUE(same_bits(train(2, 0.5), one));
  EXPECT_TRUE(same_bits(train(7, 0.5), one));
  EXPECT_FALSE(same_bits(train(2, 0.0), one));
  set_num_threads(before);
}

TEST(Dropout, IsWhatTheRandomNumbersSay) {
  std::vector<float> x(100, 1.0f), y(100);
  dropout(9, 3, 0.25f, 100, x.data(), y.data());
  const Random random(9, Purpose::dropout);
  for (std::uint64_t i = 0; i < 100; ++i) {
    const std::uint32_t number = random.bits32((i + 3) / 2) >> ((i + 3) % 2 * 16) & 0xffff;
    EXPECT_EQ(y[i], number < 65536 / 4 ? 0.0f : 1 / 0.75f);
  }
}

TEST(Dropout, Errors) {
  const auto error = [](Dropout::Options options) { return error_of<ValueError>([&] { Dropout{options}; }); };
  EXPECT_EQ(error({.name = "d"}), "[Dropout 'd'] expected a rate from 0 to 1, got -1.0");
  EXPECT_EQ(error({.rate = 1.5f}), "[Dropout] expected a rate from 0 to 1, got 1.5");
  EXPECT_EQ(error({.rate = NAN}), "[Dropout] expected a rate from 0 to 1, got NaN");
  EXPECT_EQ(error({.rate = 0.5f, .noise_shape = {None, 0}}),
            "[Dropout] expected extents of 1 or more, or None, in noise_shape, got 0");
  EXPECT_THAT(error({.rate = 0.5f, .noise_shape = std::vector<Dim>(9, 1)}), HasSubstr("at most 8 axes, got 9"));
  const Dropout layer({.rate = 0.5f, .noise_shape = {None, 1, 4}, .name = "d"});
  EXPECT_EQ(error_of<ShapeError>([&] {
              layer(zeros({2, 3, 5}));
            }),
            "[Dropout 'd'] expected an input that the noise_shape (None, 1, 4) fits, got (None, 3, 5)");
  EXPECT_EQ(error_of<ShapeError>([&] {
              layer(zeros({2, 4}));
            }),
            "[Dropout 'd'] expected an input that the noise_shape (None, 1, 4) fits, got (None, 4)");
  EXPECT_THAT(error_of<ValueError>([] { Dropout::from_config({{"rate", 0.5}, {"seeds", 1}}); }), HasSubstr("seeds"));
}

}  // namespace
}  // namespace xl
