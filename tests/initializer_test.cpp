// Initialisers: Keras' names, configs, fans and limits (tests/golden/initializers.json).

#include "xlayers/framework/options/initializer.hpp"
#include "golden.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>
#include <vector>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/random.hpp"

namespace {

using xl::testing_golden::error_of;

using xl::Config;
using xl::Fans;
using xl::Initializer;
using xl::Shape;
using xl::Value;

const Config& golden() {
  static const Config config = [] {
    std::ifstream in(XLAYERS_GOLDEN_DIR "/initializers.json");
    return xl::load_config(in, xl::Format::json);
  }();
  return config;
}

Initializer initializer_of(const Value& value) {
  Initializer initializer;
  xl::from_value(value, initializer);
  return initializer;
}

Shape shape_of(const Value& value) {
  Shape shape;
  for (const Value& extent : value.as_list()) shape.push_back(extent.as_int());
  return shape;
}

std::vector<float> drawn(const Initializer& initializer, const Shape& shape) {
  std::vector<float> weight(static_cast<std::size_t>(shape.elements()));
  initializer.fill(weight, shape);
  return weight;
}

TEST(Initializer, ConfigsAreThoseOfKeras) {
  int count = 0;
  const auto check = [&](const Value& theirs) {
    const Value ours = xl::to_value(initializer_of(theirs));
    Config expected = theirs.as_config();
    Config options = expected.at("config").as_config();
    options.erase("input_axes");  // not of every version of Keras, and always null
    options.erase("output_axes");
    expected.set("config", options);
    EXPECT_EQ(ours.to_text(), Value(expected).to_text());
    ++count;
  };
  for (const auto& [name, entry] : golden().at("random").as_config().entries()) check(entry.as_config().at("config"));
  for (const char* name : {"zeros", "ones", "constant", "constant_of"})
    check(golden().at("fixed").as_config().at(name).as_config().at("config"));
  EXPECT_EQ(count, 19);
}

TEST(Initializer, NamesAreThoseOfKeras) {
  int count = 0;
  for (const auto& [name, class_name] : golden().at("names").as_config().at("initializers").as_config().entries()) {
    const std::string& wanted = class_name.as_string();
    if (wanted == "Initializer" || wanted == "Identity" || wanted == "Orthogonal" || wanted == "STFT") continue;
    EXPECT_EQ(Initializer(name).class_name(), wanted);
    ++count;
  }
  EXPECT_EQ(count, 30);
  EXPECT_EQ(
      error_of([] { Initializer("glorot"); }),
      "unknown initializer 'glorot'; known are GlorotUniform, glorot_uniform, GlorotNormal, glorot_normal, HeUniform, "
      "he_uniform, HeNormal, he_normal, LecunUniform, lecun_uniform, LecunNormal, lecun_normal, VarianceScaling, "
      "variance_scaling, RandomNormal, random_normal, normal, TruncatedNormal, truncated_normal, RandomUniform, "
      "random_uniform, uniform, Zeros, zeros, zero, Ones, ones, one, Constant, constant");
  EXPECT_THROW(Initializer(""), xl::ValueError);
  EXPECT_THROW(Initializer("Glorot_Uniform"), xl::ValueError);
}

TEST(Initializer, DrawsHaveKerasLimitsAndDeviations) {
  xl::set_random_seed(11);
  for (const auto& [name, entry] : golden().at("random").as_config().entries()) {
    const Initializer initializer = initializer_of(entry.as_config().at("config"));
    for (const Value& row : entry.as_config().at("shapes").as_list()) {
      const Config& expected = row.as_config();
      const Shape shape = shape_of(expected.at("shape"));
      SCOPED_TRACE(name + " " + to_string(shape));
      EXPECT_EQ(Fans::of(shape).in, expected.at("fan_in").as_int());
      EXPECT_EQ(Fans::of(shape).out, expected.at("fan_out").as_int());

      std::vector<float> numbers;
      while (numbers.size() < 20000)
        for (const float x : drawn(initializer, shape)) numbers.push_back(x);
      const double n = static_cast<double>(numbers.size());
      const double mean = std::accumulate(numbers.begin(), numbers.end(), 0.0) / n;
      double square = 0, largest = 0;
      for (const float x : numbers) {
        const double centred = x - expected.at("mean").as_number();
        square += centred * centred / n;
        largest = std::max(largest, std::abs(centred));
      }
      const double stddev = expected.at("stddev").as_number();
      EXPECT_NEAR(mean, expected.at("mean").as_number(), 4.5 * stddev / std::sqrt(n));
      EXPECT_NEAR(std::sqrt(square) / stddev, 1, 0.025);
      if (!expected.at("limit").is_null()) {
        const double limit = expected.at("limit").as_number();
        EXPECT_LE(largest, limit * (1 + 1e-7) + 1e-7);
        EXPECT_GT(largest, limit * 0.99);
      }
    }
  }
}

TEST(Initializer, FixedValues) {
  const Config& fixed = golden().at("fixed").as_config();
  for (const char* name : {"zeros", "ones", "constant", "constant_of"}) {
    const Config& output = fixed.at(name).as_config().at("output").as_config();
    const auto weight = drawn(initializer_of(fixed.at(name).as_config().at("config")), shape_of(output.at("shape")));
    ASSERT_EQ(weight.size(), output.at("data").as_list().size());
    for (std::size_t i = 0; i < weight.size(); ++i) EXPECT_EQ(weight[i], output.at("data").as_list()[i].as_number());
  }
}

TEST(Initializer, ASeedGivesTheSameValuesEachTime) {
  const Shape shape{30, 20};
  const Initializer seeded = xl::GlorotUniform({.seed = 7});
  EXPECT_EQ(drawn(seeded, shape), drawn(seeded, shape));
  EXPECT_EQ(drawn(seeded, shape), drawn(initializer_of(xl::to_value(seeded)), shape));
  EXPECT_NE(drawn(seeded, shape), drawn(xl::GlorotUniform({.seed = 8}), shape));
  EXPECT_NE(drawn(seeded, shape), drawn(xl::GlorotUniform({.seed = -7}), shape));

  const Initializer unseeded = "glorot_uniform";
  xl::set_random_seed(3);
  const auto first = drawn(unseeded, shape), second = drawn(unseeded, shape);
  EXPECT_NE(first, second);
  xl::set_random_seed(3);
  EXPECT_EQ(drawn(unseeded, shape), first);
  EXPECT_EQ(drawn(unseeded, shape), second);
}

// Pins the whole way from a name and a seed to a weight.
TEST(Initializer, TheSameWeightsOnEveryPlatform) {
  EXPECT_EQ(drawn(xl::GlorotUniform({.seed = 1}), {2, 2}),
            (std::vector<float>{0.2989808f, 0.11747457f, -0.013975797f, 1.1766794f}));
  EXPECT_EQ(drawn(xl::HeNormal({.seed = 1}), {2, 2}),
            (std::vector<float>{0.33686346f, 0.13073522f, -0.015519506f, 1.9710253f}));
}

TEST(Initializer, FillsATensorAndTakesFans) {
  xl::Tensor weight = xl::empty({2, 3});
  Initializer(xl::Constant({.value = 0.5f}))(weight);
  EXPECT_EQ(weight(1, 2), 0.5f);

  // The query kernel of an attention layer: (64, 8, 8) with fans 64 and 64, not 512 and 512.
  std::vector<float> kernel(64 * 8 * 8);
  Initializer(xl::GlorotUniform({.seed = 1})).fill(kernel, Fans{64, 64});
  const float largest = *std::max_element(kernel.begin(), kernel.end());
  EXPECT_LE(largest, 0.21650635f);
  EXPECT_GT(largest, 0.214f);

  EXPECT_EQ(Fans::of({}).in, 1);
  EXPECT_EQ(Fans::of({0, 3}).in, 0);
  Initializer().fill(std::span<float>{}, Shape{0, 3});
  EXPECT_EQ(error_of([&] {
              Initializer().fill(kernel, Shape{2, 2});
            }),
            "an initializer expected a weight of shape (2, 2), got 4096 elements");
}

TEST(Initializer, OptionsOutOfRangeAreErrors) {
  const float nan = std::nanf("");
  EXPECT_EQ(error_of([] { Initializer(xl::VarianceScaling({.scale = 0})); }),
            "[VarianceScaling] scale is 0.0, expected a finite number above 0");
  EXPECT_EQ(error_of([] { Initializer(xl::VarianceScaling({.mode = "fan"})); }),
            "[VarianceScaling] mode is \"fan\", expected fan_in, fan_out or fan_avg");
  EXPECT_EQ(error_of([] { Initializer(xl::VarianceScaling({.distribution = "gamma"})); }),
            "[VarianceScaling] distribution is \"gamma\", expected truncated_normal, untruncated_normal or uniform");
  EXPECT_EQ(error_of([] { Initializer(xl::RandomNormal({.stddev = -1})); }),
            "[RandomNormal] stddev is -1.0, expected a finite number of 0 or more");
  EXPECT_EQ(error_of([] { Initializer(xl::RandomUniform({.minval = 1, .maxval = 0})); }),
            "[RandomUniform] maxval is 0.0, expected a finite number of minval or more");
  EXPECT_EQ(error_of([&] { Initializer(xl::Constant({.value = nan})); }),
            "[Constant] value is NaN, expected a finite number");

  Initializer initializer = "ones";
  const auto error = [&](const Value& value) { return error_of([&] { xl::from_value(value, initializer); }); };
  EXPECT_EQ(error(Config{{"class_name", "HeNormal"}, {"config", Config{{"sed", 1}}}}),
            "[HeNormal] unknown option 'sed'; the options are seed, input_axes, output_axes");
  EXPECT_EQ(error(Config{{"class_name", "RandomNormal"}, {"config", Config{{"stddev", -1.0}}}}),
            "[RandomNormal] stddev is -1.0, expected a finite number of 0 or more");
  EXPECT_EQ(error(3), "expected an initializer as a name or as {\"class_name\": ..., \"config\": {...}}, got 3");
  EXPECT_THROW(xl::from_value(Value(), initializer), xl::ValueError);
  EXPECT_EQ(initializer.class_name(), "Ones");
}

}  // namespace
