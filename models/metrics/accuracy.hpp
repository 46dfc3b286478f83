#pragma once

#include <cstdint>
#include <string>

#include "xlayers/models/metrics/metric.hpp"

namespace xl::metrics {

// How often the prediction is right. The largest of a row is the first of those that are equal; NaN is larger than
// any number.

/// The share of features for which prediction > threshold is what the target says (1 or 0).
/// As keras.metrics.BinaryAccuracy.
class BinaryAccuracy : public Metric {
 public:
  struct Options {
    double threshold = 0.5;
    std::string name = "binary_accuracy";
  };
  BinaryAccuracy();
  explicit BinaryAccuracy(const Options& options);
  /// Throws ValueError for a key that is not known; so do those of the other metrics.
  static BinaryAccuracy from_config(const Config& config);
};

/// The share of rows in which the same feature is largest in target and prediction.
/// As keras.metrics.CategoricalAccuracy.
class CategoricalAccuracy : public Metric {
 public:
  struct Options {
    std::string name = "categorical_accuracy";
  };
  CategoricalAccuracy();
  explicit CategoricalAccuracy(const Options& options);
  static CategoricalAccuracy from_config(const Config& config);
};

/// The share of rows whose largest feature is the target, the label of a class. A label that is no class is not
/// met. As keras.metrics.SparseCategoricalAccuracy.
class SparseCategoricalAccuracy : public Metric {
 public:
  struct Options {
    std::string name = "sparse_categorical_accuracy";
  };
  SparseCategoricalAccuracy();
  explicit SparseCategoricalAccuracy(const Options& options);
  static SparseCategoricalAccuracy from_config(const Config& config);
};

/// The share of rows in which fewer than k features of the prediction are larger than that which is largest in the
/// target. As keras.metrics.TopKCategoricalAccuracy.
class TopKCategoricalAccuracy : public Metric {
 public:
  struct Options {
    std::int64_t k = 5;
    std::string name = "top_k_categorical_accuracy";
  };
  TopKCategoricalAccuracy();
  /// Throws ValueError unless k is positive.
  explicit TopKCategoricalAccuracy(const Options& options);
  static TopKCategoricalAccuracy from_config(const Config& config);
};

/// The same for a target that is the label of a class. As keras.metrics.SparseTopKCategoricalAccuracy.
class SparseTopKCategoricalAccuracy : public Metric {
 public:
  struct Options {
    std::int64_t k = 5;
    std::string name = "sparse_top_k_categorical_accuracy";
  };
  SparseTopKCategoricalAccuracy();
  /// Throws ValueError unless k is positive.
  explicit SparseTopKCategoricalAccuracy(const Options& options);
  static SparseTopKCategoricalAccuracy from_config(const Config& config);
};

}  // namespace xl::metrics
