#include "xlayers/framework/gradients.hpp"

#include <algorithm>

#include "xlayers/framework/errors.hpp"
#include "xlayers/framework/executor.hpp"

namespace xl {

namespace {

// Sets the gradient of each piece's output to what was given.
class GivenGradient final : public PieceVisitor {
 public:
  GivenGradient(const float* gradient, std::int64_t pieces) : gradient_(gradient), penalties_(pieces) {}

  void operator()(const Piece& piece) const override {
    const Block& block = *piece.output_gradients[0];
    std::copy_n(gradient_ + piece.first * block.sample_size(), block.size(), block.data);
    penalties_[piece.index] = piece.penalty;
  }

  double penalty() const {
    double sum = 0.0;
    for (double penalty : penalties_) sum += penalty;
    return sum;
  }

 private:
  const float* gradient_;
  mutable std::vector<double> penalties_;  // each piece writes its own
};

}  // namespace

Gradients gradients(const Layer& layer, const std::vector<Tensor>& inputs, const Tensor& output_gradient) {
  TensorSpecs specs;
  std::vector<Shape> shapes;
  std::vector<const float*> data;
  for (const Tensor& input : inputs) {
    if (shape(input).empty() || shape(input)[0] != shape(inputs[0])[0])
      throw ShapeError(layer.base().label() + "expected inputs of equal batch sizes");
    shapes.push_back(shape(input).sample());
    specs.push_back({shapes.back().with_batch(None)});
    data.push_back(input.data());
  }
  const SymbolicTensors stand_ins = placeholders(specs);
  const SymbolicTensors outputs = call_layer(layer.shared_base(), stand_ins);
  const Executor executor(lower(stand_ins, outputs, true));
  const Program& program = executor.program();
  const std::shared_ptr<PreparedPlan> prepared = executor.prepare(shapes, {.training = true, .backward = true});
  const Plan& plan = plan_of(*prepared);

  Run run;
  run.batch = inputs.empty() ? 0 : shape(inputs[0])[0];
  const Shape expected = plan.output(0).with_batch(run.batch);
  if (outputs.size() != 1 || !outputs[0].spec().batched)
    throw ShapeError(layer.base().label() + "expected a layer of one output with a batch axis");
  if (shape(output_gradient) != expected)
    throw ShapeError(layer.base().label() + "expected an output gradient " + to_string(expected) + ", got " +
                     to_string(shape(output_gradient)));

  Gradients result;
  std::vector<float*> input_gradients;
  for (const Tensor& input : inputs) {
    result.inputs.push_back(zeros(shape(input)));
    input_gradients.push_back(result.inputs.back().data());
  }
  const GivenGradient given(output_gradient.data(), plan.pieces(run.batch));
  std::vector<float> sums(static_cast<std::size_t>(program.gradient_size) + 1);
  run.inputs = data;
  run.visitor = &given;
  run.gradients = sums.data();
  run.input_gradients = input_gradients;
  executor.run(*prepared, run);

  result.penalty = given.penalty();
  for (const Program::WeightPlace& place : program.weights) {
    if (place.gradient < 0) continue;
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

}  // namespace xl
