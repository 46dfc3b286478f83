// Sizes that overflow: extents, options and counts near the ends of their types are errors that say what came, never a size
// that wrapped round; and a huge kernel takes no longer than its data.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <xlayers/xlayers.hpp>

#include <chrono>
#include <cmath>
#include <limits>
#include <string>

#include "xlayers/framework/base/checked.hpp"
#include "xlayers/framework/engine/arena.hpp"
#include "xlayers/framework/engine/gradients.hpp"

namespace xl {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
constexpr int most_int = std::numeric_limits<int>::max();
constexpr Dim k31 = Dim{1} << 31, k40 = Dim{1} << 40;

template <class Kind, class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const Kind& error) {
    return error.what();
  }
  return "no error";
}

// ---- the helpers

TEST(Overflow, ProductsAndSums) {
  EXPECT_EQ(checked_mul(most_elements, 1), most_elements);
  EXPECT_EQ(checked_mul(0, most), 0);
  EXPECT_EQ(checked_add(most_elements - 1, 1), most_elements);
  for (const auto& [a, b] : {std::pair{most, most}, {k31, k31}, {most_elements, std::int64_t{2}}})
    EXPECT_THAT(error_of<ShapeError>([&, a = a, b = b] { checked_mul(a, b); }),
                HasSubstr("at most 2^48 elements, got " + std::to_string(a) + " * " + std::to_string(b)));
  EXPECT_THAT(error_of<ShapeError>([] { checked_add(most, 1); }), HasSubstr(" + 1"));
  EXPECT_THAT(error_of<ShapeError>([] { checked_add(most_elements, 1); }), HasSubstr(" + 1"));
}

TEST(Overflow, Shapes) {
  EXPECT_EQ(Shape({k40, 1 << 8}).elements(), most_elements);
  EXPECT_EQ(Shape({k40, 0}).elements(), 0);
  for (const Shape& shape : {Shape{k31, k31}, Shape{0, k31, k31}, Shape{k31, k31, 0}, Shape{most},
                             Shape{most, most, most}, Shape{65536, 65536, 65536, 65536}, Shape{3, most}}) {
    const std::string text = "a tensor of shape " + to_string(shape) + " is too large: expected extents whose product";
    EXPECT_THAT(error_of<ShapeError>([&] { shape.elements(); }), StartsWith(text));
    EXPECT_THAT(error_of<ShapeError>([&] { shape.check_size(); }), StartsWith(text));
    EXPECT_THAT(error_of<ShapeError>([&] { zeros(shape); }), StartsWith(text));
    EXPECT_THAT(error_of<ShapeError>([&] { empty(shape); }), StartsWith(text));
    EXPECT_THAT(error_of<ShapeError>([&] { random_normal(shape, 1); }), StartsWith(text));
    EXPECT_THAT(error_of<ShapeError>([&] { random_uniform(shape, 0, 1, 1); }), StartsWith(text));
    EXPECT_THAT(error_of<ShapeError>([&] { random_integers(shape, 0, 1, 1); }), StartsWith(text));
  }
  EXPECT_THAT(error_of<ShapeError>([] { Fans::of({k31, k31, 1}); }), HasSubstr("2^48"));
}

TEST(Overflow, PlacesInTheArena) {
  std::int64_t offsets[2];
  std::vector<Buffer> sizes{{most_elements, 0, 0, 1, &offsets[0]}, {0, most_elements, 0, 1, &offsets[1]}};
  EXPECT_THAT(error_of<ShapeError>([&] { place(sizes, 64, 0); }), HasSubstr("2^48"));
  EXPECT_THAT(error_of<ShapeError>([&] { place(sizes, 1, 16); }), HasSubstr("2^48"));
}

// ---- symbolic tensors: no memory is needed to be wrong

TEST(Overflow, LayersThatMakeMoreThanTheyGet) {
  const auto input = [](const Shape& shape) { return Input(shape); };
  const auto expect = [](const char* name, auto f) {
    EXPECT_THAT(error_of<ShapeError>(f), AllOf(StartsWith(std::string("[") + name + " '"), HasSubstr("2^48"))) << name;
  };
  expect("InputLayer", [&] { input({k31, k31}); });
  expect("InputLayer", [&] { input({most}); });
  expect("Multiply", [&] {
    Multiply()({input({65536, 1, 1, 1}), input({1, 65536, 1, 1}), input({1, 1, 65536, 1}), input({1, 1, 1, 32768})});
  });
  expect("Add", [&] { Add()({input({k31, 1}), input({1, k31})}); });
  expect("Maximum", [&] { Maximum()({input({k31, 1}), input({1, k31})}); });
  expect("Multiply", [&] { input({k31, 1}) * input({1, k31}); });
  expect("Concatenate", [&] { Concatenate()({input({k40, 128}), input({k40, 129})}); });
  expect("Concatenate", [&] { Concatenate({.axis = 1})({input({most_elements}), input({1})}); });
  expect("Dense", [&] { Dense({.units = most_int})(input({k40, 1})); });
  expect("Dense", [&] { Dense({.units = most_int})(input({k31})); });
  expect("Embedding", [&] { Embedding({.input_dim = most_int, .output_dim = most_int})(input({1})); });
  expect("Conv1D", [&] { Conv1D({.filters = most_int, .kernel_size = most_int})(input({k40, 1})); });
  expect("Conv1D", [&] { Conv1D({.filters = 1, .kernel_size = 2, .padding = "same"})(input({most_elements, 1})); });
  expect("Conv1D", [&] { Conv1D({.filters = most_int, .kernel_size = 1})(input({k40, 1})); });
  expect("Reshape", [&] { Reshape({.target_shape = {k31, k31, k31}})(input({k31})); });
  expect("Reshape", [&] { Reshape({.target_shape = {most, -1}})(input({k31})); });
  expect("PositionEmbedding", [&] { PositionEmbedding({.sequence_length = most_int})(input({1, k31})); });
}

TEST(Overflow, WindowsBeyondTheData) {
  EXPECT_THAT(error_of<ShapeError>([] {
                Conv1D({.filters = 1, .kernel_size = most_int, .dilation_rate = most_int, .name = "c"})(Input({10, 1}));
              }),
              HasSubstr("[Conv1D 'c'] expected an input of 4611686011984936963 steps or more"));
  EXPECT_THAT(
      error_of<ShapeError>([] {
        Conv1D({.filters = 1, .kernel_size = most_int, .padding = "circular", .dilation_rate = most_int, .name = "c"})(
            Input({10, 1}));
      }),
      HasSubstr("[Conv1D 'c'] expected an input of "));
}

// ---- data without samples may have any steps

TEST(Overflow, EmptyBatchesOfHugeSamples) {
  EXPECT_THAT(error_of<ShapeError>([] { RotaryEmbedding()(zeros({0, k31, k31})); }), HasSubstr("is too large"));
  // xtensor itself makes such a tensor.
  const Tensor huge = Tensor::from_shape({0, std::size_t{1} << 31, std::size_t{1} << 31});
  EXPECT_THAT(error_of<ShapeError>([&] { RotaryEmbedding({.name = "r"})(huge); }),
              HasSubstr("[RotaryEmbedding 'r'] a tensor of shape (0, 2147483648, 2147483648) is too large"));
  EXPECT_THAT(error_of<ShapeError>([&] { LayerNormalization()(huge); }), HasSubstr("is too large"));
  EXPECT_THAT(error_of<ShapeError>([&] { gradients(LayerNormalization(), huge, huge); }), HasSubstr("is too large"));
  EXPECT_THAT(error_of<ShapeError>([&] { Flatten().compute_mask(huge); }), HasSubstr("is too large"));
  Sequential model{Input({None, None}), Flatten()};
  EXPECT_THAT(error_of<Error>([&] { model.predict(huge); }), HasSubstr("(0, 2147483648, 2147483648)"));
  // This fits, but what is computed from it does not.
  const Tensor steps = zeros({0, k40, 2});
  MultiHeadAttention attention({.num_heads = 1, .key_dim = 2, .name = "m"});
  EXPECT_THAT(error_of<ShapeError>([&] {
                attention(Data{steps, steps});
              }),
              AllOf(HasSubstr("[MultiHeadAttention"), HasSubstr("2^48")));
}

TEST(Overflow, MemoryThatThereIsNot) {
#ifdef XLAYERS_GUARDS
  GTEST_SKIP() << "a sanitizer ends a program that asks for so much";
#endif
  EXPECT_THAT(error_of<ShapeError>([] { zeros({k40, 100}); }), HasSubstr("does not fit into memory"));
  EXPECT_THAT(error_of<ShapeError>([] {
                random_integers({k40, 100}, 0, 1, 1);
              }),
              HasSubstr("does not fit into memory"));
  const Tensor steps = zeros({0, k40, 2});
  EXPECT_THAT(error_of<ValueError>([&] { RotaryEmbedding({.name = "r"})(steps); }),
              HasSubstr("[RotaryEmbedding 'r'] "));
  EXPECT_THAT(error_of<Error>([&] { LayerNormalization()(steps); }), HasSubstr("does not fit into memory"));
}

// ---- options near the ends of their types

TEST(Overflow, StartIndex) {
  const Tensor x = random_normal({1, 3, 2}, 1);
  for (const std::int64_t start : {most, most - 1, (std::int64_t{1} << 52) + 1}) {
    const auto expect = [&](const auto& layer) {
      EXPECT_THAT(error_of<ValueError>([&] { layer(x, {.start_index = start}); }),
                  HasSubstr("'p'] expected a start_index of at most 2^52, got " + std::to_string(start)));
    };
    expect(RotaryEmbedding({.name = "p"}));
    expect(SinePositionEncoding({.name = "p"}));
    expect(PositionEmbedding({.sequence_length = 5, .name = "p"}));
  }
  EXPECT_TRUE(std::isfinite(RotaryEmbedding()(x, {.start_index = std::int64_t{1} << 52}).data()[5]));
  EXPECT_THAT(error_of<ShapeError>([&] { PositionEmbedding({.sequence_length = 5})(x, {.start_index = 4}); }),
              HasSubstr("5 - 4 steps"));
}

TEST(Overflow, OptimizersAndSchedules) {
  Optimizer adam = "adam";
  for (const std::int64_t wrong : {most, (std::int64_t{1} << 53) + 1, std::int64_t{-1}})
    EXPECT_THAT(error_of<ValueError>([&] { adam.set_iterations(wrong); }),
                HasSubstr("expected iterations from 0 to 2^53, got " + std::to_string(wrong)));
  adam.set_iterations(std::int64_t{1} << 53);
  EXPECT_THAT(error_of<ShapeError>([&] { adam.build(std::vector<std::int64_t>{most, most}); }), HasSubstr("2^48"));
  EXPECT_FALSE(adam.built());
  adam.build(std::vector<std::int64_t>{1});
  float weight = 1, gradient = 1;
  adam.apply(std::vector<Optimizer::Update>{{.weight = &weight, .gradient = &gradient, .size = 1}});
  EXPECT_TRUE(std::isfinite(weight));

  const CosineDecay cosine(
      {.initial_learning_rate = 0.1, .decay_steps = most, .warmup_target = 0.2, .warmup_steps = most});
  EXPECT_DOUBLE_EQ(LearningRateSchedule(cosine)(most), 0.2);
  EXPECT_DOUBLE_EQ(LearningRateSchedule(cosine)(0), 0.1);
  const ExponentialDecay decay({.initial_learning_rate = 0.1, .decay_steps = most, .decay_rate = 0.5});
  EXPECT_DOUBLE_EQ(LearningRateSchedule(decay)(most), 0.05);
}

TEST(Overflow, WindowsOfTimeSeries) {
  const Tensor data = zeros({10, 1});
  for (const TimeseriesOptions& options :
       {TimeseriesOptions{.sequence_length = most}, TimeseriesOptions{.sequence_length = most, .sampling_rate = 9},
        TimeseriesOptions{.sequence_length = 2, .sequence_stride = most},
        TimeseriesOptions{.sequence_length = 2, .sampling_rate = most},
        TimeseriesOptions{.sequence_length = 2, .start_index = most},
        TimeseriesOptions{.sequence_length = 2, .end_index = most}})
    EXPECT_THAT(error_of<ValueError>([&] { timeseries_dataset_from_array(data, options); }),
                StartsWith("[timeseries_dataset_from_array] "));
}

TEST(Overflow, NumbersOfBatchesAndEpochs) {
  const Tensor x = zeros({5, 1});
  Sequential model{Input({1}), Dense({.units = 1})};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const History history = model.fit(x, x,
                                    {.batch_size = most_int,
                                     .epochs = most_int,
                                     .verbose = 0,
                                     .initial_epoch = most_int - 1,
                                     .validation_batch_size = most_int,
                                     .validation_freq = most_int});
  EXPECT_EQ(history.epoch, std::vector<int>{most_int - 1});
  EXPECT_EQ(shape(model.predict(x, {.batch_size = most_int})), (Shape{5, 1}));
  EXPECT_TRUE(std::isfinite(model.evaluate(x, x, {.batch_size = most_int}).loss()));
}

TEST(Overflow, AxesAndSeeds) {
  const int least_int = std::numeric_limits<int>::min();
  const Tensor x = zeros({2, 3, 4});
  for (const int axis : {least_int, most_int}) {
    EXPECT_THAT(error_of<ShapeError>([&] { Concatenate({.axis = axis})(Data{x, x}); }), StartsWith("[Concatenate '"));
    EXPECT_THAT(error_of<ShapeError>([&] { Softmax({.axis = axis})(x); }), StartsWith("[Softmax '"));
    EXPECT_THAT(error_of<ShapeError>([&] { LayerNormalization({.axis = axis})(x); }),
                StartsWith("[LayerNormalization '"));
    EXPECT_THAT(error_of<ShapeError>([&] { RotaryEmbedding({.sequence_axis = axis})(x); }),
                StartsWith("[RotaryEmbedding '"));
  }
  EXPECT_EQ(random_normal({3}, most), random_normal({3}, most));
  const IntTensor ends = random_integers({100}, std::numeric_limits<int>::min(), most_int, 1);
  EXPECT_LT(*std::max_element(ends.begin(), ends.end()), most_int);
  EXPECT_EQ(shape(Dropout({.rate = 0.5, .seed = most_int})(x, {.training = true})), shape(x));
}

// ---- huge kernels

template <class F>
double seconds(F f) {
  const auto begin = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

TEST(Overflow, AMovingAverageOfAHugeKernelTakesAsLongAsItsData) {
  const Tensor x = random_normal({2, 50, 3}, 1);
  for (const int kernel : {3, 4, 99, 100, 101, 102, 1000, 1001, 1'000'000}) {
    const MovingAverage average({.kernel_size = kernel});
    const Tensor y = average(x), dy = random_normal({2, 50, 3}, 2);
    const Gradients g = gradients(average, x, dy);
    const std::int64_t before = (kernel - 1) / 2, padded = 50 + 2 * before;
    double forward = 0, backward = 0;
    for (std::int64_t t = 0; t < 50; ++t) {
      const std::int64_t end = std::min<std::int64_t>(t + kernel, padded);
      double sum = 0;
      std::int64_t of_first = 0;
      for (std::int64_t q = t; q < end; ++q) {
        const std::int64_t step = std::clamp<std::int64_t>(q - before, 0, 49);
        sum += x(1, step, 2);
        of_first += step == 0;
      }
      EXPECT_NEAR(y(1, t, 2), sum / static_cast<double>(end - t), 1e-6) << kernel << ", step " << t;
      backward += dy(1, t, 2) * static_cast<double>(of_first) / static_cast<double>(end - t);
      forward += sum;
    }
    EXPECT_NEAR(g.inputs[0](1, 0, 2), backward, 1e-5) << kernel;
    EXPECT_TRUE(std::isfinite(forward));
  }
  EXPECT_LT(seconds([&] {
              const MovingAverage average({.kernel_size = most_int});
              average(x);
              gradients(average, x, x);
              SeriesDecomposition({.kernel_size = most_int})(x);
            }),
            1.0);
}

TEST(Overflow, AMovingAverageLeavesInfinitiesInTheirWindows) {
  Tensor x = zeros({1, 5, 1});
  x(0, 0, 0) = INFINITY;
  const Tensor y = MovingAverage({.kernel_size = 3})(x);
  EXPECT_EQ(y(0, 1, 0), INFINITY);
  EXPECT_EQ(y(0, 2, 0), 0.0f);
  EXPECT_EQ(y(0, 4, 0), 0.0f);
}

// Taps far apart see the padding alone: with them or without, the result is the same as that of an explicit loop.
TEST(Overflow, ADilationBeyondTheDataTakesAsLongAsTheData) {
  const Tensor x = random_normal({2, 10, 2}, 3);
  for (const std::string padding : {"causal", "same"})
    for (const int kernel : {1, 2, 3, 4})
      for (const int dilation : {2, 3, 5, 9, 10, 11, 20, 40, most_int}) {
        const Conv1D conv({.filters = 3, .kernel_size = kernel, .padding = padding, .dilation_rate = dilation});
        const Tensor y = conv(x), dy = random_normal({2, 10, 3}, 4);
        const Gradients g = gradients(conv, x, dy);
        const Tensor w = conv.get_weights()[0];
        const std::int64_t reach = static_cast<std::int64_t>(kernel - 1) * dilation;
        const std::int64_t left = padding == "causal" ? reach : reach / 2;
        Tensor dw = zeros(shape(w)), dx = zeros(shape(x));
        for (std::int64_t s = 0; s < 2; ++s)
          for (std::int64_t t = 0; t < 10; ++t)
            for (std::int64_t f = 0; f < 3; ++f) {
              double sum = 0;
              for (std::int64_t k = 0; k < kernel; ++k) {
                const std::int64_t at = t + k * dilation - left;
                if (at < 0 || at >= 10) continue;
                for (std::int64_t c = 0; c < 2; ++c) {
                  sum += static_cast<double>(x(s, at, c)) * w(k, c, f);
                  dw(k, c, f) += x(s, at, c) * dy(s, t, f);
                  dx(s, at, c) += w(k, c, f) * dy(s, t, f);
                }
              }
              ASSERT_NEAR(y(s, t, f), sum, 1e-5) << padding << ", " << kernel << ", " << dilation << ", step " << t;
            }
        for (std::size_t i = 0; i < dw.size(); ++i)
          ASSERT_NEAR(g.weights[0].data()[i], dw.data()[i], 1e-4) << padding << ", " << kernel << ", " << dilation;
        for (std::size_t i = 0; i < dx.size(); ++i)
          ASSERT_NEAR(g.inputs[0].data()[i], dx.data()[i], 1e-4) << padding << ", " << kernel << ", " << dilation;
      }
}

TEST(Overflow, HugeStrides) {
  const Tensor x = random_normal({1, 10, 1}, 5);
  for (const std::string padding : {"valid", "causal", "same", "circular"}) {
    const Conv1D conv({.filters = 1, .kernel_size = 1, .strides = most_int, .padding = padding});
    EXPECT_EQ(shape(conv(x)), (Shape{1, 1, 1})) << padding;
    EXPECT_EQ(shape(gradients(conv, x, zeros({1, 1, 1})).inputs[0]), shape(x)) << padding;
  }
}

}  // namespace
}  // namespace xl
