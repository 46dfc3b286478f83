#pragma once

// From the name of an activation function to its loop.

#include "xlayers/framework/kernels/activations.hpp"
#include "xlayers/framework/kernels/impl/activations_elementwise.hpp"
#include "xlayers/framework/kernels/impl/activations_rows.hpp"

namespace xl::kernels::XL_KERNELS {

/// visit(f), where f is the function of single elements that the call names; false if it names one
/// of rows.
template <class Visit>
XL_INLINE bool visit_elementwise(const ActivationCall& call, Visit visit) {
  const ActivationParameters& p = call.parameters;
  switch (call.kind) {
    case Activation::celu:
      visit(Celu{p.alpha});
      return true;
    case Activation::elu:
      visit(Elu{p.alpha});
      return true;
    case Activation::exponential:
      visit(Exponential{});
      return true;
    case Activation::gelu:
      p.approximate ? visit(GeluTanh{}) : visit(Gelu{});
      return true;
    case Activation::hard_shrink:
      visit(HardShrink{p.threshold});
      return true;
    case Activation::hard_sigmoid:
      visit(HardSigmoid{});
      return true;
    case Activation::hard_silu:
      visit(HardSilu{});
      return true;
    case Activation::hard_tanh:
      visit(HardTanh{});
      return true;
    case Activation::leaky_relu:
      visit(LeakyRelu{p.negative_slope});
      return true;
    case Activation::linear:
      visit(Linear{});
      return true;
    case Activation::log_sigmoid:
      visit(LogSigmoid{});
      return true;
    case Activation::mish:
      visit(Mish{});
      return true;
    case Activation::relu: {
      const GeneralRelu general(p);
      const bool plain = !general.clipped && general.slope == 0 && general.threshold == 0;
      plain ? visit(Relu{}) : visit(general);
      return true;
    }
    case Activation::relu6:
      visit(Relu6{});
      return true;
    case Activation::selu:
      visit(Selu{});
      return true;
    case Activation::sigmoid:
      visit(Sigmoid{});
      return true;
    case Activation::silu:
      visit(Silu{});
      return true;
    case Activation::soft_shrink:
      visit(SoftShrink{p.threshold});
      return true;
    case Activation::softplus:
      visit(Softplus{});
      return true;
    case Activation::softsign:
      visit(Softsign{});
      return true;
    case Activation::sparse_plus:
      visit(SparsePlus{});
      return true;
    case Activation::sparse_sigmoid:
      visit(SparseSigmoid{});
      return true;
    case Activation::squareplus:
      visit(Squareplus{p.b});
      return true;
    case Activation::tanh:
      visit(Tanh{});
      return true;
    case Activation::tanh_shrink:
      visit(TanhShrink{});
      return true;
    case Activation::threshold:
      visit(Threshold{p.threshold, p.default_value});
      return true;
    case Activation::glu:
    case Activation::log_softmax:
    case Activation::softmax:
    case Activation::sparsemax:
      break;
  }
  return false;
}

inline void activate(const ActivationCall& call, const float* x, float* y) {
  const bool done = visit_elementwise(call, [&](auto f) {
    for_each_vector(call.rows * call.columns, [=](std::int64_t i, auto lanes)
                                                  XL_LAMBDA_INLINE { lanes.store(y + i, f.value(lanes.load(x + i))); });
  });
  if (done) return;
  const std::int64_t columns = call.columns;
  for (std::int64_t row = 0; row < call.rows; ++row) {
    const float* const from = x + row * columns;
    switch (call.kind) {
      case Activation::glu:
        glu_row(columns, from, y + row * (columns / 2));
        break;
      case Activation::log_softmax:
        log_softmax_row(columns, from, y + row * columns);
        break;
      case Activation::softmax:
        softmax_row(columns, from, y + row * columns);
        break;
      default:
        sparsemax_row(columns, from, y + row * columns);
        break;
    }
  }
}

inline void activate_backward(const ActivationCall& call, const float* x, const float* y, const float* dy, float* dx) {
  // A function reads one of the two; the other may be null.
  const float* const from_x = x == nullptr ? y : x;
  const float* const from_y = y == nullptr ? x : y;
  const bool done = visit_elementwise(call, [&](auto f) {
    for_each_vector(call.rows * call.columns, [=](std::int64_t i, auto lanes) XL_LAMBDA_INLINE {
      lanes.store(dx + i, f.gradient(lanes.load(from_x + i), lanes.load(from_y + i), lanes.load(dy + i)));
    });
  });
  if (done) return;
  const std::int64_t columns = call.columns;
  for (std::int64_t row = 0; row < call.rows; ++row) {
    const std::int64_t at = row * columns;
    switch (call.kind) {
      case Activation::glu:
        glu_row_backward(columns, x + at, dy + at / 2, dx + at);
        break;
      case Activation::log_softmax:
        log_softmax_row_backward(columns, y + at, dy + at, dx + at);
        break;
      case Activation::softmax:
        softmax_row_backward(columns, y + at, dy + at, dx + at);
        break;
      default:
        sparsemax_row_backward(columns, y + at, dy + at, dx + at);
        break;
    }
  }
}

}  // namespace xl::kernels::XL_KERNELS
