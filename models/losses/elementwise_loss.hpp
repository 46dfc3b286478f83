#pragma once

// Internal: losses that take each element by itself.

#include <algorithm>

#include "xlayers/framework/kernels/activations.hpp"
#include "xlayers/framework/kernels/vector.hpp"
#include "xlayers/models/losses/loss_impl.hpp"

namespace xl::detail {

/// How the features of a row come together.
enum class Over { mean, sum };

/// loss[row] = the mean (or sum) over f of l(t[row, f], p[row, f]). A Term has, for n elements,
///
///   values(n, t, p, out)   out = l(t, p)
///   slopes(n, t, p, out)   out = dl/dp
template <class Options, class Term, Over over = Over::mean>
class ElementwiseLoss : public ImplOf<Loss, Options> {
 public:
  explicit ElementwiseLoss(const Options& options, Term term = {}) : ImplOf<Loss, Options>(options), term_(term) {}

  // total = sum_r w_r / F sum_f l(t_rf, p_rf),   g_rf = scale * w_r / F * dl/dp
  double evaluate(const LossCall& call) const override {
    constexpr std::int64_t block = 256;
    float values[block];
    const double share = over == Over::mean ? 1.0 / static_cast<double>(call.features) : 1.0;
    const std::int64_t size = call.rows * call.features;
    double total = 0.0;
    for (std::int64_t first = 0; first < size; first += block) {
      const std::int64_t n = std::min(block, size - first);
      const float *t = call.target + first, *p = call.prediction + first;
      term_.values(n, t, p, values);
      total += weighted_sum(call, first, n, values);
      if (call.gradient == nullptr) continue;
      float* g = call.gradient + first;
      term_.slopes(n, t, p, g);
      kernels::scale(n, static_cast<float>(call.scale * share), g);
      if (call.weight != nullptr) weigh(call, first, n, g);
    }
    return total * share;
  }

 private:
  // Of the elements first + i, i < n, each with the weight of its row. Rows of one element are too short for a call.
  static double weighted_sum(const LossCall& call, std::int64_t first, std::int64_t n, const float* values) {
    if (call.weight == nullptr) return kernels::sum(n, values);
    double total = 0.0;
    if (call.features == 1) {
      for (std::int64_t i = 0; i < n; ++i) total += static_cast<double>(call.weight[first + i]) * values[i];
    } else {
      for_each_row(call, first, n, [&](std::int64_t begin, std::int64_t end, float w) {
        total += w * kernels::sum(end - begin, values + begin);
      });
    }
    return total;
  }

  static void weigh(const LossCall& call, std::int64_t first, std::int64_t n, float* g) {
    if (call.features == 1) {
      for (std::int64_t i = 0; i < n; ++i) g[i] *= call.weight[first + i];
    } else {
      for_each_row(call, first, n,
                   [&](std::int64_t begin, std::int64_t end, float w) { kernels::scale(end - begin, w, g + begin); });
    }
  }

  /// body(begin, end, weight) for the rows among the elements first + i, i < n: begin <= i < end have that weight.
  template <class Body>
  static void for_each_row(const LossCall& call, std::int64_t first, std::int64_t n, const Body& body) {
    std::int64_t row = first / call.features;
    std::int64_t end = (row + 1) * call.features - first;
    for (std::int64_t begin = 0; begin < n; begin = end, end += call.features, ++row)
      body(begin, std::min(end, n), call.weight[row]);
  }

  const Term term_;
};

/// The Term of a function of one element, with `float value(t, p)` and `float slope(t, p)`.
template <class Function>
struct Each {
  Function function;
  void values(std::int64_t n, const float* t, const float* p, float* out) const {
    for (std::int64_t i = 0; i < n; ++i) out[i] = function.value(t[i], p[i]);
  }
  void slopes(std::int64_t n, const float* t, const float* p, float* out) const {
    for (std::int64_t i = 0; i < n; ++i) out[i] = function.slope(t[i], p[i]);
  }
};

/// y = f(x), element by element; y may be x.
inline void activate(kernels::Activation f, std::int64_t n, const float* x, float* y) {
  kernels::activate({.kind = f, .parameters = {}, .rows = 1, .columns = n}, x, y);
}

}  // namespace xl::detail
