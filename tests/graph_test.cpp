// Graphs beyond a chain: shared layers, several inputs and outputs, broadcasting, depth, and layers of one's own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden.hpp"
#include "xlayers/framework/base/random.hpp"
#include "xlayers/framework/engine/executor.hpp"
#include "xlayers/framework/engine/gradients.hpp"
#include "xlayers/framework/graph/call.hpp"
#include "xlayers/framework/graph/composite.hpp"
#include "xlayers/framework/graph/names.hpp"
#include "xlayers/framework/graph/node.hpp"
#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/layers/activation.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/positional_embedding.hpp"
#include "xlayers/models/model/sequential.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::ElementsAre;

// ---- layers of one's own: as a program that uses the library writes them --------------------------------

/// y = factor * x + shift, with a weight `shift` of the last axis' extent.
struct AffineOptions {
  static constexpr auto class_name = "Affine";
  float factor = 2.0f;
  Initializer shift_initializer = "zeros";
  std::string name = {};
  bool trainable = true;
};
void serialize(Archive& archive, AffineOptions& o) {
  archive("factor", o.factor)("shift_initializer", o.shift_initializer);
}

class AffineLayer final : public WithOptions<PrimitiveLayer, AffineOptions> {
 public:
  using WithOptions::WithOptions;
  std::string_view package() const override { return "mine"; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override { return {single_input(inputs, 2)}; }
  void make_weights(const TensorSpecs& inputs) override {
    add_weight("shift", {inputs[0].shape.back()}, options.shift_initializer);
  }
  void forward(const ForwardCall& call) const override {
    const Block& x = call.input();
    for (std::int64_t i = 0; i < x.size(); ++i)
      call.output().data[i] = options.factor * x.data[i] + call.weights[0][i % x.columns()];
  }
  // dx = factor * dy,  dshift = the sum of dy over the rows
  void backward(const BackwardCall& call) const override {
    const Block& dy = call.output_gradient();
    for (std::int64_t i = 0; i < dy.size(); ++i) {
      if (call.weight_gradient(0)) call.weight_gradient(0)[i % dy.columns()] += dy.data[i];
      if (call.input_gradient()) call.input_gradient()->data[i] = options.factor * dy.data[i];
    }
  }
};

using Affine = HandleOf<AffineLayer>;

/// Two outputs: the sum and the difference of two inputs.
class SumAndDifference final : public PrimitiveLayer {
 public:
  std::string_view class_name() const override { return "SumAndDifference"; }
  Config get_config() const override { return {{"name", name()}}; }
  TensorSpecs outputs(const TensorSpecs& inputs) const override { return {inputs.at(0), inputs.at(1)}; }
  void forward(const ForwardCall& call) const override {
    for (std::int64_t i = 0; i < call.input(0).size(); ++i) {
      call.output(0).data[i] = call.input(0).data[i] + call.input(1).data[i];
      call.output(1).data[i] = call.input(0).data[i] - call.input(1).data[i];
    }
  }
  void backward(const BackwardCall& call) const override {
    for (std::int64_t i = 0; i < call.input(0).size(); ++i) {
      const float sum = call.output_gradient(0).data[i], difference = call.output_gradient(1).data[i];
      if (call.input_gradient(0)) call.input_gradient(0)->data[i] = sum + difference;
      if (call.input_gradient(1)) call.input_gradient(1)->data[i] = sum - difference;
    }
  }
};

/// A composite from a function over symbolic tensors.
class Composite final : public CompositeLayer {
 public:
  using Call = std::function<SymbolicTensors(const SymbolicTensors&)>;
  explicit Composite(Call call) : call_(std::move(call)) {}
  std::string_view class_name() const override { return "Composite"; }
  Config get_config() const override { return {{"name", name()}}; }
  SymbolicTensors call(const SymbolicTensors& inputs, const CallContext&) const override { return call_(inputs); }

 private:
  Call call_;
};

Layer composite(Composite::Call call) {
  auto layer = std::make_shared<Composite>(std::move(call));
  name_layer(*layer, "", true);
  return Layer(layer);
}

/// x + a Dense of its activation, twice: a composite with options.
struct ResidualOptions {
  static constexpr auto class_name = "Residual";
  int units = 0;
  ActivationFunction activation = "tanh";
  std::string name = {};
  bool trainable = true;
};
void serialize(Archive& archive, ResidualOptions& o) { archive("units", o.units)("activation", o.activation); }

class ResidualLayer final : public WithOptions<CompositeLayer, ResidualOptions> {
 public:
  explicit ResidualLayer(ResidualOptions o)
      : WithOptions(o), inner_({.units = o.units, .activation = o.activation}), outer_({.units = o.units}) {}
  SymbolicTensors call(const SymbolicTensors& inputs, const CallContext&) const override {
    return {inputs.at(0) + outer_(inner_(inputs.at(0)))};
  }

 private:
  Dense inner_, outer_;
};

using Residual = HandleOf<ResidualLayer>;

// ---- gradients ------------------------------------------------------------------------------------------

/// Compares the gradients of a layer with central differences: f = sum(y * dy) moves by each element of the
/// gradient. For graphs that are smooth.
void expect_slopes(const Layer& layer, const std::vector<Tensor>& inputs) {
  const Tensor dy = drawn(shape(layer(inputs)), 99);
  const Gradients found = gradients(layer, inputs, dy);
  const auto value = [&](const std::vector<Tensor>& at) {
    const Tensor y = layer(at);
    double sum = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += static_cast<double>(y.data()[i]) * dy.data()[i];
    return sum;
  };
  constexpr float step = 1.0f / 128;
  for (std::size_t k = 0; k < inputs.size(); ++k)
    for (std::size_t i = 0; i < inputs[k].size(); ++i) {
      std::vector<Tensor> above = inputs, below = inputs;
      above[k].data()[i] += step;
      below[k].data()[i] -= step;
      EXPECT_NEAR(found.inputs[k].data()[i], (value(above) - value(below)) / (2 * step), 2e-3)
          << "input " << k << " " << i;
    }
  const std::vector<Tensor> weights = layer.get_weights();
  ASSERT_EQ(found.weights.size(), weights.size());
  for (std::size_t k = 0; k < weights.size(); ++k)
    for (std::size_t i = 0; i < weights[k].size(); ++i) {
      std::vector<Tensor> above = weights, below = weights;
      above[k].data()[i] += step;
      below[k].data()[i] -= step;
      layer.set_weights(above);
      const double high = value(inputs);
      layer.set_weights(below);
      const double low = value(inputs);
      layer.set_weights(weights);
      EXPECT_NEAR(found.weights[k].data()[i], (high - low) / (2 * step), 2e-3) << "weight " << k << " " << i;
    }
}

TEST(Graph, ALayerCalledTwiceAddsUpItsGradients) {
  const Dense dense({.units = 3, .activation = "tanh"});
  const Layer twice = composite([=](const SymbolicTensors& x) { return SymbolicTensors{dense(dense(x[0]))}; });
  const Tensor x = drawn({4, 3}, 1);
  const Tensor y = twice({x});
  EXPECT_EQ(twice.get_weights().size(), 2u);
  EXPECT_TRUE(same_bits(y, dense(dense(x))));
  expect_slopes(twice, {x});
}

TEST(Graph, OneLayerForTwoInputs) {
  const Dense dense({.units = 2, .activation = "sigmoid"});
  const Layer both = composite([=](const SymbolicTensors& x) { return SymbolicTensors{dense(x[0]) + dense(x[1])}; });
  expect_slopes(both, {drawn({3, 4}, 1), drawn({3, 4}, 2)});
}

TEST(Graph, ATensorAddedToItself) {
  const Layer twice = composite([](const SymbolicTensors& x) { return SymbolicTensors{x[0] + x[0]}; });
  const Tensor x = drawn({5, 3}, 1), dy = drawn({5, 3}, 2);
  const Tensor y = twice({x});
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(y.data()[i], 2 * x.data()[i]);
  const Gradients found = gradients(twice, {x}, dy);
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(found.inputs[0].data()[i], 2 * dy.data()[i]);
}

TEST(Graph, DiamondsAndSkips) {
  const Dense a({.units = 3, .activation = "tanh"}), b({.units = 3}), c({.units = 3, .activation = "sigmoid"});
  const Layer diamond = composite([=](const SymbolicTensors& in) {
    const SymbolicTensor x = a(in[0]);
    const SymbolicTensor left = b(x), right = c(x);
    return SymbolicTensors{(left + right) + (x + in[0])};
  });
  expect_slopes(diamond, {drawn({4, 3}, 1)});
  EXPECT_EQ(diamond.get_weights().size(), 6u);
}

TEST(Graph, AdditionBroadcastsAndItsGradientSumsUp) {
  const Layer add = composite([](const SymbolicTensors& x) { return SymbolicTensors{x[0] + x[1]}; });
  for (const auto& [a, b] : {std::pair<Shape, Shape>{{3, 4, 2}, {3, 1, 2}},
                             {{3, 4, 1}, {3, 4, 5}},
                             {{3, 1, 2}, {3, 4, 1}},
                             {{2, 1, 3, 1}, {2, 4, 1, 5}},
                             {{2, 1}, {2, 3}}}) {
    const Tensor x = drawn(a, 1), y = drawn(b, 2);
    const Tensor sum = add({x, y}), expected = x + y;
    EXPECT_TRUE(same_bits(sum, expected)) << a << b;
    expect_slopes(add, {x, y});
  }
  EXPECT_EQ(error_of<ShapeError>([&] { Input({3, 2}) + Input({4, 2}); }).substr(0, 5), "[Add ");
  EXPECT_EQ(error_of<ShapeError>([&] { Input({3, 2}) + Input({2}); }).substr(0, 5), "[Add ");
}

TEST(Graph, AnEncodingWithoutABatchIsAddedToEverySample) {
  const PositionalEmbedding positions({.max_len = 6, .d_model = 4});
  const Dense dense({.units = 4, .activation = "tanh"});
  const Layer embed = composite([=](const SymbolicTensors& x) {
    const SymbolicTensor y = dense(x[0]);
    return SymbolicTensors{dense(y + positions(y)) + positions(x[0])};
  });
  const Tensor x = drawn({3, 6, 4}, 1);
  expect_slopes(embed, {x});
  const Tensor table = positions(x), y = dense(x);
  const Tensor with_positions = y + table;
  const Tensor expected = dense(with_positions) + table;
  EXPECT_LE(difference(embed({x}), {expected.begin(), expected.end()}), 1e-6);
}

// ---- several inputs and outputs -------------------------------------------------------------------------

/// Runs a graph forward and backward; the outputs' gradients are given.
struct Result {
  std::vector<Tensor> outputs, input_gradients, weight_gradients;
};

class GiveGradients final : public PieceVisitor {
 public:
  explicit GiveGradients(const std::vector<Tensor>& gradients) : gradients_(gradients) {}
  void operator()(const Piece& piece) const override {
    for (std::size_t i = 0; i < gradients_.size(); ++i) {
      const Block& to = *piece.output_gradients[i];
      std::copy_n(gradients_[i].data() + piece.first * to.sample_size(), to.size(), to.data);
    }
  }

 private:
  const std::vector<Tensor>& gradients_;
};

Result run_graph(const SymbolicTensors& inputs, const SymbolicTensors& outputs, const std::vector<Tensor>& data,
                 const std::vector<Tensor>& output_gradients) {
  const Executor executor(lower(inputs, outputs, inputs.size()));
  const Program& program = executor.program();
  std::vector<Shape> shapes;
  std::vector<const float*> sources;
  Result result;
  std::vector<float*> gradients, values;
  for (const Tensor& x : data) {
    shapes.push_back(shape(x).sample());
    sources.push_back(x.data());
    result.input_gradients.push_back(zeros(shape(x)));
    gradients.push_back(result.input_gradients.back().data());
  }
  const std::shared_ptr<PreparedPlan> prepared = executor.prepare(shapes, {.training = true, .backward = true}, shape(data[0])[0]);
  const Plan& plan = plan_of(prepared);
  const std::int64_t batch = shape(data[0])[0];
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    result.outputs.push_back(empty(plan.output(i).with_batch(batch)));
    values.push_back(result.outputs.back().data());
  }
  std::vector<float> sums(program.gradient_size + 1);
  const GiveGradients give(output_gradients);
  executor.run(*prepared, {.batch = batch,
                           .inputs = sources,
                           .input_masks = {},
                           .order = nullptr,
                           .outputs = values,
                           .visitor = &give,
                           .gradients = sums.data(),
                           .input_gradients = gradients});
  for (const Program::WeightPlace& place : program.weights) {
    Tensor gradient = empty(shape(place.weight->value));
    std::copy_n(sums.data() + place.gradient, gradient.size(), gradient.data());
    result.weight_gradients.push_back(std::move(gradient));
  }
  return result;
}

TEST(Graph, SeveralInputsAndOutputs) {
  const SymbolicTensor a = Input({3}), b = Input({3});
  const Layer both(std::make_shared<SumAndDifference>());
  const SymbolicTensors outputs = call_layer(both.shared_base(), {a, b});
  const Tensor x = drawn({40, 3}, 1), y = drawn({40, 3}, 2), ds = drawn({40, 3}, 3), dd = drawn({40, 3}, 4);
  const Result result = run_graph({a, b}, outputs, {x, y}, {ds, dd});
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_EQ(result.outputs[0].data()[i], x.data()[i] + y.data()[i]);
    EXPECT_EQ(result.outputs[1].data()[i], x.data()[i] - y.data()[i]);
    EXPECT_EQ(result.input_gradients[0].data()[i], ds.data()[i] + dd.data()[i]);
    EXPECT_EQ(result.input_gradients[1].data()[i], ds.data()[i] - dd.data()[i]);
  }
  // The other way round, one of them only: the gradient of the other is zero.
  const Result difference = run_graph({b, a}, {outputs[1]}, {y, x}, {dd});
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_EQ(difference.outputs[0].data()[i], x.data()[i] - y.data()[i]);
    EXPECT_EQ(difference.input_gradients[0].data()[i], -dd.data()[i]);
    EXPECT_EQ(difference.input_gradients[1].data()[i], dd.data()[i]);
  }
  EXPECT_EQ(error_of<ValueError>([&] { both({x, y}); }).substr(0, 17), "[SumAndDifference");
}

TEST(Graph, AnOutputThatIsAlsoAnInnerTensor) {
  const SymbolicTensor in = Input({3});
  const Affine three({.factor = 3.0f}), two({.factor = 2.0f});
  const SymbolicTensor inner = three(in), last = two(inner);
  const Tensor x = drawn({20, 3}, 1), di = drawn({20, 3}, 2), dl = drawn({20, 3}, 3);
  // Once also an input itself, and one tensor twice.
  const Result result = run_graph({in}, {inner, last, in, last}, {x}, {di, dl, dl, di});
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float v = x.data()[i];
    EXPECT_EQ(result.outputs[0].data()[i], 3 * v);
    EXPECT_EQ(result.outputs[1].data()[i], 2 * (3 * v));
    EXPECT_EQ(result.outputs[2].data()[i], v);
    EXPECT_EQ(result.outputs[3].data()[i], 2 * (3 * v));
  }
  const Result plain = run_graph({in}, {inner, last}, {x}, {di, dl});
  for (std::size_t i = 0; i < x.size(); ++i)
    EXPECT_FLOAT_EQ(plain.input_gradients[0].data()[i], 3 * (di.data()[i] + 2 * dl.data()[i]));
  for (std::size_t c = 0; c < 3; ++c) {
    double of_last = 0.0, of_inner = 0.0;
    for (std::size_t i = c; i < x.size(); i += 3) {
      of_last += dl.data()[i];
      of_inner += di.data()[i] + 2 * dl.data()[i];
    }
    EXPECT_NEAR(plain.weight_gradients[0].data()[c], of_inner, 1e-5);
    EXPECT_NEAR(plain.weight_gradients[1].data()[c], of_last, 1e-5);
  }
}

TEST(Graph, AnInputThatIsMissingIsAnError) {
  const SymbolicTensor a = Input({3}, {.name = "left"}), b = Input({3}, {.name = "right"});
  const SymbolicTensor sum = Dense({.units = 3})(a) + b;
  EXPECT_EQ(error_of<ValueError>([&] { lower({a}, {sum}); }),
            "the outputs depend on the Input 'right', which is not among the inputs of the model");
  EXPECT_EQ(error_of<ValueError>([&] { sort_nodes({b}, {sum}); }),
            "the outputs depend on the Input 'left', which is not among the inputs of the model");
  EXPECT_EQ(error_of<ValueError>([&] { sort_nodes({a}, {SymbolicTensor()}); }),
            "this symbolic tensor is empty: it was made by no Input and no layer");
  EXPECT_EQ(sort_nodes({a, b}, {sum}).size(), 2u);
}

TEST(Graph, NodesComeInTheOrderInWhichOneWouldWriteThem) {
  const SymbolicTensor x = Input({3});
  const Dense a({.units = 3, .name = "a"}), b({.units = 3, .name = "b"}), c({.units = 3, .name = "c"});
  const SymbolicTensor left = b(a(x)), right = c(x);
  std::vector<std::string> names;
  for (const Node* node : sort_nodes({x}, {left, right})) names.push_back(node->layer->name());
  EXPECT_THAT(names, ElementsAre("a", "b", "c"));
}

// A table is added while what it is added to is stored, unless that is needed without it too: as an output, by another
// layer, or by two additions.
TEST(Graph, WhatATableIsAddedToMayBeNeededWithoutIt) {
  const Tensor data = drawn({3, 5, 4}, 1);
  const Dense dense({.units = 4}), other({.units = 2});
  const PositionalEmbedding position({.max_len = 5, .d_model = 4});
  const Tensor x = dense(data), sum = x + position(data), z = other(x), twice = sum + position(data);
  const auto expect_equal = [&](const auto& make, const std::vector<Tensor>& truths) {
    const SymbolicTensor in = Input({5, 4});
    const SymbolicTensor made = dense(in);
    const Model model(in, TensorList(make(in, made)));
    const List<Tensor> outputs = model.predict_all(data);
    ASSERT_EQ(outputs.size(), truths.size());
    for (std::size_t i = 0; i < truths.size(); ++i)
      EXPECT_LE(difference(outputs[i], {truths[i].begin(), truths[i].end()}), 1e-6) << i;
  };
  using All = SymbolicTensors;
  expect_equal([&](auto in, auto y) { return All{y + position(in)}; }, {sum});
  expect_equal([&](auto in, auto y) { return All{y + position(in), y}; }, {sum, x});
  expect_equal([&](auto in, auto y) { return All{y, position(in) + y}; }, {x, sum});
  expect_equal([&](auto in, auto y) { return All{y + position(in), other(y)}; }, {sum, z});
  expect_equal([&](auto in, auto y) { return All{y + position(in), y + position(in)}; }, {sum, sum});
  expect_equal([&](auto in, auto y) { return All{(y + position(in)) + position(in)}; }, {twice});
}

// Each on a cache line of its own, and no more room than that: what training keeps is a multiple of it.
TEST(Graph, GradientsStandBesideEachOther) {
  const SymbolicTensor in = Input({3});
  const Dense shared({.units = 3}), frozen({.units = 3, .trainable = false});
  const SymbolicTensor out = Dense({.units = 17})(frozen(shared(shared(in))));
  const Program program = lower({in}, {out});
  std::vector<std::int64_t> places;
  for (const Program::WeightPlace& place : program.weights) places.push_back(place.gradient);
  EXPECT_THAT(places, ElementsAre(0, 16, -1, -1, 32, 96));  // 9, 3, none, none, 51 and 17 numbers
  EXPECT_EQ(program.gradient_size, 128);
}

TEST(Graph, TenThousandLayersDeep) {
  const SymbolicTensor in = Input({2});
  const Affine same({.factor = 1.0f, .shift_initializer = Constant{0.5f}});
  SymbolicTensor x = in;
  for (int i = 0; i < 10000; ++i) x = same(x);
  const Executor executor(lower({in}, {x}));
  const Tensor data = zeros({3, 2});
  const Array inputs[] = {data};
  const Tensor result = executor.call_once({inputs, {}}, false);
  EXPECT_EQ(shape(result), Shape({3, 2}));
  for (float value : result) EXPECT_EQ(value, 5000.0f);
}

// ---- layers of one's own in a model ---------------------------------------------------------------------

TEST(OwnLayers, GradientsAndConfigs) {
  register_layer("Affine", Affine::from_config);
  register_layer("Residual", Residual::from_config);
  expect_slopes(Affine({.factor = -1.5f}), {drawn({3, 2, 4}, 1)});
  expect_slopes(Residual({.units = 3}), {drawn({4, 3}, 1)});

  const Affine affine({.factor = 0.3f, .shift_initializer = Constant{1.25f}, .name = "shifted"});
  EXPECT_EQ(affine.get_config().to_json(),
            R"({"name": "shifted", "trainable": true, "dtype": "float32", "factor": 0.3, "shift_initializer": )"
            R"({"module": "keras.initializers", "class_name": "Constant", "config": {"value": 1.25}, )"
            R"("registered_name": null}})");
  EXPECT_EQ(layer_to_config(affine).at("registered_name").as_string(), "mine>Affine");
  EXPECT_EQ(error_of<ValueError>([] {
              Affine::from_config({{"name", "a"}, {"faktor", 2}});
            }),
            "[Affine 'a'] unknown option 'faktor'; the options are name, trainable, dtype, factor, shift_initializer");
}

TEST(OwnLayers, TrainInASequentialAndComeBack) {
  set_random_seed(1);
  register_layer("Affine", Affine::from_config);
  register_layer("Residual", Residual::from_config);
  const Sequential model{
      Input({5, 3}),
      Residual({.units = 3}),
      Affine({.factor = 0.5f}),
      Dense({.units = 1}),
  };
  EXPECT_EQ(model.count_params(), 2 * (3 * 3 + 3) + 3 + 3 + 1);
  model.compile({.optimizer = Adam({.learning_rate = 0.02}), .loss = "mse"});
  const Tensor x = drawn({64, 5, 3}, 1);
  Tensor y = empty({64, 5, 1});
  for (std::size_t i = 0; i < y.size(); ++i) y.data()[i] = x.data()[3 * i] * x.data()[3 * i + 1] + 0.25f;
  const History history = model.fit(x, y, {.batch_size = 16, .epochs = 60, .verbose = 0});
  EXPECT_LT(history.history.at("loss").back(), 0.2 * history.history.at("loss").front());

  for (const Format format : every_format) {
    const Model again = model_from_config(round_trip(model.to_config(), format));
    again.set_weights(model.get_weights());
    EXPECT_TRUE(same_bits(again.predict(x), model.predict(x)));
    EXPECT_EQ(again.to_config(), model.to_config());
  }
  const Layer clone = model.layers()[0].clone();
  EXPECT_TRUE(same_bits(clone(x), model.layers()[0](x)));
}

TEST(OwnLayers, AFrozenCompositeFreezesWhatIsInside) {
  const Residual residual({.units = 3, .trainable = false});
  const Tensor x = drawn({4, 3}, 1);
  residual(x);
  EXPECT_TRUE(gradients(residual, {x}, drawn({4, 3}, 2)).weights.empty());
  residual.set_trainable(true);
  EXPECT_EQ(gradients(residual, {x}, drawn({4, 3}, 2)).weights.size(), 4u);
}

}  // namespace
}  // namespace xl
