// The option `.activation`: names, parameters, configs. The functions' values are tested with the
// kernels.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <fstream>
#include <vector>

#include "golden.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/options/activation.hpp"

namespace {

using xl::testing_golden::error_of;

using xl::ActivationFunction;
using xl::Config;
using xl::Value;
namespace activations = xl::activations;

ActivationFunction read(const Value& value) {
  ActivationFunction activation = "tanh";
  xl::from_value(value, activation);
  return activation;
}

std::vector<float> applied(const ActivationFunction& f, std::vector<float> x) {
  f.forward(1, static_cast<std::int64_t>(x.size()), x.data(), x.data());
  return x;
}

const ActivationFunction with_parameters[] = {
    activations::relu({.negative_slope = 0.25f, .max_value = 1.5f, .threshold = 0.5f}),
    activations::relu({.max_value = 6}),
    activations::leaky_relu(0.1f),
    activations::elu(0.5f),
    activations::celu(2.0f),
    activations::gelu(true),
    activations::squareplus(1.0f),
    activations::soft_shrink(0.25f),
    activations::hard_shrink(0.25f),
    activations::threshold(0.5f, -2.0f),
};

TEST(ActivationFunction, NamesAreWrittenAsKerasWritesThem) {
  std::ifstream in(XLAYERS_GOLDEN_DIR "/activations.json");
  const Config golden = xl::load_config(in, xl::Format::json);
  int count = 0;
  for (const auto& [name, serialized] : golden.at("serialized").as_config().entries()) {
    if (name == "threshold") continue;
    const ActivationFunction activation = name;
    EXPECT_EQ(xl::to_value(activation), serialized) << name;
    EXPECT_EQ(activation.name(), serialized.as_string());
    EXPECT_EQ(read(serialized), activation);
    ++count;
  }
  EXPECT_EQ(count, 31);
}

TEST(ActivationFunction, NothingIsLinear) {
  for (const ActivationFunction& activation :
       {ActivationFunction(), ActivationFunction(""), ActivationFunction("linear"), read(nullptr)}) {
    EXPECT_TRUE(activation.is_linear());
    EXPECT_EQ(xl::to_value(activation), Value("linear"));
  }
  EXPECT_FALSE(ActivationFunction("relu").is_linear());
}

TEST(ActivationFunction, OnlyThePlainReluIsFused) {
  EXPECT_TRUE(ActivationFunction("relu").is_relu());
  EXPECT_TRUE(activations::relu().is_relu());
  EXPECT_FALSE(ActivationFunction("relu6").is_relu());
  EXPECT_FALSE(activations::relu({.max_value = 6}).is_relu());
  EXPECT_FALSE(activations::relu({.negative_slope = 0.1f}).is_relu());
  EXPECT_FALSE(activations::relu({.threshold = 1}).is_relu());
  EXPECT_FALSE(ActivationFunction("relu").reads_input());
  EXPECT_TRUE(activations::relu({.threshold = 1}).reads_input());
  EXPECT_FALSE(ActivationFunction("sigmoid").reads_input());
}

TEST(ActivationFunction, ParametersGoThroughAConfig) {
  EXPECT_EQ(xl::to_value(activations::relu({.max_value = 6})).to_text(),
            R"({"module": "keras.activations", "class_name": "relu", "config": )"
            R"({"negative_slope": 0.0, "max_value": 6.0, "threshold": 0.0}, "registered_name": null})");
  EXPECT_EQ(xl::to_value(activations::relu({.negative_slope = 0.1f})).as_config().at("config").to_text(),
            R"({"negative_slope": 0.1, "max_value": null, "threshold": 0.0})");
  EXPECT_EQ(xl::to_value(activations::gelu(true)).as_config().at("config").to_text(), R"({"approximate": true})");
  for (const ActivationFunction& activation : with_parameters) {
    EXPECT_TRUE(xl::to_value(activation).is_config());
    EXPECT_EQ(read(xl::to_value(activation)), activation) << activation.name();
    EXPECT_FALSE(activation == ActivationFunction());
  }
  EXPECT_EQ(xl::to_value(activations::leaky_relu()), Value("leaky_relu"));
  EXPECT_EQ(activations::gelu(), ActivationFunction("gelu"));
}

TEST(ActivationFunction, ParametersReachTheFunction) {
  const std::vector<float> x{-2, 0.25f, 1, 4};
  EXPECT_EQ(applied(activations::leaky_relu(0.5f), x), (std::vector<float>{-1, 0.25f, 1, 4}));
  EXPECT_EQ(applied(activations::relu({.max_value = 2}), x), (std::vector<float>{0, 0.25f, 1, 2}));
  EXPECT_EQ(applied(activations::relu({.negative_slope = 0.5f, .threshold = 0.5f}), x),
            (std::vector<float>{-1.25f, -0.125f, 1, 4}));
  EXPECT_EQ(applied(activations::threshold(0.5f, -3), x), (std::vector<float>{-3, -3, 1, 4}));
  EXPECT_EQ(applied(activations::soft_shrink(1), x), (std::vector<float>{-1, 0, 0, 3}));
  EXPECT_EQ(applied(activations::hard_shrink(1.5f), x), (std::vector<float>{-2, 0, 0, 4}));
  EXPECT_NEAR(applied(activations::elu(0.5f), x)[0], 0.5 * std::expm1(-2.0), 1e-6);
  EXPECT_NEAR(applied(activations::celu(2), x)[0], 2 * std::expm1(-1.0), 1e-6);
  EXPECT_NEAR(applied(activations::squareplus(9), x)[3], 4.5, 1e-6);
  EXPECT_NEAR(applied(activations::gelu(true), {-1.5f})[0], -0.10042843, 1e-6);
  EXPECT_NEAR(applied(activations::gelu(false), {-1.5f})[0], -0.10021083, 1e-6);
}

TEST(ActivationFunction, GradientsAreSlopes) {
  const std::vector<float> points{-2.5f, -1.125f, -0.125f, 0.125f, 0.375f, 0.875f, 1.25f, 3.0f};
  const auto n = static_cast<std::int64_t>(points.size());
  for (const ActivationFunction& f : with_parameters) {
    std::vector<float> up = points, down = points, dy(points.size(), 2.0f), dx(points.size());
    constexpr float step = 0x1p-7f;
    for (std::size_t i = 0; i < points.size(); ++i) up[i] += step, down[i] -= step;
    up = applied(f, up);
    down = applied(f, down);
    const std::vector<float> y = applied(f, points);
    f.backward(1, n, points.data(), y.data(), dy.data(), dx.data());
    for (std::size_t i = 0; i < points.size(); ++i)
      EXPECT_NEAR(dx[i], 2 * (up[i] - down[i]) / (2 * step), 2e-4) << f.name() << " at " << points[i];
  }
}

TEST(ActivationFunction, GluHalvesTheColumns) {
  const ActivationFunction glu = "glu";
  EXPECT_EQ(glu.output_columns(6), 3);
  EXPECT_EQ(ActivationFunction("softmax").output_columns(6), 6);
  EXPECT_EQ(error_of([&] { glu.output_columns(5); }),
            "the activation 'glu' expected a last axis of even length, got 5");
  const std::array<float, 4> x{3, 5, 0, 1};
  std::array<float, 2> y{};
  glu.forward(1, 4, x.data(), y.data());
  EXPECT_NEAR(y[0], 1.5, 1e-6);
  EXPECT_NEAR(y[1], 5 / (1 + std::exp(-1.0)), 1e-6);
}

TEST(ActivationFunction, Errors) {
  // Behind them stand those that a program has registered.
  EXPECT_THAT(error_of([] { ActivationFunction("Relu"); }),
              testing::AllOf(
                  testing::StartsWith(
                      "unknown activation 'Relu'; known are celu, elu, exponential, gelu, glu, hard_shrink, "
                      "hard_sigmoid, hard_silu, hard_swish, hard_tanh, leaky_relu, linear, log_sigmoid, log_softmax, "
                      "mish, relu, relu6, selu, sigmoid, silu, swish, soft_shrink, softmax, softplus, softsign, "
                      "sparse_plus, sparse_sigmoid, sparsemax, squareplus, tanh, tanh_shrink, threshold"),
                  testing::EndsWith(" (an activation of one's own is made known by xl::register_activation)")));
  EXPECT_EQ(error_of([] { ActivationFunction("threshold"); }),
            "the activation 'threshold' has two arguments without a default, threshold and "
            "default_value: use xl::activations::threshold(threshold, default_value)");
  EXPECT_EQ(error_of([] { activations::celu(0); }), "[celu] alpha is 0.0, expected a finite number above 0");
  EXPECT_EQ(error_of([] { activations::leaky_relu(-1); }),
            "[leaky_relu] negative_slope is -1.0, expected a finite number of 0 or more");
  EXPECT_EQ(error_of([] { activations::threshold(std::nanf(""), 0); }),
            "[threshold] threshold is NaN, expected a finite number");
  EXPECT_EQ(error_of([] { activations::relu({.max_value = -1}); }),
            "[relu] max_value is -1.0, expected a number of 0 or more, or none");
  EXPECT_EQ(error_of([] { activations::relu({.max_value = INFINITY}); }),
            "[relu] max_value is Infinity, expected a number of 0 or more, or none");

  ActivationFunction activation = "tanh";
  const auto error = [&](const char* name, Config config) {
    return error_of([&] { xl::from_value(Config{{"class_name", name}, {"config", std::move(config)}}, activation); });
  };
  EXPECT_EQ(error("elu", {{"beta", 1.0}}), "[elu] unknown option 'beta'; the options are alpha");
  EXPECT_EQ(error("tanh", {{"alpha", 1.0}}), "[tanh] unknown option 'alpha'; there are no options");
  EXPECT_EQ(error("threshold", {{"threshold", 1.0}}), error_of([] { ActivationFunction("threshold"); }));
  EXPECT_EQ(error("elu", {{"alpha", "x"}}), "[elu] option 'alpha': expected a number, got \"x\"");
  EXPECT_EQ(error_of([&] { xl::from_value(3, activation); }),
            "expected an activation as a name or as {\"class_name\": ..., \"config\": {...}}, got 3");
  EXPECT_STREQ(activation.name(), "tanh");
}

}  // namespace
