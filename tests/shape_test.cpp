#include "xlayers/framework/tensor/shape.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden.hpp"
#include "xlayers/xlayers.hpp"

namespace xl {
namespace {

using namespace testing_golden;

TEST(Shape, BroadcastsAsNumPy) {
  const auto both = [](const Shape& a, const Shape& b, const Shape& expected) {
    EXPECT_EQ(broadcast(a, b), expected) << a << b;
    EXPECT_EQ(broadcast(b, a), expected) << b << a;
  };
  both({2, 3}, {2, 3}, {2, 3});
  both({4, 2, 3}, {3}, {4, 2, 3});
  both({4, 2, 3}, {2, 1}, {4, 2, 3});
  both({4, 1, 3}, {2, 1}, {4, 2, 3});
  both({4, 2, 1}, {5}, {4, 2, 5});
  both({}, {2, 3}, {2, 3});
  both({None, 1, 3}, {7, 3}, {None, 7, 3});
  both({2, None}, {3}, {2, 3});
  both({2, None}, {1}, {2, None});
  both({2, None}, {None}, {2, None});
  const auto neither = [](const Shape& a, const Shape& b) {
    EXPECT_EQ(error_of<ShapeError>([&] { broadcast(a, b); }),
              "shapes " + to_string(a) + " and " + to_string(b) + " do not broadcast");
  };
  neither({2, 3}, {2, 4});
  neither({4, 2, 3}, {2});
  neither({4, 2, 3}, {4, 1, 1, 2});
}

TEST(Shape, OfPartsWithOpenAxes) {
  const auto concatenated = [](const Shape& a, const Shape& b, int axis) {
    return Concatenate({.axis = axis})({Input(a), Input(b)}).shape();
  };
  EXPECT_EQ(concatenated({None, 3}, {4, 3}, 1), Shape({None, None, 3}));
  EXPECT_EQ(concatenated({4, 3}, {None, 3}, 1), Shape({None, None, 3}));
  EXPECT_EQ(concatenated({4, 3}, {5, 3}, 1), Shape({None, 9, 3}));
  EXPECT_EQ(concatenated({None, 3}, {4, 2}, 2), Shape({None, 4, 5}));
}

// A model called ten times in a model that is called ten times ... comes to many calls in a few lines.
TEST(Model, ComesToAMillionCallsAtMost) {
  const auto ten = [](const auto& layer) {
    const SymbolicTensor in = Input({1});
    SymbolicTensor x = in;
    for (int i = 0; i < 10; ++i) x = layer(x);
    return Model(in, x);
  };
  Model model = ten(Activation({.activation = "relu"}));
  for (int power = 2; power <= 6; ++power) model = ten(model);
  const SymbolicTensor in = Input({1});
  EXPECT_THAT(error_of<ValueError>([&] { Model(in, Activation({.activation = "relu"})(model(in))); }),
              testing::HasSubstr("comes to more than 1000000 calls of layers"));
}

}  // namespace
}  // namespace xl
