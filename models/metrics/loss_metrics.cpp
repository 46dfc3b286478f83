#include "xlayers/models/metrics/loss_metrics.hpp"

#include <cmath>

#include "xlayers/models/metrics/metric_impl.hpp"

namespace xl::metrics {

static void describe_metric(Archive& archive, BinaryCrossentropy::Options& options) {
  detail::describe_name_and_dtype(archive, options);
  archive("from_logits", options.from_logits)("label_smoothing", options.label_smoothing);
}

static void describe_metric(Archive& archive, CategoricalCrossentropy::Options& options) {
  detail::Fixed axis{-1};
  detail::describe_name_and_dtype(archive, options);
  archive("from_logits", options.from_logits)("label_smoothing", options.label_smoothing)("axis", axis);
}

static void describe_metric(Archive& archive, SparseCategoricalCrossentropy::Options& options) {
  detail::Fixed axis{-1}, none{nullptr};
  detail::describe_name_and_dtype(archive, options);
  archive("from_logits", options.from_logits)("ignore_class", none)("axis", axis);
}

namespace {

template <class Options>
class MeanLoss : public detail::MetricOf<Options> {
 public:
  MeanLoss(const char* class_name, const Options& options, Loss loss)
      : detail::MetricOf<Options>(class_name, options), loss_(std::move(loss)) {}

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

struct Root : MeanLoss<RootMeanSquaredError::Options> {
  explicit Root(const RootMeanSquaredError::Options& options)
      : MeanLoss("RootMeanSquaredError", options, xl::MeanSquaredError()) {}
  double result(double mean) const override { return std::sqrt(mean); }
};

template <class Options>
auto make(const char* class_name, const Options& options, const Loss& loss) {
  return std::make_shared<MeanLoss<Options>>(class_name, options, loss);
}

}  // namespace

MeanSquaredError::MeanSquaredError() : MeanSquaredError(Options()) {}
MeanSquaredError::MeanSquaredError(const Options& options)
    : Metric(make("MeanSquaredError", options, xl::MeanSquaredError())) {}
MeanSquaredError MeanSquaredError::from_config(const Config& config) {
  return MeanSquaredError(detail::read_metric_options<Options>(config, "MeanSquaredError"));
}

MeanAbsoluteError::MeanAbsoluteError() : MeanAbsoluteError(Options()) {}
MeanAbsoluteError::MeanAbsoluteError(const Options& options)
    : Metric(make("MeanAbsoluteError", options, xl::MeanAbsoluteError())) {}
MeanAbsoluteError MeanAbsoluteError::from_config(const Config& config) {
  return MeanAbsoluteError(detail::read_metric_options<Options>(config, "MeanAbsoluteError"));
}

MeanAbsolutePercentageError::MeanAbsolutePercentageError() : MeanAbsolutePercentageError(Options()) {}
MeanAbsolutePercentageError::MeanAbsolutePercentageError(const Options& options)
    : Metric(make("MeanAbsolutePercentageError", options, xl::MeanAbsolutePercentageError())) {}
MeanAbsolutePercentageError MeanAbsolutePercentageError::from_config(const Config& config) {
  return MeanAbsolutePercentageError(detail::read_metric_options<Options>(config, "MeanAbsolutePercentageError"));
}

MeanSquaredLogarithmicError::MeanSquaredLogarithmicError() : MeanSquaredLogarithmicError(Options()) {}
MeanSquaredLogarithmicError::MeanSquaredLogarithmicError(const Options& options)
    : Metric(make("MeanSquaredLogarithmicError", options, xl::MeanSquaredLogarithmicError())) {}
MeanSquaredLogarithmicError MeanSquaredLogarithmicError::from_config(const Config& config) {
  return MeanSquaredLogarithmicError(detail::read_metric_options<Options>(config, "MeanSquaredLogarithmicError"));
}

RootMeanSquaredError::RootMeanSquaredError() : RootMeanSquaredError(Options()) {}
RootMeanSquaredError::RootMeanSquaredError(const Options& options) : Metric(std::make_shared<Root>(options)) {}
RootMeanSquaredError RootMeanSquaredError::from_config(const Config& config) {
  return RootMeanSquaredError(detail::read_metric_options<Options>(config, "RootMeanSquaredError"));
}

LogCoshError::LogCoshError() : LogCoshError(Options()) {}
LogCoshError::LogCoshError(const Options& options) : Metric(make("LogCoshError", options, xl::LogCosh())) {}
LogCoshError LogCoshError::from_config(const Config& config) {
  return LogCoshError(detail::read_metric_options<Options>(config, "LogCoshError"));
}

KLDivergence::KLDivergence() : KLDivergence(Options()) {}
KLDivergence::KLDivergence(const Options& options) : Metric(make("KLDivergence", options, xl::KLDivergence())) {}
KLDivergence KLDivergence::from_config(const Config& config) {
  return KLDivergence(detail::read_metric_options<Options>(config, "KLDivergence"));
}

Poisson::Poisson() : Poisson(Options()) {}
Poisson::Poisson(const Options& options) : Metric(make("Poisson", options, xl::Poisson())) {}
Poisson Poisson::from_config(const Config& config) {
  return Poisson(detail::read_metric_options<Options>(config, "Poisson"));
}

BinaryCrossentropy::BinaryCrossentropy() : BinaryCrossentropy(Options()) {}
BinaryCrossentropy::BinaryCrossentropy(const Options& options)
    : Metric(make("BinaryCrossentropy", options,
                  xl::BinaryCrossentropy({.from_logits = options.from_logits,
                                          .label_smoothing = options.label_smoothing,
                                          .name = options.name}))) {}
BinaryCrossentropy BinaryCrossentropy::from_config(const Config& config) {
  return BinaryCrossentropy(detail::read_metric_options<Options>(config, "BinaryCrossentropy"));
}

CategoricalCrossentropy::CategoricalCrossentropy() : CategoricalCrossentropy(Options()) {}
CategoricalCrossentropy::CategoricalCrossentropy(const Options& options)
    : Metric(make("CategoricalCrossentropy", options,
                  xl::CategoricalCrossentropy({.from_logits = options.from_logits,
                                               .label_smoothing = options.label_smoothing,
                                               .name = options.name}))) {}
CategoricalCrossentropy CategoricalCrossentropy::from_config(const Config& config) {
  return CategoricalCrossentropy(detail::read_metric_options<Options>(config, "CategoricalCrossentropy"));
}

SparseCategoricalCrossentropy::SparseCategoricalCrossentropy() : SparseCategoricalCrossentropy(Options()) {}
SparseCategoricalCrossentropy::SparseCategoricalCrossentropy(const Options& options)
    : Metric(make("SparseCategoricalCrossentropy", options,
                  xl::SparseCategoricalCrossentropy({.from_logits = options.from_logits, .name = options.name}))) {}
SparseCategoricalCrossentropy SparseCategoricalCrossentropy::from_config(const Config& config) {
  return SparseCategoricalCrossentropy(detail::read_metric_options<Options>(config, "SparseCategoricalCrossentropy"));
}

}  // namespace xl::metrics
