// The table of layer cases in batches of 1,100 samples. They make more pieces than there are groups of pieces, 18 and more,
// and pieces with many samples: what stands too near, or is counted wrongly, is seen here and in no small batch.

#include <gtest/gtest.h>

#include <numeric>

#include "golden.hpp"
#include "layer_cases.hpp"
#include "xlayers/framework/base/random.hpp"
#include "xlayers/framework/base/threads.hpp"
#include "xlayers/framework/graph/layer_of.hpp"
#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/framework/graph/with_options.hpp"
#include "xlayers/layers/input.hpp"
#include "xlayers/models/model/model.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing_layers::Case;
using testing_layers::LayerTable;
using testing_layers::name_of_row;
using testing_layers::rows;

constexpr std::int64_t batch = 1100;

class LargeBatch : public LayerTable {
 protected:
  void TearDown() override { set_num_threads(threads_); }

 private:
  int threads_ = num_threads();
};

INSTANTIATE_TEST_SUITE_P(, LargeBatch, rows(), name_of_row);

/// Has a layer an output for every sample, or one for all?
bool batched(const Case& one, const Layer& layer) {
  const SymbolicTensors outputs = layer.call(one.symbolic(), one.options.arguments);
  return std::all_of(outputs.begin(), outputs.end(), [](const SymbolicTensor& y) { return y.spec().batched; });
}

double largest_of(const std::vector<Tensor>& tensors) {
  double most = 0.0;
  for (const Tensor& tensor : tensors)
    for (const float value : tensor) most = std::max(most, std::abs(static_cast<double>(value)));
  return most;
}

// The gradient of a mean over the samples is the mean of the gradients of some parts; what regularisers add is the same in each.
TEST_P(LargeBatch, ItsGradientIsTheMeanOfThatOfItsParts) {
  constexpr std::int64_t size = 100, parts = batch / size;
  const Layer layer = one.layer();
  if (!batched(one, layer)) return;
  const Case many = one.with_samples(batch);
  std::vector<Tensor> dy, small;
  for (const Tensor& y : many.outputs(layer)) {
    dy.push_back(drawn(shape(y), 7 + dy.size()));
    small.push_back(dy.back() / static_cast<float>(parts));
  }
  set_num_threads(1);
  const Gradients whole = many.gradients(layer, many.inputs, small);
  set_num_threads(2);
  const Gradients again = many.gradients(layer, many.inputs, small);
  EXPECT_TRUE(same_bits(again.weights, whole.weights));
  EXPECT_TRUE(same_bits(again.inputs, whole.inputs));
  EXPECT_EQ(again.penalty, whole.penalty);

  std::vector<std::vector<double>> inputs(whole.inputs.size()), weights(whole.weights.size());
  double penalty = 0.0, most = 0.0;
  for (std::int64_t first = 0; first < batch; first += size) {
    const Case part = many.part(first, size);
    std::vector<Tensor> slopes;
    for (const Tensor& slope : dy) slopes.push_back(samples(slope, first, size));
    const Gradients found = part.gradients(layer, part.inputs, slopes);
    for (std::size_t i = 0; i < inputs.size(); ++i)
      for (const float value : found.inputs[i]) inputs[i].push_back(value / parts);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i].resize(found.weights[i].size());
      for (std::size_t k = 0; k < weights[i].size(); ++k) weights[i][k] += found.weights[i].data()[k] / parts;
    }
    penalty += found.penalty / parts;
    most = std::max({most, largest_of(found.inputs) / parts, largest_of(found.weights)});
  }
  // A gradient that is 0 but for rounding (that of a bias before a softmax) has no size of its own.
  for (std::size_t i = 0; i < inputs.size(); ++i) EXPECT_LE(difference(whole.inputs[i], inputs[i]), 1e-5 * most) << i;
  for (std::size_t i = 0; i < weights.size(); ++i)
    EXPECT_LE(difference(whole.weights[i], weights[i]), 1e-5 * most) << i;
  EXPECT_NEAR(whole.penalty, penalty, 1e-5 * std::abs(penalty));
}

/// y = x + b, where b is 0 at first: what goes back to the inputs of a layer is what b learns.
struct ShiftOptions {
  static constexpr auto class_name = "Shift";
  std::string name = {};
  bool trainable = true;
};
void serialize(Archive&, ShiftOptions&) {}

class ShiftLayer final : public WithOptions<PrimitiveLayer, ShiftOptions> {
 public:
  using WithOptions::WithOptions;
  TensorSpecs outputs(const TensorSpecs& x) const override { return {single_input(x, 2)}; }
  void make_weights(const TensorSpecs& x) override { add_weight("b", {x[0].shape.back()}, Constant{0.0f}); }
  void forward(const ForwardCall& call) const override {
    const Block &x = call.input(), &y = call.output();
    for (std::int64_t i = 0; i < x.size(); ++i) y.data[i] = x.data[i] + call.weights[0][i % x.columns()];
  }
  void backward(const BackwardCall& call) const override {
    const Block& dy = call.output_gradient();
    for (std::int64_t column = 0; column < dy.columns(); ++column) {
      double sum = 0.0;
      for (std::int64_t i = column; i < dy.size(); i += dy.columns()) sum += dy.data[i];
      call.weight_gradient(0)[column] += static_cast<float>(sum);
    }
    if (auto* dx = call.input_gradient()) std::copy_n(dy.data, dy.size(), dx->data);
  }
};
using Shift = HandleOf<ShiftLayer>;

/// The mean over the rows of sum(target * prediction): its gradient is the target, divided by the rows.
Loss slope_loss() {
  return Loss::own("slope", [](auto target, auto prediction, auto gradient) {
    if (!gradient.empty()) std::copy(target.begin(), target.end(), gradient.begin());
    return std::inner_product(target.begin(), target.end(), prediction.begin(), 0.0);
  });
}

/// A model of a row's layer, each input of floats behind a Shift.
struct ShiftedModel {
  Layer layer;
  std::vector<Layer> shifts;
  std::vector<std::size_t> shifted;  // the inputs
  std::optional<Model> model;

  explicit ShiftedModel(const Case& one) : layer(one.layer()) {
    SymbolicTensors inputs, x;
    for (std::size_t i = 0; i < one.inputs.size(); ++i) {
      inputs.push_back(Input(one.inputs[i].shape().sample(), {.dtype = to_string(one.inputs[i].dtype())}));
      x.push_back(inputs.back());
      if (one.inputs[i].dtype() != DType::float32 || one.inputs[i].shape().rank() < 2) continue;
      shifted.push_back(i);
      shifts.push_back(Shift());
      x.back() = shifts.back()(x.back());
    }
    model.emplace(TensorList(inputs), TensorList(layer.call(x, one.options.arguments)));
  }
  std::vector<const Weight*> trained() const {
    std::vector<const Weight*> weights;
    for (const Weight* weight : layer.base().weights())
      if (layer.trainable() && weight->trainable) weights.push_back(weight);
    return weights;
  }
};

/// The sums of a tensor over all axes but the last one.
Tensor row_sum(const Tensor& x) {
  const std::int64_t columns = shape(x).back();
  std::vector<double> sums(columns);
  for (std::size_t i = 0; i < x.size(); ++i) sums[i % columns] += x.data()[i];
  Tensor result = empty({columns});
  std::copy(sums.begin(), sums.end(), result.begin());
  return result;
}

// One step of SGD moves every weight by its gradient, in whatever order the samples are; and on two threads by the same bits.
TEST_P(LargeBatch, AShuffledFitTakesTheRightStep) {
  if (!one.options.masks.empty() || !batched(one, one.layer())) return;
  Case many = one.with_samples(batch);
  constexpr float rate = 16.0f;
  std::vector<Tensor> targets;
  for (const Tensor& y : many.outputs(one.layer())) targets.push_back(drawn(shape(y), 7 + targets.size()));
  const auto fit = [&](const ShiftedModel& made, int threads) {
    set_num_threads(threads);
    set_random_seed(3);
    made.model->compile({.optimizer = SGD({.learning_rate = rate}), .loss = slope_loss()});
    made.model->fit(many.inputs, targets, {.batch_size = batch, .verbose = 0});
  };
  const ShiftedModel made(one), again(one);
  std::vector<Tensor> before;
  for (const Weight* weight : made.trained()) before.push_back(weight->value);
  fit(made, 1);
  fit(again, 2);
  EXPECT_TRUE(same_bits(again.model->get_weights(), made.model->get_weights()));

  // What chance, a constraint or a mask of the outputs does to a step is none of this test.
  const Layer layer = one.layer();
  const std::vector<Tensor> y = many.outputs(layer);
  many.options.training = true;
  if (!same_bits(many.outputs(layer), y)) return;
  const SymbolicTensors outputs = layer.call(one.symbolic(), one.options.arguments);
  for (const SymbolicTensor& output : outputs)
    if (output.mask()) return;
  for (const Weight* weight : made.trained())
    if (weight->constraint) return;

  std::vector<Tensor> dy;
  for (const Tensor& target : targets) {
    const Dim features = target.dimension() == 1 ? 1 : shape(target).back();
    dy.push_back(target * (static_cast<float>(features) / static_cast<float>(target.size())));
  }
  const Gradients slopes = many.gradients(layer, many.inputs, dy);
  std::vector<Tensor> of_shifts;
  for (const std::size_t input : made.shifted) of_shifts.push_back(row_sum(slopes.inputs[input]));
  const double most = std::max({largest_of(slopes.weights), largest_of(of_shifts), 1e-2});
  const auto expect_step = [&](const Tensor& from, const Tensor& slope, const Tensor& to) {
    ASSERT_EQ(to.size(), slope.size());
    for (std::size_t i = 0; i < to.size(); ++i)
      ASSERT_NEAR(from.data()[i] - rate * slope.data()[i], to.data()[i], 1e-5 * rate * most) << i;
  };
  const std::vector<const Weight*> trained = made.trained();
  ASSERT_EQ(trained.size(), slopes.weights.size());
  for (std::size_t i = 0; i < trained.size(); ++i) expect_step(before[i], slopes.weights[i], trained[i]->value);
  for (std::size_t i = 0; i < of_shifts.size(); ++i)
    expect_step(zeros(shape(of_shifts[i])), of_shifts[i], made.shifts[i].get_weights()[0]);
}

}  // namespace
}  // namespace xl
