// When a Sequential is built, how it grows, and what its input is called.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden.hpp"
#include "xlayers/xlayers.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

/// Names are counted from the beginning in each test.
class SequentialGrowth : public testing::Test {
 protected:
  void SetUp() override { clear_session(); }
};

std::vector<std::string> names(const Model& model) {
  std::vector<std::string> all;
  for (const Layer& layer : model.layers()) all.push_back(layer.name());
  return all;
}

// As in Keras: what the first layer takes, where that is a model that is built, is what the whole takes.
TEST_F(SequentialGrowth, IsBuiltAtOnceOfBuiltModels) {
  auto words = Input({5}, {.dtype = "int32"});
  const Model encoder(words, Embedding({.input_dim = 9, .output_dim = 4})(words), {.name = "encoder"});
  const Sequential decoder({Input({5, 4}), Dense({.units = 2})}, "decoder");
  const Sequential model{encoder, decoder};
  ASSERT_TRUE(model.built());
  EXPECT_EQ(model.inputs()[0].shape(), Shape({None, 5}));
  EXPECT_EQ(model.inputs()[0].dtype(), DType::int32);
  EXPECT_EQ(model.outputs()[0].shape(), Shape({None, 5, 2}));
  EXPECT_EQ(model.count_params(), 9 * 4 + 4 * 2 + 2);
  EXPECT_THAT(names(model), ElementsAre("encoder", "decoder"));
  const IntTensor x = random_integers({3, 5}, 0, 9, 1);
  EXPECT_TRUE(same_bits(model.predict(x), decoder.predict(encoder.predict(x))));
  const Model again = model_from_json(model.to_json());
  EXPECT_TRUE(again.built());
  EXPECT_EQ(again.to_json(), model.to_json());

  // One model alone is not enough, as in Keras; nor is one that is not built, or that takes two inputs.
  const Sequential grown{encoder};
  EXPECT_FALSE(grown.built());
  grown.add(decoder);
  EXPECT_TRUE(grown.built());
  EXPECT_FALSE(Sequential({Sequential({Dense({.units = 2})}), decoder}).built());
  auto a = Input({3}), b = Input({3});
  EXPECT_FALSE(Sequential({Model({a, b}, a + b), Dense({.units = 2})}).built());
  // What does not fit is an error now, not at the first data.
  EXPECT_THAT(error_of<ShapeError>([&] {
                Sequential({encoder, Sequential({Input({5, 3}), Dense({.units = 1})}, "other")});
              }),
              HasSubstr("[Sequential 'other'] expected an input (None, 5, 3), got (None, 5, 4)"));
}

TEST_F(SequentialGrowth, GoesOnWhereItIsBuilt) {
  const Sequential model{Dense({.units = 3})};
  const Tensor x = drawn({2, 4}, 1);
  const Tensor y = model(x);
  model.add(Activation("tanh"));
  EXPECT_TRUE(model.built());
  EXPECT_TRUE(same_bits(model(x), Activation("tanh")(y)));
  EXPECT_THAT(error_of<ShapeError>([&] { model.add(Conv1D({.filters = 1, .kernel_size = 1})); }), HasSubstr("Conv1D"));
  EXPECT_TRUE(same_bits(model(x), Activation("tanh")(y)));
  EXPECT_THAT(names(model), SizeIs(2));
}

// A layer of one's own that counts how often it is asked for its shape.
struct CountedOptions {
  static constexpr auto class_name = "Counted";
  std::string name = {};
  bool trainable = true;
};
void serialize(Archive&, CountedOptions&) {}
int asked = 0;
class CountedLayer : public WithOptions<PrimitiveLayer, CountedOptions> {
 public:
  using WithOptions::WithOptions;
  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    ++asked;
    return {single_input(inputs, 1)};
  }
  void forward(const ForwardCall&) const override {}
  void backward(const BackwardCall&) const override {}
};
using Counted = HandleOf<CountedLayer>;

TEST_F(SequentialGrowth, CostsForEachLayerTheSame) {
  const auto cost_of_list = [](int layers) {
    std::vector<Sequential::Item> items{Input({3})};
    for (int i = 0; i < layers; ++i) items.emplace_back(Counted());
    asked = 0;
    const Sequential model(items);
    return asked;
  };
  const auto cost_of_adding = [](int layers) {
    asked = 0;
    const Sequential model{Input({3})};
    for (int i = 0; i < layers; ++i) model.add(Counted());
    return asked;
  };
  EXPECT_LE(cost_of_list(400), 4 * 400);
  EXPECT_EQ(cost_of_list(400), 40 * cost_of_list(10));
  EXPECT_EQ(cost_of_adding(400) - cost_of_adding(200), 2 * (cost_of_adding(200) - cost_of_adding(100)));
}

TEST_F(SequentialGrowth, KeepsTheNameOfItsInput) {
  const Sequential model{Input({3}, {.name = "in"}), Dense({.units = 2, .name = "out"})};
  EXPECT_THAT(model.input_names(), ElementsAre("in"));
  EXPECT_THAT(model.output_names(), ElementsAre("out"));
  const Tensor x = drawn({4, 3}, 1);
  EXPECT_TRUE(same_bits(model.predict({{"in", x}}), model.predict(x)));
  model.compile({.optimizer = "sgd", .loss = "mse"});
  EXPECT_NO_THROW(model.fit({{"in", x}}, {{"out", zeros({4, 2})}}, {.verbose = 0}));
  EXPECT_THAT(error_of<ValueError>([&] {
                model.predict({{"on", x}});
              }),
              HasSubstr("has no 'on' among its inputs; there are in"));
  EXPECT_THAT(model_from_json(model.to_json()).input_names(), ElementsAre("in"));
  EXPECT_THAT(Sequential(model.clone()).input_names(), ElementsAre("in"));
  model.add(Dense({.units = 1}));
  EXPECT_THAT(model.input_names(), ElementsAre("in"));
  EXPECT_EQ(model.inputs()[0], model.inputs()[0]);
  EXPECT_EQ(model.inputs()[0].node().layer->name(), "in");

  // Without an Input it is counted as one, as in Keras.
  clear_session();
  const Sequential open{Dense({.units = 2})};
  open(x);
  EXPECT_THAT(open.input_names(), ElementsAre("input_layer"));
  EXPECT_TRUE(same_bits(open.predict({{"input_layer", x}}), open.predict(x)));
}

TEST_F(SequentialGrowth, DoesNotGrowOnceItStandsInAnother) {
  const auto expect_refused = [](const Sequential& model) {
    const std::string before = model.to_json();
    EXPECT_THAT(
        error_of<ValueError>([&] { model.add(Dense({.units = 1})); }),
        HasSubstr("[Sequential '" + model.name() + "'] stands in another model and cannot be changed any more"));
    EXPECT_EQ(model.to_json(), before);
  };
  const auto make = [] { return Sequential{Input({3}), Dense({.units = 3})}; };
  auto x = Input({3});
  const Sequential in_model = make(), deeper = make(), in_sequential = make(), added = make(),
                   open{Dense({.units = 3})};
  const Model model(x, in_model(x)), outer(x, Model(x, deeper(x))(x)), of_open(x, open(x));
  const Sequential whole{Input({3}), in_sequential};
  whole.add(added);
  for (const Sequential& one : {in_model, deeper, in_sequential, added, open}) expect_refused(one);
  EXPECT_EQ(model.count_params(), 12);

  // One that was changed before the model was made has to be called again.
  const Sequential changed = make();
  auto y = changed(x);
  changed.add(Dense({.units = 2}));
  EXPECT_THAT(error_of<ValueError>([&] { Model(x, y, {.name = "m"}); }),
              HasSubstr("[Functional 'm'] calls '" + changed.name() + "', which was changed after that call"));
  EXPECT_EQ(shape(Model(x, changed(x)).predict(zeros({1, 3}))), Shape({1, 2}));
  // And a failure to stand in another leaves it free.
  const Sequential free = make();
  EXPECT_ANY_THROW(Sequential({Input({4}), free}));
  EXPECT_ANY_THROW(whole.add(Sequential({Input({4}), free})));
  EXPECT_NO_THROW(make().add(Dense({.units = 1})));
}

TEST_F(SequentialGrowth, AddsAllLayersOfAListOrNone) {
  const Dense first({.units = 4});
  EXPECT_ANY_THROW(Sequential({Input({3}), first, Conv1D({.filters = 1, .kernel_size = 1})}));
  EXPECT_FALSE(first.built());
  EXPECT_EQ(Sequential({Input({7}), first}).count_params(), 32);
}

}  // namespace
}  // namespace xl
