#include "xlayers/models/metrics/loss_metrics.hpp"

#include <cmath>

#include "xlayers/models/losses/probabilistic_losses.hpp"
#include "xlayers/models/losses/regression_losses.hpp"
#include "xlayers/models/metrics/metric_impl.hpp"

namespace xl {
namespace metrics {

static void serialize(Archive& archive, BinaryCrossentropyOptions& options) {
  detail::serialize_name_and_dtype(archive, options.name);
  archive("from_logits", options.from_logits)("label_smoothing", options.label_smoothing);
}

static void serialize(Archive& archive, CategoricalCrossentropyOptions& options) {
  detail::serialize_name_and_dtype(archive, options.name);
  archive("from_logits", options.from_logits)("label_smoothing", options.label_smoothing).only("axis", -1);
}

static void serialize(Archive& archive, SparseCategoricalCrossentropyOptions& options) {
  detail::serialize_name_and_dtype(archive, options.name);
  archive("from_logits", options.from_logits).only("ignore_class", nullptr).only("axis", -1);
}

namespace {

template <class Options>
class MeanLoss : public detail::ImplOf<Metric, Options> {
 public:
  MeanLoss(const Options& options, Loss loss) : detail::ImplOf<Metric, Options>(options), loss_(std::move(loss)) {}

  double total(const LossCall& call) const override {
    LossCall values = call;
    values.gradient = nullptr;
    return loss_(values);
  }
  std::int64_t target_features(std::int64_t features) const override { return loss_.target_features(features); }
  std::optional<bool> higher_is_better() const override { return false; }

 private:
  const Loss loss_;
};

struct Root : MeanLoss<RootMeanSquaredErrorOptions> {
  explicit Root(const RootMeanSquaredErrorOptions& options) : MeanLoss(options, xl::MeanSquaredError()) {}
  double result(double mean) const override { return std::sqrt(mean); }
};

template <class Options>
auto make(const Options& options, const Loss& loss) {
  return std::make_shared<MeanLoss<Options>>(options, loss);
}

}  // namespace

static auto implement(const MeanSquaredErrorOptions& o) { return make(o, xl::MeanSquaredError()); }
static auto implement(const MeanAbsoluteErrorOptions& o) { return make(o, xl::MeanAbsoluteError()); }
static auto implement(const MeanAbsolutePercentageErrorOptions& o) {
  return make(o, xl::MeanAbsolutePercentageError());
}
static auto implement(const MeanSquaredLogarithmicErrorOptions& o) {
  return make(o, xl::MeanSquaredLogarithmicError());
}
static auto implement(const RootMeanSquaredErrorOptions& o) { return std::make_shared<Root>(o); }
static auto implement(const LogCoshErrorOptions& o) { return make(o, xl::LogCosh()); }
static auto implement(const KLDivergenceOptions& o) { return make(o, xl::KLDivergence()); }
static auto implement(const PoissonOptions& o) { return make(o, xl::Poisson()); }
static auto implement(const BinaryCrossentropyOptions& o) {
  return make(
      o, xl::BinaryCrossentropy({.from_logits = o.from_logits, .label_smoothing = o.label_smoothing, .name = o.name}));
}
static auto implement(const CategoricalCrossentropyOptions& o) {
  return make(o, xl::CategoricalCrossentropy(
                     {.from_logits = o.from_logits, .label_smoothing = o.label_smoothing, .name = o.name}));
}
static auto implement(const SparseCategoricalCrossentropyOptions& o) {
  return make(o, xl::SparseCategoricalCrossentropy({.from_logits = o.from_logits, .name = o.name}));
}

}  // namespace metrics

template class Configured<Metric, metrics::MeanSquaredErrorOptions>;
template class Configured<Metric, metrics::MeanAbsoluteErrorOptions>;
template class Configured<Metric, metrics::MeanAbsolutePercentageErrorOptions>;
template class Configured<Metric, metrics::MeanSquaredLogarithmicErrorOptions>;
template class Configured<Metric, metrics::RootMeanSquaredErrorOptions>;
template class Configured<Metric, metrics::LogCoshErrorOptions>;
template class Configured<Metric, metrics::KLDivergenceOptions>;
template class Configured<Metric, metrics::PoissonOptions>;
template class Configured<Metric, metrics::BinaryCrossentropyOptions>;
template class Configured<Metric, metrics::CategoricalCrossentropyOptions>;
template class Configured<Metric, metrics::SparseCategoricalCrossentropyOptions>;

}  // namespace xl
