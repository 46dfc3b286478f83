#pragma once

#include <cstdint>
#include <string>

#include "xlayers/framework/config/configured.hpp"
#include "xlayers/models/metrics/metric.hpp"

namespace xl::metrics {

// How often the prediction is right. The largest of a row is the first of those that are equal; NaN is larger than
// any number.

/// The share of features for which prediction > threshold is what the target says (1 or 0).
/// As keras.metrics.BinaryAccuracy.
struct BinaryAccuracyOptions {
  static constexpr auto class_name = "BinaryAccuracy";
  double threshold = 0.5;
  std::string name = "binary_accuracy";
};
using BinaryAccuracy = Configured<Metric, BinaryAccuracyOptions>;

/// The share of rows in which the same feature is largest in target and prediction.
/// As keras.metrics.CategoricalAccuracy.
struct CategoricalAccuracyOptions {
  static constexpr auto class_name = "CategoricalAccuracy";
  std::string name = "categorical_accuracy";
};
using CategoricalAccuracy = Configured<Metric, CategoricalAccuracyOptions>;

/// The share of rows whose largest feature is the target, the label of a class. A label that is no class is not
/// met. As keras.metrics.SparseCategoricalAccuracy.
struct SparseCategoricalAccuracyOptions {
  static constexpr auto class_name = "SparseCategoricalAccuracy";
  std::string name = "sparse_categorical_accuracy";
};
using SparseCategoricalAccuracy = Configured<Metric, SparseCategoricalAccuracyOptions>;

/// The share of rows in which fewer than k features of the prediction are larger than that which is largest in the
/// target. As keras.metrics.TopKCategoricalAccuracy.
///
/// Throws ValueError unless k is positive.
struct TopKCategoricalAccuracyOptions {
  static constexpr auto class_name = "TopKCategoricalAccuracy";
  std::int64_t k = 5;
  std::string name = "top_k_categorical_accuracy";
};
using TopKCategoricalAccuracy = Configured<Metric, TopKCategoricalAccuracyOptions>;

/// The same for a target that is the label of a class. As keras.metrics.SparseTopKCategoricalAccuracy.
///
/// Throws ValueError unless k is positive.
struct SparseTopKCategoricalAccuracyOptions {
  static constexpr auto class_name = "SparseTopKCategoricalAccuracy";
  std::int64_t k = 5;
  std::string name = "sparse_top_k_categorical_accuracy";
};
using SparseTopKCategoricalAccuracy = Configured<Metric, SparseTopKCategoricalAccuracyOptions>;

}  // namespace xl::metrics

namespace xl {
extern template class Configured<Metric, metrics::BinaryAccuracyOptions>;
extern template class Configured<Metric, metrics::CategoricalAccuracyOptions>;
extern template class Configured<Metric, metrics::SparseCategoricalAccuracyOptions>;
extern template class Configured<Metric, metrics::TopKCategoricalAccuracyOptions>;
extern template class Configured<Metric, metrics::SparseTopKCategoricalAccuracyOptions>;
}  // namespace xl
