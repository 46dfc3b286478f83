#pragma once

#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/framework/options/activation.hpp"

namespace xl {

/// What Dense and the projections of attention compute: x is (rows, features), the kernel W (features, units), the first
/// weight; the bias b (units) the second, if there is one.
struct DenseProduct {
  std::int64_t rows = 0, features = 0, units = 0;
  bool use_bias = true;
  const ActivationFunction& activation;

  /// z = x W + b,  y = activation(z). The call's addend is added to z of every sample.
  void forward(const ForwardCall& call) const;
  /// dz = dy * activation'(z),  dW = dW + x^T dz,  db = db + the sum of dz over the rows,  dx = dz W^T
  void backward(const BackwardCall& call) const;

  /// The memory of a call with so many rows a sample.
  static Memory memory(std::int64_t rows, std::int64_t units, const ActivationFunction& activation);
};

}  // namespace xl
