#include "xlayers/framework/kernels/activations.hpp"

#include "xlayers/framework/kernels/table.hpp"

namespace xl::kernels {

ActivationParameters default_parameters(Activation kind) {
  ActivationParameters parameters;
  if (kind == Activation::leaky_relu) parameters.negative_slope = 0.2f;
  if (kind == Activation::soft_shrink || kind == Activation::hard_shrink) {
    parameters.threshold = 0.5f;
  }
  return parameters;
}

void activate(const ActivationCall& call, const float* x, float* y) { table().activate(call, x, y); }

void activate_backward(const ActivationCall& call, const float* x, const float* y, const float* dy, float* dx) {
  table().activate_backward(call, x, y, dy, dx);
}

bool backward_reads_input(Activation kind, const ActivationParameters& parameters) {
  switch (kind) {
    case Activation::exponential:
    case Activation::hard_sigmoid:
    case Activation::linear:
    case Activation::log_sigmoid:
    case Activation::log_softmax:
    case Activation::relu6:
    case Activation::selu:
    case Activation::sigmoid:
    case Activation::softmax:
    case Activation::softplus:
    case Activation::softsign:
    case Activation::sparse_plus:
    case Activation::sparsemax:
    case Activation::tanh:
      return false;
    case Activation::relu:
      return parameters.negative_slope != 0.0f || parameters.threshold != 0.0f ||
             parameters.max_value != std::numeric_limits<float>::infinity();
    default:
      return true;
  }
}

}  // namespace xl::kernels
