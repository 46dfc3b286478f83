// The options with a range, at either end of it: the last number that goes, and the first one that does not.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden.hpp"
#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/xlayers.hpp"

namespace xl {
namespace {

using namespace testing_golden;

struct Range {
  std::string class_name;
  Config options;  ///< those that have to be given
  std::string option;
  std::vector<Value> good, bad;
};

using Numbers = std::vector<Value>;
constexpr int most_positions = 1 << 24;

std::vector<Range> layers() {
  const Numbers one{1}, none{0, -1}, unit{0.0, 1.0}, not_unit{-1e-6, 1.000001}, from_zero{0.0}, below_zero{-1e-6};
  const Numbers wavelengths{1.0, 1e30}, no_wavelengths{0.999, 1.001e30};
  const Config conv{{"filters", 2}, {"kernel_size", 3}}, attention{{"num_heads", 2}, {"key_dim", 3}};
  const Config pe{{"max_len", 9}, {"d_model", 4}}, fixed{{"n_features", 5}, {"d_model", 4}};
  const Config data{{"c_in", 2}, {"d_model", 4}}, block{{"dim_model", 1}, {"num_heads", 1}, {"ff_units", 4}};
  const Config encoder{{"intermediate_dim", 4}, {"num_heads", 2}};
  return {
      {"Dense", {{"units", 1}}, "units", one, none},
      {"Conv1D", conv, "filters", one, none},
      {"Conv1D", conv, "kernel_size", one, none},
      {"Conv1D", conv, "strides", one, none},
      {"Conv1D", conv, "dilation_rate", one, none},
      {"Conv1D", conv, "groups", one, none},
      {"DataEmbeddingWithoutPosition", data, "c_in", one, none},
      {"DataEmbeddingWithoutPosition", data, "d_model", one, none},
      {"DataEmbeddingWithoutPosition", data, "dropout", unit, not_unit},
      {"Dropout", {{"rate", 0.5}}, "rate", unit, not_unit},
      {"Embedding", {{"input_dim", 3}, {"output_dim", 4}}, "input_dim", one, none},
      {"Embedding", {{"input_dim", 3}, {"output_dim", 4}}, "output_dim", one, none},
      {"FixedEmbedding", fixed, "n_features", {1, most_positions}, {0, -1, most_positions + 1}},
      {"FixedEmbedding", fixed, "d_model", one, none},
      {"FixedEmbedding", fixed, "max_wavelength", wavelengths, no_wavelengths},
      {"MovingAverage", {{"kernel_size", 3}}, "kernel_size", one, none},
      {"MultiHeadAttention", attention, "num_heads", one, none},
      {"MultiHeadAttention", attention, "key_dim", one, none},
      {"MultiHeadAttention", attention, "value_dim", one, none},
      {"MultiHeadAttention", attention, "dropout", unit, not_unit},
      {"PositionEmbedding", {{"sequence_length", 4}}, "sequence_length", one, none},
      {"PositionalEmbedding", pe, "max_len", {1, most_positions}, {0, -1, most_positions + 1}},
      {"PositionalEmbedding", pe, "d_model", one, none},
      {"PositionalEmbedding", pe, "max_wavelength", wavelengths, no_wavelengths},
      {"ReversibleInstanceNorm", {{"num_features", 3}}, "num_features", one, none},
      {"ReversibleInstanceNorm", {{"num_features", 3}}, "eps", from_zero, below_zero},
      {"SeriesDecomposition", {{"kernel_size", 3}}, "kernel_size", one, none},
      {"SinePositionEncoding", {}, "max_wavelength", wavelengths, no_wavelengths},
      {"TemporalEmbedding", {{"d_model", 4}}, "d_model", one, none},
      {"TemporalEmbedding", {{"d_model", 4}}, "minute_size", one, none},
      {"TokenEmbedding", data, "c_in", one, none},
      {"TokenEmbedding", data, "d_model", one, none},
      {"TransformerBlock", block, "dim_model", one, none},
      {"TransformerBlock", block, "num_heads", one, none},
      {"TransformerBlock", block, "ff_units", one, none},
      {"TransformerBlock", block, "dropout_rate", {0.0, 0.999}, {-1e-6, 1.0}},
      {"TransformerEncoder", encoder, "intermediate_dim", one, none},
      {"TransformerEncoder", encoder, "num_heads", one, none},
      {"TransformerEncoder", encoder, "dropout", unit, not_unit},
      {"TransformerEncoder", encoder, "layer_norm_epsilon", from_zero, below_zero},
  };
}

Config with(Config options, const std::string& option, const Value& value) {
  options.set(option, value);
  return options;
}

TEST(OptionsAtTheEdge, OfLayers) {
  for (const Range& range : layers()) {
    SCOPED_TRACE(range.class_name + " " + range.option);
    const auto made = [&](const Value& value) {
      return layer_from_config(
          {{"class_name", range.class_name}, {"config", with(range.options, range.option, value)}});
    };
    for (const Value& value : range.good) {
      Value got = made(value).get_config().at(range.option);
      if (got.is_list()) got = got.as_list().at(0);  // a convolution's, along each axis
      EXPECT_EQ(static_cast<float>(got.as_number()), static_cast<float>(value.as_number()));
    }
    for (const Value& value : range.bad)
      EXPECT_THAT(error_of<ValueError>([&] { made(value); }), testing::StartsWith("[" + range.class_name))
          << value.to_text();
  }
}

/// The same for what is made by a from_config.
template <class T>
void expect_range(const char* option, const Numbers& good, const Numbers& bad) {
  SCOPED_TRACE(std::string(T::Options::class_name) + " " + option);
  for (const Value& value : good) EXPECT_NO_THROW(T::from_config({{option, value}})) << value.to_text();
  for (const Value& value : bad)
    EXPECT_THAT(error_of<ValueError>([&] {
                  T::from_config({{option, value}});
                }),
                testing::HasSubstr(option))
        << value.to_text();
}

TEST(OptionsAtTheEdge, OfOptimizersAndLosses) {
  const Numbers unit{0.0, 1.0}, not_unit{-1e-9, 1.000001}, from_zero{0.0}, below_zero{-1e-9}, fraction{0.0, 0.999999},
      no_fraction{-1e-9, 1.0};
  for (const char* option : {"learning_rate", "weight_decay"}) {
    expect_range<SGD>(option, from_zero, below_zero);
    expect_range<Adam>(option, from_zero, below_zero);
    expect_range<RMSprop>(option, from_zero, below_zero);
  }
  for (const char* option : {"beta_1", "beta_2"}) {
    expect_range<Adam>(option, fraction, no_fraction);
    expect_range<AdamW>(option, fraction, no_fraction);
  }
  expect_range<Adam>("epsilon", from_zero, below_zero);
  expect_range<SGD>("momentum", unit, not_unit);
  expect_range<RMSprop>("rho", unit, not_unit);
  expect_range<RMSprop>("momentum", unit, not_unit);
  expect_range<RMSprop>("epsilon", from_zero, below_zero);
  expect_range<BinaryCrossentropy>("label_smoothing", unit, not_unit);
  expect_range<CategoricalCrossentropy>("label_smoothing", unit, not_unit);
}

TEST(OptionsAtTheEdge, OfCallbacksAndData) {
  for (const int good : {0, 1}) {
    EXPECT_NO_THROW(EarlyStopping({.patience = good, .start_from_epoch = good}));
    EXPECT_NO_THROW(ReduceLROnPlateau({.patience = good, .cooldown = good}));
  }
  EXPECT_THAT(error_of<ValueError>([] { EarlyStopping({.patience = -1}); }), testing::HasSubstr("patience"));
  EXPECT_THAT(error_of<ValueError>([] { EarlyStopping({.start_from_epoch = -1}); }), testing::HasSubstr("start_from"));
  EXPECT_NO_THROW(ReduceLROnPlateau({.factor = 0.0, .min_lr = 0.0}));
  EXPECT_THAT(error_of<ValueError>([] { ReduceLROnPlateau({.factor = 1.0}); }), testing::HasSubstr("factor"));
  EXPECT_THAT(error_of<ValueError>([] { ReduceLROnPlateau({.factor = -1e-9}); }), testing::HasSubstr("factor"));
  EXPECT_THAT(error_of<ValueError>([] { ReduceLROnPlateau({.min_lr = -1e-9}); }), testing::HasSubstr("min_lr"));
  EXPECT_THAT(error_of<ValueError>([] { ReduceLROnPlateau({.cooldown = -1}); }), testing::HasSubstr("cooldown"));
  EXPECT_EQ(random_integers({4}, 3, 4, 1), (IntTensor{3, 3, 3, 3}));
  EXPECT_EQ(error_of<ValueError>([] { random_integers({4}, 3, 3, 1); }),
            "random_integers: expected a low below high, got 3 and 3");
}

}  // namespace
}  // namespace xl
