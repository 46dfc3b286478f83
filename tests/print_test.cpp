// What std::cout << prints: tensors as xtensor does, everything else in a line.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "xlayers/framework/tensor/data.hpp"
#include "xlayers/framework/tensor/random_tensor.hpp"
#include "xlayers/xtensor.hpp"

namespace xl {
namespace {

template <class T>
std::string text(const T& printed) {
  std::ostringstream out;
  out << printed;
  return out.str();
}

// What xtensor's own printer makes of it.
template <class E>
std::string text_of_xtensor(const xt::xexpression<E>& expression) {
  std::ostringstream out;
  xt::pretty_print(expression.derived_cast(), static_cast<std::ostream&>(out));
  return out.str();
}

TEST(Print, Tensors) {
  EXPECT_EQ(text(Tensor{{1, 2.5}, {-3, 4}}), "{{ 1. ,  2.5},\n {-3. ,  4. }}");
  EXPECT_EQ(text(IntTensor{{1, -20}, {3, 4}}), "{{  1, -20},\n {  3,   4}}");
  EXPECT_EQ(text(zeros({2, 1, 3})), "{{{ 0.,  0.,  0.}},\n {{ 0.,  0.,  0.}}}");
  EXPECT_EQ(text(Tensor(7)), " 7.");
  EXPECT_EQ(text(tensor({1e-7, 2.0})), "{ 1.000000e-07,  2.000000e+00}");
}

TEST(Print, TensorsWithoutElementsAndNumbersThatAreNone) {
  EXPECT_EQ(text(zeros({0})), "{}");
  EXPECT_EQ(text(zeros({2, 0, 3})), "{}");
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(text(Tensor{NAN, -inf, 0.5f}), "{ nan, -inf,  0.5}");
  EXPECT_EQ(text(tensor({std::numeric_limits<float>::max(), std::numeric_limits<float>::denorm_min()})),
            "{ 3.402823e+38,  1.401298e-45}");
}

TEST(Print, AsXtensorPrintsOnEveryShape) {
  for (const Shape& shape : {Shape{5}, Shape{1}, Shape{3, 4}, Shape{2, 3, 4}, Shape{1, 1, 1, 2}, Shape{2000},
                             Shape{40, 50}, Shape{1001, 1}, Shape{11, 10, 12}})
    for (const float scale : {1.0f, 0.001f, 1e3f, 1e9f, 1e-9f}) {
      const Tensor tensor = scale * random_normal(shape, 3);
      EXPECT_EQ(text(tensor), text_of_xtensor(tensor)) << to_string(shape);
      const IntTensor integers = random_integers(shape, -1000, 1000, 3);
      EXPECT_EQ(text(integers), text_of_xtensor(integers));
      EXPECT_EQ(text(tensor + 1), text_of_xtensor(tensor + 1));  // an expression goes to xtensor
    }
}

TEST(Print, HeedsThePrecisionAndXtensorsOptions) {
  std::ostringstream out;
  out.precision(2);
  out << Tensor{1.23456f, 2.0f};
  EXPECT_EQ(out.str(), "{ 1.23,  2.  }");
  std::ostringstream cut;
  cut << xt::print_options::threshold(3) << xt::print_options::edge_items(1) << Tensor{1, 2, 3, 4};
  EXPECT_EQ(cut.str(), "{ 1., ...,  4.}");
}

}  // namespace
}  // namespace xl
