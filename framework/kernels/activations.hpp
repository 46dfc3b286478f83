#pragma once

#include <cstdint>
#include <limits>

namespace xl::kernels {

/// The activation functions of keras.activations, by Keras' names.
enum class Activation {
  celu,
  elu,
  exponential,
  gelu,
  glu,
  hard_shrink,
  hard_sigmoid,
  hard_silu,
  hard_tanh,
  leaky_relu,
  linear,
  log_sigmoid,
  log_softmax,
  mish,
  relu,
  relu6,
  selu,
  sigmoid,
  silu,
  soft_shrink,
  softmax,
  softplus,
  softsign,
  sparse_plus,
  sparse_sigmoid,
  sparsemax,
  squareplus,
  tanh,
  tanh_shrink,
  threshold,
};

/// What the functions take besides x. A function reads those that name it, and no others.
struct ActivationParameters {
  float alpha = 1.0f;                                        ///< elu, celu
  float negative_slope = 0.0f;                               ///< relu, leaky_relu
  float max_value = std::numeric_limits<float>::infinity();  ///< relu; infinity is none
  float threshold = 0.0f;                                    ///< relu, soft_shrink, hard_shrink, threshold
  float default_value = 0.0f;                                ///< threshold
  float b = 4.0f;                                            ///< squareplus
  bool approximate = false;                                  ///< gelu: the tanh form
};

/// Keras' defaults of this function (leaky_relu: slope 0.2; soft_shrink, hard_shrink: threshold
/// 0.5).
ActivationParameters default_parameters(Activation kind);

/// A function and the matrix it is applied to. The columns matter for softmax, log_softmax and
/// sparsemax, which work on a row, and for glu, whose output has half as many columns as its input.
struct ActivationCall {
  Activation kind = Activation::linear;
  ActivationParameters parameters;
  std::int64_t rows = 0, columns = 0;  // of the input
};

/// y = f(x). Both are contiguous; y may be x, but not for glu. NaN stays NaN.
void activate(const ActivationCall& call, const float* x, float* y);

/// dx = dy * df/dx, where y = f(x); at a kink as Keras on JAX has it. dx may be dy, but not for
/// glu. x may be null if `backward_reads_input` is false, y may be null if it is true.
void activate_backward(const ActivationCall& call, const float* x, const float* y, const float* dy, float* dx);

/// True if the gradient is computed from x; false if it is computed from y alone. The parameters
/// matter for relu: with its defaults y is enough.
bool backward_reads_input(Activation kind, const ActivationParameters& parameters = {});

}  // namespace xl::kernels
