// Masks of one stretch of steps that count, from any step to any other: what comes out is what the stretch gives alone.

#include <gtest/gtest.h>

#include "golden.hpp"
#include "xlayers/xlayers.hpp"

namespace xl {
namespace {

using namespace testing_golden;

/// Steps [begin, end) of a sample count.
struct Stretch {
  Dim begin, end;
  bool contains(Dim step) const { return begin <= step && step < end; }
};

/// Every stretch between some steps; those at which blocks of queries and vectors of the kernels begin and end are among them.
std::vector<Stretch> stretches(Dim steps) {
  std::vector<Stretch> all;
  std::vector<Dim> edges;
  for (const Dim edge : {0, 1, 2, 7, 8, 15, 16, 17, 62, 63, 64, 126, 129, 130})
    if (edge <= steps) edges.push_back(edge);
  for (const Dim begin : edges)
    for (const Dim end : edges)
      if (begin < end) all.push_back({begin, end});
  return all;
}

/// The same series once for each stretch, with the stretch's steps as they are and numbers that would be noticed elsewhere.
Tensor series_of(const std::vector<Stretch>& all, const Tensor& series) {
  const Dim steps = shape(series)[0], features = shape(series)[1];
  Tensor x = empty({static_cast<Dim>(all.size()), steps, features});
  x.fill(100.0f);
  for (std::size_t i = 0; i < all.size(); ++i)
    for (Dim t = all[i].begin; t < all[i].end; ++t)
      for (Dim f = 0; f < features; ++f) x(i, t, f) = series(t, f);
  return x;
}

Tensor mask_of(const std::vector<Stretch>& all, Dim steps) {
  Tensor mask = zeros({static_cast<Dim>(all.size()), steps});
  for (std::size_t i = 0; i < all.size(); ++i)
    for (Dim t = all[i].begin; t < all[i].end; ++t) mask(i, t) = 1.0f;
  return mask;
}

/// A stretch alone: (1, end - begin, features).
Tensor cut(const Tensor& x, std::size_t sample, Stretch stretch) {
  const Dim features = shape(x).back();
  Tensor part = empty({1, stretch.end - stretch.begin, features});
  std::copy_n(&x(sample, stretch.begin, 0), part.size(), part.data());
  return part;
}

void expect_near(const Tensor& found, const Tensor& truth, Stretch stretch) {
  const std::vector<double> numbers(truth.begin(), truth.end());
  EXPECT_LE(difference(found, numbers), 1e-5 * std::max(1.0, largest(numbers)))
      << "steps " << stretch.begin << " to " << stretch.end;
}

TEST(MaskEdges, APooledStretchIsTheMeanOfItsSteps) {
  for (const Dim steps : {1, 2, 17, 130}) {
    const std::vector<Stretch> all = stretches(steps);
    const Tensor series = drawn({steps, 5}, 1), x = series_of(all, series), dy = drawn({shape(x)[0], 5}, 2);
    const GlobalAveragePooling1D layer;
    const CallOptions masked{.masks = {mask_of(all, steps)}};
    const Tensor y = layer(x, masked), dx = gradients(layer, x, dy, masked).inputs[0];
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Tensor alone = cut(x, i, all[i]);
      expect_near(samples(y, i, 1), layer(alone), all[i]);
      expect_near(cut(dx, i, all[i]), gradients(layer, alone, samples(dy, i, 1)).inputs[0], all[i]);
      for (Dim t = 0; t < steps; ++t) EXPECT_TRUE(all[i].contains(t) || dx(i, t, 0) == 0.0f) << t;
    }
  }
}

TEST(MaskEdges, AttentionWithinAStretchIsThatOfTheStretchAlone) {
  for (const Dim steps : {1, 17, 130})
    for (const bool causal : {false, true}) {
      const std::vector<Stretch> all = stretches(steps);
      const Tensor series = drawn({steps, 6}, 1), x = series_of(all, series), dy = drawn(shape(x), 2);
      const MultiHeadAttention layer({.num_heads = 2, .key_dim = 3, .bias_initializer = "ones"});
      layer(x, x);
      const CallOptions plain{.arguments = {{"use_causal_mask", causal}}};
      CallOptions masked = plain;
      masked.masks = {mask_of(all, steps), mask_of(all, steps)};
      const Tensor y = layer.call({x, x}, masked)[0];
      const Gradients slopes = gradients(layer, {x, x}, dy, masked);
      for (std::size_t i = 0; i < all.size(); ++i) {
        const Tensor alone = cut(x, i, all[i]);
        expect_near(cut(y, i, all[i]), layer.call({alone, alone}, plain)[0], all[i]);
        // A query outside sees no key, and gives the bias: no gradient goes into or out of the stretch.
        const Gradients truth = gradients(layer, {alone, alone}, cut(dy, i, all[i]), plain);
        for (int input = 0; input < 2; ++input)
          expect_near(cut(slopes.inputs[input], i, all[i]), truth.inputs[input], all[i]);
        for (Dim t = 0; t < steps; ++t) EXPECT_TRUE(all[i].contains(t) || y(i, t, 0) == 1.0f) << t;
      }
    }
}

TEST(MaskEdges, AnEncoderSeesAStretchAsIfItWereAlone) {
  const Dim steps = 17;
  const std::vector<Stretch> all = stretches(steps);
  const Tensor x = series_of(all, drawn({steps, 6}, 1));
  const TransformerEncoder layer({.intermediate_dim = 5, .num_heads = 2});
  const Tensor y = layer.call(x, {.masks = {mask_of(all, steps)}})[0];
  for (std::size_t i = 0; i < all.size(); ++i) expect_near(cut(y, i, all[i]), layer(cut(x, i, all[i])), all[i]);
}

// The loss, the metrics and the step are those of the steps that count; a sample of which none does counts for nothing.
TEST(MaskEdges, AStretchIsWhatCountsInALoss) {
  const Dim steps = 17;
  std::vector<Stretch> all = stretches(steps);
  all.push_back({0, 0});
  all.insert(all.begin(), {3, 3});
  const auto count = static_cast<Dim>(all.size());
  IntTensor words = IntTensor::from_shape({static_cast<std::size_t>(count), static_cast<std::size_t>(steps)});
  words.fill(0);
  for (Dim i = 0; i < count; ++i)
    for (Dim t = all[i].begin; t < all[i].end; ++t) words(i, t) = static_cast<std::int32_t>(1 + (i + t) % 8);
  const SymbolicTensor input = Input({steps}, {.dtype = "int32"});
  const Embedding embedding({.input_dim = 9, .output_dim = 4, .mask_zero = true});
  const Dense dense({.units = 2});
  const Model model(input, dense(embedding(input)));
  model.compile({.optimizer = SGD({.learning_rate = 1.0}), .loss = "mse", .weighted_metrics = {"mae"}});

  const Tensor target = drawn({count, steps, 2}, 1), forecast = model.predict(words);
  double squares = 0.0, sizes = 0.0, valid = 0.0;
  Tensor slope = zeros({2});  // of the bias
  for (Dim i = 0; i < count; ++i)
    for (Dim t = all[i].begin; t < all[i].end; ++t, ++valid)
      for (Dim f = 0; f < 2; ++f) {
        const double error = static_cast<double>(forecast(i, t, f)) - target(i, t, f);
        squares += error * error / 2;
        sizes += std::abs(error) / 2;
        slope(f) += static_cast<float>(error);
      }
  for (const int batch_size : {1000, 7, 1}) {
    const Scores scores = model.evaluate(words, target, {.batch_size = batch_size});
    if (batch_size == 1000) {
      EXPECT_NEAR(scores.loss(), squares / valid, 1e-6);
    }
    EXPECT_NEAR(scores["mae"], sizes / valid, 1e-6) << batch_size;
  }
  const Tensor before = dense.get_weights()[1];
  model.train_on_batch(words, target);
  for (Dim f = 0; f < 2; ++f) EXPECT_NEAR(before(f) - dense.get_weights()[1](f), slope(f) / valid, 1e-6);
}

}  // namespace
}  // namespace xl
