#include "xlayers/models/metrics/accuracy.hpp"

#include <cmath>

#include "xlayers/models/metrics/metric_impl.hpp"

namespace xl {
namespace metrics {

static void describe_metric(Archive& archive, BinaryAccuracy::Options& options) {
  detail::describe_name_and_dtype(archive, options);
  archive("threshold", options.threshold);
}

static void describe_metric(Archive& archive, TopKCategoricalAccuracy::Options& options) {
  detail::describe_name_and_dtype(archive, options);
  archive("k", options.k);
}

static void describe_metric(Archive& archive, SparseTopKCategoricalAccuracy::Options& options) {
  detail::Fixed no{false};
  detail::describe_name_and_dtype(archive, options);
  archive("k", options.k);
  if (!archive.writing()) archive("from_sorted_ids", no);  // Keras writes it only if it is true
}

namespace {

using Row = std::span<const float>;

// ---- the value of a row: 1 if it is right, else 0 ----

// The share of features with (p > threshold) = t.
struct Binary {
  explicit Binary(const BinaryAccuracy::Options& options) : threshold(static_cast<float>(options.threshold)) {}
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
  explicit Categorical(const CategoricalAccuracy::Options&) {}
  double operator()(Row target, Row prediction) const { return largest(target) == largest(prediction); }
};

struct Sparse {
  static constexpr bool labels = true;
  explicit Sparse(const SparseCategoricalAccuracy::Options&) {}
  double operator()(Row target, Row prediction) const { return target[0] == static_cast<float>(largest(prediction)); }
};

void check_k(const char* class_name, const std::string& name, std::int64_t k) {
  if (k <= 0)
    throw ValueError(std::string("[") + class_name + " '" + name + "'] k is " + std::to_string(k) +
                     ", expected a positive number");
}

struct TopK {
  explicit TopK(const TopKCategoricalAccuracy::Options& options) : k(options.k) {
    check_k("TopKCategoricalAccuracy", options.name, k);
  }
  double operator()(Row target, Row prediction) const {
    return among_largest(prediction, static_cast<float>(largest(target)), k);
  }
  std::int64_t k;
};

struct SparseTopK {
  static constexpr bool labels = true;
  explicit SparseTopK(const SparseTopKCategoricalAccuracy::Options& options) : k(options.k) {
    check_k("SparseTopKCategoricalAccuracy", options.name, k);
  }
  double operator()(Row target, Row prediction) const { return among_largest(prediction, target[0], k); }
  std::int64_t k;
};

// ---- as metrics ----

template <class Options, class RowValue>
class RowAccuracy : public detail::MetricOf<Options> {
 public:
  RowAccuracy(const char* class_name, const Options& options)
      : detail::MetricOf<Options>(class_name, options), value_(options) {}

  double total(const LossCall& call) const override { return detail::sum_over_rows(call, value_); }
  std::int64_t target_features(std::int64_t features) const override {
    if constexpr (requires { RowValue::labels; }) return 1;
    return features;
  }
  std::optional<bool> higher_is_better() const override { return true; }

 private:
  const RowValue value_;
};

template <class RowValue, class Options>
std::shared_ptr<const Metric::Impl> make(const char* class_name, const Options& options) {
  return std::make_shared<RowAccuracy<Options, RowValue>>(class_name, options);
}

auto make_binary(const BinaryAccuracy::Options& options) { return make<Binary>("BinaryAccuracy", options); }
auto make_categorical(const CategoricalAccuracy::Options& options) {
  return make<Categorical>("CategoricalAccuracy", options);
}
auto make_sparse(const SparseCategoricalAccuracy::Options& options) {
  return make<Sparse>("SparseCategoricalAccuracy", options);
}

/// What is to be resolved; it has all three, so that resolving allocates nothing.
class AnyAccuracy : public Metric::Impl {
 public:
  explicit AnyAccuracy(const std::string& name)
      : Impl("Accuracy", name),
        binary_(make_binary({.name = name})),
        categorical_(make_categorical({.name = name})),
        sparse_(make_sparse({.name = name})) {}

  std::shared_ptr<const Impl> resolved(std::int64_t features, std::int64_t targets) const override {
    return features == 1 ? binary_ : targets == 1 ? sparse_ : categorical_;
  }
  double total(const LossCall& call) const override {
    return resolved(call.features, detail::targets_of(call))->total(call);
  }
  std::optional<bool> higher_is_better() const override { return true; }
  Config config() const override { return {{"name", name}, {"dtype", "float32"}}; }

 private:
  const std::shared_ptr<const Impl> binary_, categorical_, sparse_;
};

}  // namespace

BinaryAccuracy::BinaryAccuracy() : BinaryAccuracy(Options()) {}
BinaryAccuracy::BinaryAccuracy(const Options& options) : Metric(make_binary(options)) {}
BinaryAccuracy BinaryAccuracy::from_config(const Config& config) {
  return BinaryAccuracy(detail::read_metric_options<Options>(config, "BinaryAccuracy"));
}

CategoricalAccuracy::CategoricalAccuracy() : CategoricalAccuracy(Options()) {}
CategoricalAccuracy::CategoricalAccuracy(const Options& options) : Metric(make_categorical(options)) {}
CategoricalAccuracy CategoricalAccuracy::from_config(const Config& config) {
  return CategoricalAccuracy(detail::read_metric_options<Options>(config, "CategoricalAccuracy"));
}

SparseCategoricalAccuracy::SparseCategoricalAccuracy() : SparseCategoricalAccuracy(Options()) {}
SparseCategoricalAccuracy::SparseCategoricalAccuracy(const Options& options) : Metric(make_sparse(options)) {}
SparseCategoricalAccuracy SparseCategoricalAccuracy::from_config(const Config& config) {
  return SparseCategoricalAccuracy(detail::read_metric_options<Options>(config, "SparseCategoricalAccuracy"));
}

TopKCategoricalAccuracy::TopKCategoricalAccuracy() : TopKCategoricalAccuracy(Options()) {}
TopKCategoricalAccuracy::TopKCategoricalAccuracy(const Options& options)
    : Metric(make<TopK>("TopKCategoricalAccuracy", options)) {}
TopKCategoricalAccuracy TopKCategoricalAccuracy::from_config(const Config& config) {
  return TopKCategoricalAccuracy(detail::read_metric_options<Options>(config, "TopKCategoricalAccuracy"));
}

SparseTopKCategoricalAccuracy::SparseTopKCategoricalAccuracy() : SparseTopKCategoricalAccuracy(Options()) {}
SparseTopKCategoricalAccuracy::SparseTopKCategoricalAccuracy(const Options& options)
    : Metric(make<SparseTopK>("SparseTopKCategoricalAccuracy", options)) {}
SparseTopKCategoricalAccuracy SparseTopKCategoricalAccuracy::from_config(const Config& config) {
  return SparseTopKCategoricalAccuracy(detail::read_metric_options<Options>(config, "SparseTopKCategoricalAccuracy"));
}

}  // namespace metrics

std::shared_ptr<const Metric::Impl> detail::make_accuracy(const std::string& name) {
  return std::make_shared<metrics::AnyAccuracy>(name);
}

}  // namespace xl
