// What goes into a call: who owns it, in which forms it may be written, and numbers of every type.

#include "xlayers/framework/tensor/data.hpp"
#include "golden.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/engine/gradients.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/embedding.hpp"
#include "xlayers/layers/input.hpp"
#include "xlayers/layers/multi_head_attention.hpp"
#include "xlayers/layers/reversible_instance_norm.hpp"
#include "xlayers/models/model/sequential.hpp"

namespace xl {
namespace {

using xl::testing_golden::error_of;

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<float> floats(const Array& array) {
  const Array as = array.as(DType::float32);
  return std::vector<float>(as.data(), as.data() + as.shape().elements());
}

// ---- who owns it

TEST(Data, OwnsWhatItWasMadeOf) {
  std::vector<Tensor> list{tensor({1, 2}), tensor({3, 4})};
  std::map<std::string, Tensor> map{{"a", tensor({1, 2})}, {"b", tensor({3, 4})}};
  std::map<std::string, Array> arrays{{"a", list[0]}, {"b", list[1]}};
  Tensor a = tensor({1, 2}), b = tensor({3, 4});
  const Array one(a);
  const Data all[] = {{a, b}, list, map, arrays, {{"a", a}, {"b", b}}, std::vector<Array>{a, b}, {{a, b}}};
  for (Tensor* tensor : {&a, &b, &list[0], &list[1], &map["a"], &map["b"]}) tensor->fill(9);
  list.clear();
  map.clear();
  arrays.clear();
  EXPECT_THAT(floats(one), ElementsAre(1, 2));
  for (const Data& data : all) {
    ASSERT_EQ(data.size(), 2u);
    EXPECT_THAT(floats(data[0]), ElementsAre(1, 2));
    EXPECT_THAT(floats(data[1]), ElementsAre(3, 4));
  }
}

TEST(Data, TakesOverATemporary) {
  std::vector<Tensor> list{tensor({1, 2}), tensor({3, 4})};
  const float* const elements = list[1].data();
  const Data data(std::move(list));
  EXPECT_EQ(data[1].data(), elements);
  std::map<std::string, IntTensor> map{{"a", int_tensor({1, 2})}};
  const std::int32_t* const integers = map["a"].data();
  const Data named(std::move(map));
  EXPECT_EQ(named[0].integers(), integers);
  EXPECT_THAT(named.names(), ElementsAre("a"));
}

TEST(Data, OutlivesWhatItWasMadeOf) {
  const auto made = [] {
    const std::vector<Tensor> local(2, tensor({1.5, 2.5}));
    const std::map<std::string, Tensor> named{{"x", local[0]}};
    return std::pair(Data(local), Data(named));
  };
  const auto [data, named] = made();
  EXPECT_THAT(floats(data[1]), ElementsAre(1.5f, 2.5f));
  EXPECT_THAT(floats(named[0]), ElementsAre(1.5f, 2.5f));
  const Data temporary = std::vector<Tensor>(2, tensor({1.5, 2.5}));
  EXPECT_THAT(floats(temporary[1]), ElementsAre(1.5f, 2.5f));
  Array array(tensor({1, 2}));
  const Array other = std::move(array);
  EXPECT_TRUE(array.empty());
}

// A parameter of a call copies no tensor, and cannot be kept.
static_assert(!std::is_copy_constructible_v<DataRef> && !std::is_move_constructible_v<DataRef>);
static_assert(!std::is_copy_constructible_v<ArrayRef> && !std::is_move_constructible_v<ArrayRef>);
static_assert(!std::is_constructible_v<Data, DataRef> && !std::is_constructible_v<Array, ArrayRef>);

TEST(Data, ACallCopiesNoTensor) {
  const Tensor a = tensor({1, 2});
  const IntTensor b = int_tensor({3, 4});
  const std::vector<Tensor> list{a};
  const std::map<std::string, Tensor> map{{"a", a}};
  const Data data{a, b};
  const auto refers = [](DataRef given, std::size_t i, const void* elements) {
    return static_cast<const void*>(given.get()[i].data()) == elements;
  };
  EXPECT_TRUE(refers(a, 0, a.data()));
  EXPECT_TRUE(refers({a, b}, 1, b.data()));
  EXPECT_TRUE(refers({{"a", a}, {"b", b}}, 1, b.data()));
  EXPECT_TRUE(refers(list, 0, list[0].data()));
  EXPECT_TRUE(refers(map, 0, map.at("a").data()));
  EXPECT_TRUE(refers(data, 1, data[1].data()));
  EXPECT_TRUE(refers(Array(data[1]), 0, data[1].data()));
}

TEST(Data, StaysWithOptionsThatAreKept) {
  const Sequential model{Input({1}), Dense({.units = 1})};
  model.compile({.optimizer = "sgd", .loss = "mse"});
  FitOptions options{.verbose = 0};
  {
    const Tensor x = tensor({{1}, {2}}), weight = tensor({1, 0});
    options.validation_data = {.x = x, .y = std::vector<Tensor>{x}};
    options.sample_weight = weight;
  }
  EXPECT_EQ(model.fit(tensor({{1}, {2}}), tensor({{1}, {2}}), options).history.size(), 2u);
}

// ---- the forms in which it may be written

TEST(Data, NumbersInBracesAreOneTensor) {
  const auto written = [](DataRef data) {
    EXPECT_EQ(data.get().size(), 1u);
    return std::pair(data.get()[0].shape(), floats(data.get()[0]));
  };
  using Pair = std::pair<Shape, std::vector<float>>;
  EXPECT_EQ(written({{1, 2, 3, 4}}), (Pair{{1, 4}, {1, 2, 3, 4}}));
  EXPECT_EQ(written({{1.f}, {2.f}}), (Pair{{2, 1}, {1, 2}}));
  EXPECT_EQ(written({{0.5, 1.0}, {2.0, 3.0}}), (Pair{{2, 2}, {0.5f, 1, 2, 3}}));
  EXPECT_EQ(written({{{1, 2}, {3, 4}}}), (Pair{{1, 2, 2}, {1, 2, 3, 4}}));
  EXPECT_EQ(written({0, 1, 1}), (Pair{{3}, {0, 1, 1}}));
  EXPECT_EQ(Data({{5}}).operator[](0).dtype(), DType::int32);
  EXPECT_EQ(error_of([] {
              Data({{1, 2}, {3}});
            }),
            "expected lists of equal lengths, got one of 2 numbers and one of 1");
  EXPECT_EQ(error_of([] {
              tensor({{{1, 2}, {3, 4}}, {{5, 6}, {7}}});
            }),
            "expected lists of equal lengths, got one of 2 numbers and one of 1");
  EXPECT_EQ(error_of([] {
              tensor({{{1}, {3}}, {{5}}});
            }),
            "expected lists of equal lengths, got one of 2 numbers and one of 1");

  const Sequential sum{Input({4}), Dense({.units = 1, .kernel_initializer = "ones"})};
  EXPECT_EQ(sum.predict({{1, 2, 3, 4}}), tensor({{10}}));
  EXPECT_THAT(error_of([&] { sum.predict({{1, 2}, {3, 4}}); }), HasSubstr("expected an input (None, 4), got (2, 2)"));
}

TEST(Data, TensorsOfNumbers) {
  Tensor column{1.f, 2.f};
  column.reshape({2, 1});
  EXPECT_EQ(tensor({{1.f}, {2.f}}), column);
  EXPECT_EQ(shape(int_tensor({{5}})), (Shape{1, 1}));
  EXPECT_EQ(int_tensor({7, 8})(1), 8);
  EXPECT_EQ(shape(int_tensor({{{1}, {2}}})), (Shape{1, 2, 1}));
}

// ---- numbers of every type

constexpr std::int64_t wide = (std::int64_t{1} << 32) + 1;

template <class T>
class Numbers : public testing::Test {};
using Types = testing::Types<bool, unsigned char, signed char, std::int16_t, std::uint16_t, std::int32_t, std::uint32_t,
                             long, unsigned long, long long, unsigned long long, float, double>;
TYPED_TEST_SUITE(Numbers, Types);

TYPED_TEST(Numbers, GoAsFloatsAndAsIndices) {
  const xt::xarray<TypeParam> values{{1, 0}, {1, 1}};
  for (const Array& array : {Array(values), Array(xt::xarray<TypeParam>(values)), Array(values + TypeParam())}) {
    EXPECT_THAT(floats(array), ElementsAre(1, 0, 1, 1));
    const Array indices = array.as(DType::int32);
    EXPECT_THAT(std::vector<int>(indices.integers(), indices.integers() + 4), ElementsAre(1, 0, 1, 1));
  }
}

TYPED_TEST(Numbers, AtTheEndsOfTheirType) {
  using Limits = std::numeric_limits<TypeParam>;
  const xt::xarray<TypeParam> ends{Limits::max(), Limits::lowest()};
  const Array array(ends);
  EXPECT_THAT(floats(array), ElementsAre(static_cast<float>(Limits::max()), static_cast<float>(Limits::lowest())));
  const auto as_indices = [&] { array.as(DType::int32); };
  if (sizeof(TypeParam) < 4 || std::is_same_v<TypeParam, std::int32_t>)
    EXPECT_EQ(error_of(as_indices), "no error");
  else
    EXPECT_THAT(error_of(as_indices), HasSubstr("expected whole numbers of 32 bits for an int32 input, got "));
}

TEST(NumbersOfCalls, WideWholeNumbersAreFloatsOrErrors) {
  const xt::xarray<std::int64_t> five = xt::ones<std::int64_t>({1, 1}) * 5'000'000'000;
  const xt::xarray<std::uint32_t> four = xt::ones<std::uint32_t>({1, 1}) * 4'000'000'000u;
  const Sequential same{Input({1}), Dense({.units = 1, .use_bias = false, .kernel_initializer = "ones"})};
  EXPECT_EQ(same.predict(five)(0, 0), 5e9f);
  EXPECT_EQ(same.predict(four)(0, 0), 4e9f);
  EXPECT_EQ(same.predict(four + four)(0, 0), 8e9f - 4294967296.0f);  // xtensor's own sum of uint32
  Tensor output = zeros({1, 1});
  same.predict(five, output);
  EXPECT_EQ(output(0, 0), 5e9f);

  same.compile({.optimizer = "sgd", .loss = "mae"});
  const Tensor zero = zeros({1, 1}), one = tensor({{1}});
  EXPECT_FLOAT_EQ(same.evaluate(zero, five).loss(), 5e9f);
  EXPECT_FLOAT_EQ(same.evaluate(one, zero, {.sample_weight = xt::xarray<std::int64_t>{5'000'000'000}}).loss(), 5e9f);
  EXPECT_FLOAT_EQ(same.test_on_batch(one, zero, xt::xarray<std::uint32_t>{4'000'000'000u}).loss(), 4e9f);
}

TEST(NumbersOfCalls, AnIndexThatDoesNotFitIsAnError) {
  const xt::xarray<std::int64_t> ids{{1, wide}};
  const xt::xarray<double> doubles{{1, static_cast<double>(wide)}};
  const std::string text = "expected whole numbers of 32 bits for an int32 input, got ";
  const Embedding embedding({.input_dim = 3, .output_dim = 2});
  EXPECT_THAT(error_of([&] { embedding(ids); }), HasSubstr("[Embedding"));
  EXPECT_THAT(error_of([&] { embedding(ids); }), HasSubstr(text + "4294967297"));
  EXPECT_THAT(error_of([&] { gradients(embedding, ids, zeros({1, 2, 2})); }), HasSubstr(text + "4294967297"));
  const Sequential model{Input({2}, {.dtype = "int32"}), embedding};
  EXPECT_THAT(error_of([&] { model.predict(ids); }), HasSubstr(text + "4294967297"));
  EXPECT_THAT(error_of([&] { model.predict(xt::cast<std::uint64_t>(ids)); }), HasSubstr(text + "4294967297"));
  EXPECT_THAT(error_of([&] { model.predict(doubles); }), HasSubstr(text));
  // A float cannot tell 2^24 + 1 from 2^24.
  EXPECT_THAT(error_of([&] { Array(xt::xarray<double>{16777217.0}).as(DType::int32); }), HasSubstr(text));
  EXPECT_EQ(Array(xt::xarray<double>{16777215.0}).as(DType::int32).integers()[0], 16777215);
  EXPECT_EQ(Array(xt::xarray<std::int64_t>{16777217}).as(DType::int32).integers()[0], 16777217);
}

TEST(NumbersOfCalls, ALabelThatIsNoClassIsAnError) {
  const Sequential model{Input({1}), Dense({.units = 3, .activation = "softmax"})};
  model.compile({.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
  const Tensor x = tensor({{1}});
  EXPECT_THAT(error_of([&] { model.evaluate(x, xt::xarray<std::int64_t>{wide}); }), HasSubstr("label"));
  EXPECT_EQ(model.evaluate(x, xt::xarray<std::int64_t>{1}).loss(), model.evaluate(x, tensor({1})).loss());
}

// The class of a target that is no label, 2^32 + 1, is not class 1.
TEST(NumbersOfCalls, ClassWeightsAreThoseOfTheirLabel) {
  const Sequential model{Input({1}), Dense({.units = 1, .use_bias = false, .kernel_initializer = "zeros"})};
  const auto loss = [&](const Tensor& y) {
    model.compile({.optimizer = "sgd", .loss = "mae"});
    return model.fit(zeros({1, 1}), y, {.verbose = 0, .class_weight = {{1, 0.0f}}}).history["loss"][0];
  };
  EXPECT_EQ(loss(tensor({1})), 0.0);
  EXPECT_EQ(loss(tensor({0x1p32f + 512})), 0x1p32f + 512);
  EXPECT_EQ(loss(tensor({2})), 2.0);
}

TEST(NumbersOfCalls, MasksAndAttention) {
  const Tensor x = tensor({{{1.f, 2.f}, {3.f, 4.f}}});
  const MultiHeadAttention attention({.num_heads = 1, .key_dim = 2});
  const Tensor expected = attention(x, x, {.attention_mask = tensor({{{1, 0}, {1, 1}}})});
  const xt::xarray<std::int64_t> mask{{{wide, 0}, {wide, 1}}};
  EXPECT_EQ(attention(x, x, {.attention_mask = mask}), expected);
  EXPECT_EQ(attention(x, x, {.value_mask = xt::xarray<std::uint64_t>{{7'000'000'000u, 0}}}),
            attention(x, x, {.value_mask = tensor({{1, 0}})}));
}

}  // namespace
}  // namespace xl
