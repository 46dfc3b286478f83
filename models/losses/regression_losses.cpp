#include "xlayers/models/losses/regression_losses.hpp"

#include <cmath>

#include "xlayers/models/losses/clip.hpp"
#include "xlayers/models/losses/elementwise_loss.hpp"

namespace xl {

static void serialize(Archive& archive, HuberOptions& options) {
  detail::serialize_name_and_reduction(archive, options.name);
  // Keras loses delta; what is not its default is kept here.
  if (!archive.writing() || options.delta != 1) archive("delta", options.delta);
}

namespace {

using detail::activate, detail::Clip, detail::Each, detail::ElementwiseLoss, detail::epsilon;
using kernels::Activation;

// ---- the loss of one element, with e = p - t ----

// l = e^2,  dl/dp = 2 e
struct Squared {
  float value(float t, float p) const { return (p - t) * (p - t); }
  float slope(float t, float p) const { return 2 * (p - t); }
};

// 1 if e > 0, else -1; NaN for NaN
float sign(float e) { return e > 0 ? 1.0f : e <= 0 ? -1.0f : e; }

// l = |e|,  dl/dp = sign(e)
struct Absolute {
  float value(float t, float p) const { return std::abs(p - t); }
  float slope(float t, float p) const { return sign(p - t); }
};

// l = 100 |e| / max(|t|, epsilon),  dl/dp = 100 sign(e) / max(|t|, epsilon)
struct AbsolutePercentage {
  float value(float t, float p) const {
    const float e = std::abs(p - t);
    return e < 1e36f ? 100 * e / size(t) : 100 * (e / size(t));
  }
  float slope(float t, float p) const { return 100 * sign(p - t) / size(t); }
  static float size(float t) { return std::abs(t) < epsilon ? epsilon : std::abs(t); }
};

// l = d^2 with d = ln(1 + q) - ln(1 + u) = ln(1 + (q - u) / (1 + u)) = -ln(1 + (u - q) / (1 + q)), where q = max(p, epsilon),
// u = max(t, epsilon); dl/dp = 2 d / (1 + q) dq/dp
struct SquaredLogarithmic {
  static constexpr Clip from_epsilon{epsilon, INFINITY};
  float value(float t, float p) const { return difference(t, p) * difference(t, p); }
  float slope(float t, float p) const {
    return 2 * difference(t, p) / (1 + from_epsilon.value(p)) * from_epsilon.slope(p);
  }
  static float difference(float t, float p) {
    const float q = from_epsilon.value(p), u = from_epsilon.value(t);
    return q < 0.5f * u ? -std::log1p((u - q) / (1 + q)) : std::log1p((q - u) / (1 + u));
  }
};

// l = e^2 / 2 if |e| <= delta, else delta |e| - delta^2 / 2, which is c (|e| - c / 2) with
// c = min(|e|, delta);  dl/dp = e cut to [-delta, delta]
struct Bent {
  float delta;
  float value(float t, float p) const {
    const float size = std::abs(p - t), cut = std::min(size, delta);
    return cut * (size - 0.5f * cut);
  }
  float slope(float t, float p) const { return std::min(std::max(p - t, -delta), delta); }
};

// l = ln(cosh(e)) = |e| + ln(1 + e^(-2 |e|)) - ln(2),  dl/dp = tanh(e)
struct LogarithmOfCosh {
  void values(std::int64_t n, const float* t, const float* p, float* out) const {
    constexpr float ln2 = 0.69314718f;
    for (std::int64_t i = 0; i < n; ++i) out[i] = -2 * std::abs(p[i] - t[i]);
    activate(Activation::softplus, n, out, out);
    for (std::int64_t i = 0; i < n; ++i) out[i] = std::abs(p[i] - t[i]) + (out[i] - ln2);
  }
  void slopes(std::int64_t n, const float* t, const float* p, float* out) const {
    for (std::int64_t i = 0; i < n; ++i) out[i] = p[i] - t[i];
    activate(Activation::tanh, n, out, out);
  }
};

struct HuberImpl : ElementwiseLoss<HuberOptions, Each<Bent>> {
  explicit HuberImpl(const HuberOptions& options) : ElementwiseLoss(options, {{static_cast<float>(options.delta)}}) {
    check("delta", options.delta, options.delta > 0 && std::isfinite(static_cast<float>(options.delta)),
          "a positive number");
  }
};

template <class Term, class Options>
auto make(const Options& options) {
  return std::make_shared<ElementwiseLoss<Options, Term>>(options);
}

}  // namespace

static auto implement(const MeanSquaredErrorOptions& o) { return make<Each<Squared>>(o); }
static auto implement(const MeanAbsoluteErrorOptions& o) { return make<Each<Absolute>>(o); }
static auto implement(const MeanAbsolutePercentageErrorOptions& o) { return make<Each<AbsolutePercentage>>(o); }
static auto implement(const MeanSquaredLogarithmicErrorOptions& o) { return make<Each<SquaredLogarithmic>>(o); }
static auto implement(const HuberOptions& o) { return std::make_shared<HuberImpl>(o); }
static auto implement(const LogCoshOptions& o) { return make<LogarithmOfCosh>(o); }

template class Configured<Loss, MeanSquaredErrorOptions>;
template class Configured<Loss, MeanAbsoluteErrorOptions>;
template class Configured<Loss, MeanAbsolutePercentageErrorOptions>;
template class Configured<Loss, MeanSquaredLogarithmicErrorOptions>;
template class Configured<Loss, HuberOptions>;
template class Configured<Loss, LogCoshOptions>;

}  // namespace xl
