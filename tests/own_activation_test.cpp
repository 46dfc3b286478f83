// Activation functions of a program's own.

#include <gmock/gmock.h>

#include <cmath>

#include "golden.hpp"
#include "xlayers/framework/engine/gradients.hpp"
#include "xlayers/framework/options/activation.hpp"
#include "xlayers/layers/dense.hpp"

namespace xl {
namespace {

using namespace testing_golden;

TEST(OwnActivation, ComputesHasAGradientAndComesBackByName) {
  const ActivationFunction bent = ActivationFunction::own(
      "bent", [](float x) { return (std::sqrt(x * x + 1) - 1) / 2 + x; },
      [](float x, float) { return x / (2 * std::sqrt(x * x + 1)) + 1; });
  EXPECT_THAT(error_of<ValueError>([] { ActivationFunction("bent"); }), testing::HasSubstr("register_activation"));
  register_activation(bent);
  EXPECT_EQ(ActivationFunction("bent"), bent);
  EXPECT_EQ(to_value(bent), Value("bent"));

  const Dense dense({.units = 3, .activation = bent}), plain({.units = 3});
  const Tensor x = drawn({5, 4}, 1), dy = drawn({5, 3}, 2);
  const Tensor y = dense(x);
  plain.build({None, 4});
  plain.set_weights(dense.get_weights());
  const Tensor z = plain(x);
  Tensor dz = empty({5, 3});
  for (std::size_t i = 0; i < y.size(); ++i) {
    const float root = std::sqrt(z.data()[i] * z.data()[i] + 1);
    EXPECT_FLOAT_EQ(y.data()[i], (root - 1) / 2 + z.data()[i]);
    dz.data()[i] = dy.data()[i] * (z.data()[i] / (2 * root) + 1);
  }
  const Gradients found = gradients(dense, x, dy), expected = gradients(plain, x, dz);
  const auto expect_near = [](const Tensor& a, const Tensor& b) {
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a.data()[i], b.data()[i], 1e-5);
  };
  expect_near(found.weights[0], expected.weights[0]);
  expect_near(found.inputs[0], expected.inputs[0]);
  EXPECT_EQ(Dense::from_config(dense.get_config()).get_config(), dense.get_config());
}

TEST(OwnActivation, ThatCannotBe) {
  const auto same = [](float x) { return x; };
  const auto one = [](float, float) { return 1.0f; };
  EXPECT_EQ(error_of<ValueError>([&] { ActivationFunction::own("relu", same, one); }),
            "the name 'relu' is that of an activation of Keras");
  EXPECT_NE(error_of<ValueError>([&] { ActivationFunction::own("", same, one); }), "no error");
  EXPECT_EQ(error_of<ValueError>([&] { ActivationFunction::own("mine", nullptr, one); }),
            "the activation 'mine' has no function");
  EXPECT_EQ(error_of<ValueError>([&] { ActivationFunction::own("mine", same, nullptr); }),
            "the activation 'mine' has no slope");
  EXPECT_EQ(error_of<ValueError>([&] { register_activation("relu"); }),
            "the activation 'relu' is one of Keras: there is no need to register it");
}

}  // namespace
}  // namespace xl
