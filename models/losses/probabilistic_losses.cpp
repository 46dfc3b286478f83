#include "xlayers/models/losses/probabilistic_losses.hpp"

#include <cmath>

#include "xlayers/models/losses/clip.hpp"
#include "xlayers/models/losses/elementwise_loss.hpp"

namespace xl {

static void serialize(Archive& archive, BinaryCrossentropyOptions& o) {
  detail::serialize_name_and_reduction(archive, o.name);
  archive("from_logits", o.from_logits)("label_smoothing", o.label_smoothing).only("axis", -1);
}

static void serialize(Archive& archive, CategoricalCrossentropyOptions& o) {
  detail::serialize_name_and_reduction(archive, o.name);
  archive("from_logits", o.from_logits)("label_smoothing", o.label_smoothing).only("axis", -1);
}

static void serialize(Archive& archive, SparseCategoricalCrossentropyOptions& o) {
  detail::serialize_name_and_reduction(archive, o.name);
  archive("from_logits", o.from_logits)("ignore_class", o.ignore_class);
  if (!archive.writing()) archive.only("axis", -1);  // Keras takes it, and does not write it
}

namespace {

using detail::activate, detail::Clip, detail::Each, detail::ElementwiseLoss, detail::ImplOf, detail::Over,
    detail::epsilon;
using kernels::Activation;

constexpr Clip probability{epsilon, 1.0f - epsilon};

// ---- element by element ----

// l = -(t ln c + (1 - t) ln(1 - c)) with c = clip(p),  dl/dp = ((1 - t) / (1 - c) - t / c) clip'(p)
struct BinaryOfProbability {
  float smoothing;
  float value(float t, float p) const {
    const float c = probability.value(p), yes = smooth(t), no = 1 - yes;
    return (yes == 0 ? 0 : -yes * std::log(c)) - (no == 0 ? 0 : no * std::log1p(-c));
  }
  float slope(float t, float p) const {
    const float c = probability.value(p), yes = smooth(t);
    return ((1 - yes) / (1 - c) - yes / c) * probability.slope(p);
  }
  float smooth(float t) const { return t * (1 - smoothing) + 0.5f * smoothing; }
};

// With p = sigmoid(x):  l = ln(1 + e^-|x|) + max(x, 0) - t x,  dl/dx = sigmoid(x) - t.  The limit for an infinite x is 0
// where t is that side's, else infinity.
struct BinaryOfLogit {
  float smoothing;
  void values(std::int64_t n, const float* t, const float* x, float* out) const {
    for (std::int64_t i = 0; i < n; ++i) out[i] = -std::abs(x[i]);
    activate(Activation::softplus, n, out, out);
    for (std::int64_t i = 0; i < n; ++i) {
      const float yes = smooth(t[i]);
      const bool certain = std::isinf(x[i]) && yes == (x[i] > 0 ? 1.0f : 0.0f);
      out[i] += certain ? 0.0f : std::isinf(x[i]) ? INFINITY : std::max(x[i], 0.0f) - yes * x[i];
    }
  }
  void slopes(std::int64_t n, const float* t, const float* x, float* out) const {
    activate(Activation::sigmoid, n, x, out);
    for (std::int64_t i = 0; i < n; ++i) out[i] -= smooth(t[i]);
  }
  float smooth(float t) const { return t * (1 - smoothing) + 0.5f * smoothing; }
};

// l = s ln(s / c) with s = clip(t), c = clip(p),  dl/dp = -s / c clip'(p)
struct Divergence {
  static constexpr Clip clip{epsilon, 1.0f};
  float value(float t, float p) const { return clip.value(t) * std::log(clip.value(t) / clip.value(p)); }
  float slope(float t, float p) const { return -clip.value(t) / clip.value(p) * clip.slope(p); }
};

// l = p - t ln(p + epsilon),  dl/dp = 1 - t / (p + epsilon)
struct PoissonTerm {
  float value(float t, float p) const { return p == INFINITY ? p : p - t * std::log(p + epsilon); }
  float slope(float t, float p) const { return 1 - t / (p + epsilon); }
};

// ---- row by row: one class among n ----

/// What a row's target is: for each class its probability, smoothed.
struct Probabilities {
  const float* t;
  float factor, addend;
  float operator()(std::int64_t c) const { return t[c] * factor + addend; }
};

/// 1 for the label, 0 for the others.
struct OneHot {
  std::int64_t label;
  float operator()(std::int64_t c) const { return c == label ? 1.0f : 0.0f; }
};

/// Calls body(c, t_c) for the classes with t_c != 0; for no other has the loss a term.
template <class Body>
void for_each_term(std::int64_t n, const Probabilities& target, const Body& body) {
  for (std::int64_t c = 0; c < n; ++c)
    if (const float t = target(c); t != 0) body(c, static_cast<double>(t));
}
template <class Body>
void for_each_term(std::int64_t, const OneHot& target, const Body& body) {
  body(target.label, 1.0);
}

/// ln(sum_c e^(x_c - largest)), and softmax(x) in `softmax` if there is one.
double log_sum_exp(std::int64_t n, const float* x, float largest, float* softmax) {
  constexpr std::int64_t block = 256;
  float buffer[block];
  double sum = 0.0;
  for (std::int64_t first = 0; first < n; first += block) {
    const std::int64_t count = std::min(block, n - first);
    float* const out = softmax == nullptr ? buffer : softmax + first;
    for (std::int64_t i = 0; i < count; ++i) out[i] = x[first + i] - largest;
    activate(Activation::exponential, count, out, out);
    sum += kernels::sum(count, out);
  }
  if (softmax != nullptr) kernels::scale(n, static_cast<float>(1.0 / sum), softmax);
  return std::log(sum);
}

// With m = max x:  l = sum_c t_c (ln(sum_k e^(x_k - m)) - (x_c - m)),  dl/dx_c = (sum_k t_k) softmax(x)_c - t_c
template <class Target>
double from_logits(std::int64_t n, const Target& target, const float* x, float* gradient) {
  float largest = -INFINITY;
  for (std::int64_t c = 0; c < n; ++c) largest = x[c] > largest ? x[c] : largest;
  const double log_sum = log_sum_exp(n, x, largest, gradient);
  double loss = 0.0, total = 0.0;
  for_each_term(n, target, [&](std::int64_t c, double t) {
    loss += t * (log_sum - (static_cast<double>(x[c]) - static_cast<double>(largest)));
    total += t;
  });
  // Also for a NaN where t is 0.
  if (std::isnan(log_sum)) loss = log_sum;
  if (gradient == nullptr) return loss;
  if (total != 1) kernels::scale(n, static_cast<float>(total), gradient);
  for_each_term(n, target, [&](std::int64_t c, double t) { gradient[c] -= static_cast<float>(t); });
  return loss;
}

// With s = sum_c p_c, q = p / s, k = clip(q):
//   l = -sum_c t_c ln k_c,  h_c = dl/dq_c = -t_c / k_c clip'(q_c),  dl/dp_c = (h_c - sum_k h_k q_k) / s
template <class Target>
double from_probabilities(std::int64_t n, const Target& target, const float* p, float* gradient) {
  const double sum = kernels::sum(n, p);
  const auto q = [&](std::int64_t c) { return static_cast<float>(p[c] / sum); };
  const auto h = [&](std::int64_t c, double t) { return -t / probability.value(q(c)) * probability.slope(q(c)); };
  double loss = 0.0, inner = 0.0;
  for_each_term(n, target, [&](std::int64_t c, double t) {
    loss -= t * std::log(static_cast<double>(probability.value(q(c))));
    inner += h(c, t) * q(c);
  });
  // Divided by such a sum, a q is NaN, perhaps one where t is 0.
  if (!std::isfinite(sum) || sum == 0) loss = inner = NAN;
  if (gradient == nullptr) return loss;
  std::fill_n(gradient, n, static_cast<float>(-inner / sum));
  for_each_term(n, target,
                [&](std::int64_t c, double t) { gradient[c] = static_cast<float>((h(c, t) - inner) / sum); });
  return loss;
}

/// total = sum_r w_r l_r,  g_rc = scale w_r dl_r/dp_rc, where row(r, p, gradient) gives l_r and dl_r/dp_rc.
template <class Row>
double sum_over_rows(const LossCall& call, const Row& row) {
  double total = 0.0;
  for (std::int64_t r = 0; r < call.rows; ++r) {
    float* gradient = call.gradient == nullptr ? nullptr : call.gradient + r * call.features;
    const double weight = call.weight == nullptr ? 1.0 : call.weight[r];
    total += weight * row(r, call.prediction + r * call.features, gradient);
    if (gradient != nullptr) kernels::scale(call.features, static_cast<float>(call.scale * weight), gradient);
  }
  return total;
}

template <class Target>
double cross_entropy(bool logits, std::int64_t n, const Target& target, const float* p, float* gradient) {
  return logits ? from_logits(n, target, p, gradient) : from_probabilities(n, target, p, gradient);
}

struct Categorical : ImplOf<Loss, CategoricalCrossentropyOptions> {
  explicit Categorical(const CategoricalCrossentropyOptions& options) : ImplOf(options) {
    check("label_smoothing", options.label_smoothing, options.label_smoothing >= 0 && options.label_smoothing <= 1,
          "a number from 0 to 1");
  }

  double evaluate(const LossCall& call) const override {
    const auto s = static_cast<float>(options_.label_smoothing);
    const std::int64_t classes = call.features;
    return sum_over_rows(call, [&](std::int64_t r, const float* p, float* gradient) {
      const Probabilities target{call.target + r * classes, 1 - s, s / static_cast<float>(classes)};
      return cross_entropy(options_.from_logits, classes, target, p, gradient);
    });
  }
};

struct Sparse : ImplOf<Loss, SparseCategoricalCrossentropyOptions> {
  using ImplOf::ImplOf;

  std::int64_t target_features(std::int64_t) const override { return 1; }

  void check_targets(const float* targets, std::int64_t rows, std::int64_t features) const override {
    for (std::int64_t r = 0; r < rows; ++r)
      if (!ignores(targets + r)) label(targets[r], features);
  }

  bool ignores_some() const override { return options_.ignore_class.has_value(); }
  bool ignores(const float* target) const override {
    return options_.ignore_class && *target == static_cast<float>(*options_.ignore_class);
  }

  double evaluate(const LossCall& call) const override {
    const std::int64_t classes = call.features;
    return sum_over_rows(call, [&](std::int64_t r, const float* p, float* gradient) {
      if (ignores(call.target + r)) {
        if (gradient != nullptr) std::fill_n(gradient, classes, 0.0f);
        return 0.0;
      }
      return cross_entropy(options_.from_logits, classes, OneHot{label(call.target[r], classes)}, p, gradient);
    });
  }

  std::int64_t label(float t, std::int64_t classes) const {
    if (t >= 0 && t < static_cast<float>(classes) && t == std::floor(t)) return static_cast<std::int64_t>(t);
    const bool whole = std::abs(t) < 1e15f && t == std::floor(t);
    const Value shown = whole ? Value(static_cast<std::int64_t>(t)) : Value(static_cast<double>(t));
    fail("expected a label of one of the " + std::to_string(classes) + " classes, a whole number from 0 to " +
         std::to_string(classes - 1) + ", got " + shown.to_text());
  }
};

template <class Term>
struct Binary : ElementwiseLoss<BinaryCrossentropyOptions, Term> {
  explicit Binary(const BinaryCrossentropyOptions& options)
      : ElementwiseLoss<BinaryCrossentropyOptions, Term>(options, {static_cast<float>(options.label_smoothing)}) {
    this->check("label_smoothing", options.label_smoothing,
                options.label_smoothing >= 0 && options.label_smoothing <= 1, "a number from 0 to 1");
  }
};

}  // namespace

static std::shared_ptr<Loss::Impl> implement(const BinaryCrossentropyOptions& o) {
  if (o.from_logits) return std::make_shared<Binary<BinaryOfLogit>>(o);
  return std::make_shared<Binary<Each<BinaryOfProbability>>>(o);
}
static auto implement(const CategoricalCrossentropyOptions& o) { return std::make_shared<Categorical>(o); }
static auto implement(const SparseCategoricalCrossentropyOptions& o) { return std::make_shared<Sparse>(o); }
static auto implement(const KLDivergenceOptions& o) {
  return std::make_shared<ElementwiseLoss<KLDivergenceOptions, Each<Divergence>, Over::sum>>(o);
}
static auto implement(const PoissonOptions& o) {
  return std::make_shared<ElementwiseLoss<PoissonOptions, Each<PoissonTerm>>>(o);
}

template class Configured<Loss, BinaryCrossentropyOptions>;
template class Configured<Loss, CategoricalCrossentropyOptions>;
template class Configured<Loss, SparseCategoricalCrossentropyOptions>;
template class Configured<Loss, KLDivergenceOptions>;
template class Configured<Loss, PoissonOptions>;

}  // namespace xl
