#include "xlayers/models/metrics/accuracy.hpp"

#include <cmath>

#include "xlayers/models/metrics/metric_impl.hpp"

namespace xl {
namespace metrics {

static void serialize(Archive& archive, BinaryAccuracyOptions& options) {
  detail::serialize_name_and_dtype(archive, options.name)("threshold", options.threshold);
}

static void serialize(Archive& archive, TopKCategoricalAccuracyOptions& options) {
  detail::serialize_name_and_dtype(archive, options.name)("k", options.k);
}

static void serialize(Archive& archive, SparseTopKCategoricalAccuracyOptions& options) {
  detail::serialize_name_and_dtype(archive, options.name)("k", options.k);
  if (!archive.writing()) archive.only("from_sorted_ids", false);  // Keras writes it only if it is true
}

namespace {

using Row = std::span<const float>;

// ---- the value of a row: 1 if it is right, else 0 ----

// The share of features with (p > threshold) = t.
struct Binary {
  explicit Binary(const BinaryAccuracyOptions& options) : threshold(static_cast<float>(options.threshold)) {}
  double operator()(Row target, Row prediction) const {
    std::int64_t right = 0;
    for (std::size_t f = 0; f < prediction.size(); ++f) right += target[f] == (prediction[f] > threshold ? 1.0f : 0.0f);
    return static_cast<double>(right) / static_cast<double>(prediction.size());
  }
  float threshold;
};

/// The first of the largest; NaN is larger than any number.
std::size_t largest(Row row) {
  std::size_t best = 0;
  for (std::size_t f = 1; f < row.size() && !std::isnan(row[best]); ++f)
    if (!(row[f] <= row[best])) best = f;
  return best;
}

/// Whether fewer than k features are larger than that of the label.
bool among_largest(Row prediction, float label, std::int64_t k) {
  if (!(label >= 0 && label < static_cast<float>(prediction.size()))) return false;
  const float of_label = prediction[static_cast<std::size_t>(label)];
  std::int64_t larger = 0;
  for (const float p : prediction) larger += !(p <= of_label);
  return larger < k;
}

struct Categorical {
  explicit Categorical(const CategoricalAccuracyOptions&) {}
  double operator()(Row target, Row prediction) const { return largest(target) == largest(prediction); }
};

struct Sparse {
  static constexpr std::int64_t target_features = 1;  // a label
  explicit Sparse(const SparseCategoricalAccuracyOptions&) {}
  double operator()(Row target, Row prediction) const { return target[0] == static_cast<float>(largest(prediction)); }
};

template <class Options>
void check_k(const Options& o) {
  detail::check_option(error_label(Options::class_name, o.name), "k", o.k, o.k > 0, "a positive number");
}

struct TopK {
  explicit TopK(const TopKCategoricalAccuracyOptions& options) : k(options.k) { check_k(options); }
  double operator()(Row target, Row prediction) const {
    return among_largest(prediction, static_cast<float>(largest(target)), k);
  }
  std::int64_t k;
};

struct SparseTopK {
  static constexpr std::int64_t target_features = 1;  // a label
  explicit SparseTopK(const SparseTopKCategoricalAccuracyOptions& options) : k(options.k) { check_k(options); }
  double operator()(Row target, Row prediction) const { return among_largest(prediction, target[0], k); }
  std::int64_t k;
};

// ---- as metrics ----

template <class Options, class RowValue>
class RowAccuracy : public detail::ImplOf<Metric, Options> {
 public:
  explicit RowAccuracy(const Options& options) : detail::ImplOf<Metric, Options>(options), value_(options) {}

  double total(const LossCall& call) const override { return detail::sum_over_rows(call, value_); }
  std::int64_t target_features(std::int64_t features) const override {
    if constexpr (requires { RowValue::target_features; }) return RowValue::target_features;
    return features;
  }
  std::optional<bool> higher_is_better() const override { return true; }

 private:
  const RowValue value_;
};

template <class RowValue, class Options>
auto make(const Options& options) {
  return std::make_shared<RowAccuracy<Options, RowValue>>(options);
}

/// What is to be resolved; it has all three, so that resolving allocates nothing.
class AnyAccuracyImpl : public detail::ImplOf<Metric, AnyAccuracyOptions> {
 public:
  explicit AnyAccuracyImpl(const AnyAccuracyOptions& options)
      : ImplOf(options),
        binary_(make<Binary>(BinaryAccuracyOptions{.name = name})),
        categorical_(make<Categorical>(CategoricalAccuracyOptions{.name = name})),
        sparse_(make<Sparse>(SparseCategoricalAccuracyOptions{.name = name})) {}

  std::shared_ptr<const Impl> resolved(std::int64_t features, std::int64_t targets) const override {
    return features == 1 ? binary_ : targets == 1 ? sparse_ : categorical_;
  }
  double total(const LossCall& call) const override {
    return resolved(call.features, detail::targets_of(call))->total(call);
  }
  std::optional<bool> higher_is_better() const override { return true; }

 private:
  const std::shared_ptr<const Impl> binary_, categorical_, sparse_;
};

}  // namespace

static auto implement(const BinaryAccuracyOptions& options) { return make<Binary>(options); }
static auto implement(const CategoricalAccuracyOptions& options) { return make<Categorical>(options); }
static auto implement(const SparseCategoricalAccuracyOptions& options) { return make<Sparse>(options); }
static auto implement(const TopKCategoricalAccuracyOptions& options) { return make<TopK>(options); }
static auto implement(const SparseTopKCategoricalAccuracyOptions& options) { return make<SparseTopK>(options); }
static auto implement(const AnyAccuracyOptions& options) { return std::make_shared<AnyAccuracyImpl>(options); }

}  // namespace metrics

template class Configured<Metric, metrics::BinaryAccuracyOptions>;
template class Configured<Metric, metrics::CategoricalAccuracyOptions>;
template class Configured<Metric, metrics::SparseCategoricalAccuracyOptions>;
template class Configured<Metric, metrics::TopKCategoricalAccuracyOptions>;
template class Configured<Metric, metrics::SparseTopKCategoricalAccuracyOptions>;
template class Configured<Metric, metrics::AnyAccuracyOptions>;

}  // namespace xl
