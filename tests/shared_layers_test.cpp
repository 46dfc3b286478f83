// One layer in several models of a config: it comes back as one layer, in every format and from clone().

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "golden.hpp"
#include "xlayers/xlayers.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::HasSubstr;
using testing::Not;

// y = x + s, a layer of one's own; and one that another may be given to.
struct ShiftOptions {
  static constexpr auto class_name = "SharedShift";
  std::string name = {};
  bool trainable = true;
};
void serialize(Archive&, ShiftOptions&) {}
class ShiftLayer : public WithOptions<PrimitiveLayer, ShiftOptions> {
 public:
  using WithOptions::WithOptions;
  std::string_view package() const override { return "mine"; }
  TensorSpecs outputs(const TensorSpecs& inputs) const override { return {single_input(inputs, 2)}; }
  void make_weights(const TensorSpecs&) override { add_weight("s", {1}, RandomUniform{}); }
  void forward(const ForwardCall& call) const override {
    for (std::int64_t i = 0; i < call.output().size(); ++i)
      call.output().data[i] = call.input().data[i] + *call.weights[0];
  }
  void backward(const BackwardCall&) const override {}
};
using Shift = HandleOf<ShiftLayer>;

class SharedLayers : public testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    register_layer("SharedShift", Shift::from_config);
  }
};

/// The model comes back with as many parameters, and with equal weights computes the same.
void expect_shared(const Model& model, const Data& x) {
  const std::vector<Tensor> expected = model.predict_all(x);
  const auto expect_same = [&](const Model& again) {
    ASSERT_EQ(again.count_params(), model.count_params());
    again.set_weights(model.get_weights());
    EXPECT_TRUE(same_bits(again.predict_all(x), expected));
    EXPECT_EQ(again.to_json(), model.to_json());
  };
  for (const Format format : every_format) expect_same(model_from_config(round_trip(model.to_config(), format)));
  const Model clone(model.clone());
  EXPECT_TRUE(same_bits(clone.get_weights(), model.get_weights()));
  EXPECT_TRUE(same_bits(clone.predict_all(x), expected));
  EXPECT_FALSE(clone.layers()[0] == model.layers()[0]);
  expect_same(clone);
}

TEST_F(SharedLayers, OfAModelAndOneInside) {
  auto i = Input({4}), j = Input({4});
  const Dense d({.units = 4});
  const Model sub(j, d(j));
  const Model model(i, sub(d(i)));
  EXPECT_EQ(model.count_params(), 20);
  expect_shared(model, drawn({3, 4}, 1));
  // Training moves both places together.
  const Model again = model_from_json(model.to_json());
  again.set_weights(model.get_weights());
  for (const Model& one : {model, again}) {
    one.compile({.optimizer = "sgd", .loss = "mse"});
    one.fit(drawn({8, 4}, 1), drawn({8, 4}, 2), {.verbose = 0, .shuffle = false});
  }
  EXPECT_TRUE(same_bits(again.get_weights(), model.get_weights()));
}

TEST_F(SharedLayers, OfSiblings) {
  auto a = Input({3}), b = Input({3}), i = Input({3});
  const Dense d({.units = 3, .activation = "tanh"});
  const Model left(a, d(a), {.name = "left"}), right(b, Dense({.units = 2})(d(b)), {.name = "right"});
  expect_shared(Model(i, {left(i), right(i)}), drawn({3, 3}, 1));
  const Sequential row({Input({3}), d, Dense({.units = 3})}, "row"), other({Input({3}), d}, "other");
  expect_shared(Sequential({Input({3}), row, other}), drawn({3, 3}, 1));
  expect_shared(Model(i, other(row(left(i)))), drawn({3, 3}, 1));
}

TEST_F(SharedLayers, SeveralLevelsDown) {
  auto a = Input({3}), b = Input({3}), i = Input({3});
  const Dense d({.units = 3, .activation = "tanh"});
  const Model inner(a, d(a), {.name = "inner"});
  const Model middle(b, Dense({.units = 3})(inner(b)), {.name = "middle"});
  const Model whole(i, d(middle(inner(i))), {.name = "whole"});  // d, and inner too
  EXPECT_EQ(whole.count_params(), 24);
  expect_shared(whole, drawn({3, 3}, 1));
}

TEST_F(SharedLayers, EmbeddingAttentionAndOwnLayers) {
  auto words = Input({5}, {.dtype = "int32"}), more = Input({5}, {.dtype = "int32"});
  const Embedding table({.input_dim = 9, .output_dim = 4});
  const Shift shift;
  const Model encoder(words, shift(table(words)), {.name = "encoder"});
  const Model whole({words, more}, encoder(words) + shift(table(more)));
  EXPECT_EQ(whole.count_params(), 9 * 4 + 1);
  const IntTensor x = random_integers({2, 5}, 0, 9, 1), y = random_integers({2, 5}, 0, 9, 2);
  expect_shared(whole, {x, y});

  auto s = Input({5, 4}), t = Input({5, 4});
  const TransformerBlock block({.dim_model = 4, .num_heads = 2, .ff_units = 4});
  const Model sub(t, block(t), {.name = "sub"});
  expect_shared(Model(s, block(sub(s))), drawn({2, 5, 4}, 1));
}

TEST_F(SharedLayers, InASequentialThatIsNotBuilt) {
  const Dense d({.units = 3});
  const Sequential model({Sequential({d, Dense({.units = 3})}, "inner"), d}, "whole");
  const Sequential again = Sequential::from_config(model.get_config()), clone(model.clone());
  for (const Sequential& one : {model, again, clone}) {
    EXPECT_FALSE(one.built());
    one(zeros({1, 3}));
    EXPECT_EQ(one.count_params(), 24);
  }
}

TEST_F(SharedLayers, AreAWordOnlyWhereThereAreSome) {
  auto a = Input({3}), i = Input({3});
  const Dense d({.units = 3, .name = "d"});
  const Model inner(a, d(a), {.name = "inner"});
  EXPECT_THAT(Model(i, d(d(i))).to_json(), Not(HasSubstr("shared_layer")));  // called twice, written once
  EXPECT_THAT(Model(i, inner(inner(i))).to_json(), Not(HasSubstr("shared_layer")));
  // Of a model that stands in two places, the layers inside do so for that alone.
  const Sequential one({Input({3}), inner}, "one"), two({Input({3}), inner}, "two");
  const std::string text = Model(i, one(two(i))).to_json();
  std::size_t words = 0;
  for (std::size_t at = 0; (at = text.find("shared_layer", at)) != std::string::npos; ++at) ++words;
  EXPECT_EQ(words, 2u);
}

TEST_F(SharedLayers, TwoModelsOfOneConfigAreTwo) {
  auto a = Input({3}), i = Input({3});
  const Dense d({.units = 3});
  const Model inner(a, d(a)), model(i, inner(d(i)));
  const std::string text = model.to_json();
  const Model first = model_from_json(text), second = model_from_json(text);
  second.set_weights({zeros({3, 3}), zeros({3})});
  EXPECT_FALSE(same_bits(first.get_weights(), second.get_weights()));
  std::vector<std::int64_t> counts(4);
  std::vector<std::thread> threads;
  for (std::int64_t& count : counts)
    threads.emplace_back([&] { count = model_from_json(model.to_json()).count_params(); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(counts, testing::Each(12));
}

TEST_F(SharedLayers, OfAnotherClassAreAnError) {
  auto a = Input({3}), i = Input({3});
  const Dense d({.units = 3, .name = "d"});
  const Model inner(a, d(a)), model(i, inner(d(i)), {.name = "m"});
  const auto error_with = [&](const std::string& from, const std::string& to) {
    std::string text = model.to_json();
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << text;
    text.replace(at, from.size(), to);
    return error_of<ValueError>([&] { model_from_json(text); });
  };
  EXPECT_EQ(error_with(R"("class_name": "Dense")", R"("class_name": "Activation")"),
            "[Activation 'd'] unknown option 'units'; the options are name, trainable, dtype, activity_regularizer, "
            "activation");
  EXPECT_THAT(error_with(R"("shared_layer": 1)", R"("shared_layer": "one")"),
              HasSubstr("shared_layer: expected an integer, got \"one\""));
  // After an error the next config is read from its beginning.
  EXPECT_EQ(model_from_json(model.to_json()).count_params(), 12);
  std::string text = model.to_json();
  text.replace(text.rfind(R"("class_name": "Dense")"), 21, R"("class_name": "Softmax")");
  EXPECT_THAT(error_of<ValueError>([&] { model_from_json(text); }),
              HasSubstr("[Dense 'd'] is the shared_layer 1 of a config, but so is a \"Softmax\""));
}

}  // namespace
}  // namespace xl
