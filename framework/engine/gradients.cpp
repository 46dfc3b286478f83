#include "xlayers/framework/engine/gradients.hpp"

#include <algorithm>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/engine/eager.hpp"
#include "xlayers/framework/engine/executor.hpp"

namespace xl {

namespace {

// Sets the gradients of each piece's outputs to what was given.
class GivenGradients final : public PieceVisitor {
 public:
  GivenGradients(const std::vector<Tensor>& gradients, std::int64_t pieces)
      : gradients_(gradients), penalties_(pieces) {}

  void operator()(const Piece& piece) const override {
    for (std::size_t i = 0; i < gradients_.size(); ++i) {
      const Block& block = *piece.output_gradients[i];
      if (block.data != nullptr)
        std::copy_n(gradients_[i].data() + piece.first * block.sample_size(), block.size(), block.data);
    }
    penalties_[piece.index] = piece.penalty;
  }

  double penalty() const {
    double sum = 0.0;
    for (double penalty : penalties_) sum += penalty;
    return sum;
  }

 private:
  const std::vector<Tensor>& gradients_;
  mutable std::vector<double> penalties_;  // each piece writes its own
};

}  // namespace

Gradients gradients(const Layer& layer, DataRef given_inputs, const std::vector<Tensor>& output_gradients,
                    const CallOptions& options) {
  const Data& inputs = given_inputs.get();
  check_call(layer.base(), inputs, options);
  std::vector<Shape> shapes;
  std::vector<const float*> data, masks;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    shapes.push_back(inputs[i].shape().sample());
    data.push_back(inputs[i].data());
    masks.push_back(mask_of(options, i).data());
  }
  const Graph graph = graph_of_call(layer.shared_base(), specs(inputs, options), options);
  const Executor executor(lower(graph.inputs, graph.outputs, inputs.size()));
  const Program& program = executor.program();
  const std::shared_ptr<PreparedPlan> prepared =
      executor.prepare(shapes, {.training = options.training, .backward = true}, inputs[0].shape()[0]);
  const Plan& plan = plan_of(prepared);

  Run run;
  run.batch = inputs[0].shape()[0];
  if (output_gradients.size() != graph.outputs.size())
    throw ShapeError(layer.base().label() + "expected a gradient for each of its " +
                     std::to_string(graph.outputs.size()) + " outputs, got " + std::to_string(output_gradients.size()));
  for (std::size_t i = 0; i < output_gradients.size(); ++i) {
    const Shape expected = plan.output(i).with_batch(run.batch);
    if (!plan.slots()[program.outputs[i]].spec.batched)
      throw ShapeError(layer.base().label() + "expected a layer whose outputs have a batch axis");
    if (shape(output_gradients[i]) != expected)
      throw ShapeError(layer.base().label() + "expected an output gradient " + to_string(expected) + ", got " +
                       to_string(shape(output_gradients[i])));
  }

  Gradients result;
  std::vector<float*> input_gradients;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    result.inputs.push_back(zeros(inputs[i].shape()));
    input_gradients.push_back(result.inputs.back().data());
  }
  const GivenGradients given(output_gradients, plan.pieces(run.batch));
  std::vector<float> sums(static_cast<std::size_t>(program.gradient_size) + 1);
  run.inputs = data;
  run.input_masks = masks;
  run.visitor = &given;
  run.gradients = sums.data();
  run.input_gradients = input_gradients;
  executor.run(*prepared, run);

  result.penalty = given.penalty();
  for (const Weight* own : layer.base().weights()) {
    const auto found = std::find_if(program.weights.begin(), program.weights.end(),
                                    [&](const Program::WeightPlace& place) { return place.weight == own; });
    if (found == program.weights.end() || found->gradient < 0) continue;
    const Program::WeightPlace& place = *found;
    const Weight& weight = *place.weight;
    Tensor gradient = empty(shape(weight.value));
    std::copy_n(sums.data() + place.gradient, gradient.size(), gradient.data());
    if (weight.regularizer) {
      result.penalty += weight.regularizer.penalty({weight.value.data(), weight.value.size()});
      weight.regularizer.add_gradient({weight.value.data(), weight.value.size()}, {gradient.data(), gradient.size()});
    }
    result.weights.push_back(std::move(gradient));
  }
  return result;
}

Gradients gradients(const Layer& layer, DataRef inputs, const Tensor& output_gradient, const CallOptions& options) {
  return gradients(layer, inputs.get(), std::vector<Tensor>{output_gradient}, options);
}

}  // namespace xl
