#pragma once

#include <string>

#include "xlayers/models/metrics/metric.hpp"

/// The metrics by type. The classes in `xl` itself with these names are losses.
namespace xl::metrics {

// Metrics that are the mean of a loss over the rows; the formulas stand with the losses.

/// The mean of (prediction - target)^2. As keras.metrics.MeanSquaredError; "mse".
class MeanSquaredError : public Metric {
 public:
  struct Options {
    std::string name = "mean_squared_error";
  };
  MeanSquaredError();
  explicit MeanSquaredError(const Options& options);
  /// Throws ValueError for a key that is not known; so do those of the other metrics.
  static MeanSquaredError from_config(const Config& config);
};

/// The mean of |prediction - target|. As keras.metrics.MeanAbsoluteError; "mae".
class MeanAbsoluteError : public Metric {
 public:
  struct Options {
    std::string name = "mean_absolute_error";
  };
  MeanAbsoluteError();
  explicit MeanAbsoluteError(const Options& options);
  static MeanAbsoluteError from_config(const Config& config);
};

/// The mean of 100 |prediction - target| / |target|. As keras.metrics.MeanAbsolutePercentageError; "mape".
class MeanAbsolutePercentageError : public Metric {
 public:
  struct Options {
    std::string name = "mean_absolute_percentage_error";
  };
  MeanAbsolutePercentageError();
  explicit MeanAbsolutePercentageError(const Options& options);
  static MeanAbsolutePercentageError from_config(const Config& config);
};

/// As keras.metrics.MeanSquaredLogarithmicError; "msle".
class MeanSquaredLogarithmicError : public Metric {
 public:
  struct Options {
    std::string name = "mean_squared_logarithmic_error";
  };
  MeanSquaredLogarithmicError();
  explicit MeanSquaredLogarithmicError(const Options& options);
  static MeanSquaredLogarithmicError from_config(const Config& config);
};

/// The square root of the mean of (prediction - target)^2. As keras.metrics.RootMeanSquaredError; "rmse", which
/// Keras does not have.
class RootMeanSquaredError : public Metric {
 public:
  struct Options {
    std::string name = "root_mean_squared_error";
  };
  RootMeanSquaredError();
  explicit RootMeanSquaredError(const Options& options);
  static RootMeanSquaredError from_config(const Config& config);
};

/// The loss LogCosh. As keras.metrics.LogCoshError, name included.
class LogCoshError : public Metric {
 public:
  struct Options {
    std::string name = "logcosh";
  };
  LogCoshError();
  explicit LogCoshError(const Options& options);
  static LogCoshError from_config(const Config& config);
};

/// As keras.metrics.KLDivergence.
class KLDivergence : public Metric {
 public:
  struct Options {
    std::string name = "kl_divergence";
  };
  KLDivergence();
  explicit KLDivergence(const Options& options);
  static KLDivergence from_config(const Config& config);
};

/// As keras.metrics.Poisson.
class Poisson : public Metric {
 public:
  struct Options {
    std::string name = "poisson";
  };
  Poisson();
  explicit Poisson(const Options& options);
  static Poisson from_config(const Config& config);
};

/// As keras.metrics.BinaryCrossentropy; "bce".
class BinaryCrossentropy : public Metric {
 public:
  struct Options {
    bool from_logits = false;
    double label_smoothing = 0;
    std::string name = "binary_crossentropy";
  };
  BinaryCrossentropy();
  explicit BinaryCrossentropy(const Options& options);
  static BinaryCrossentropy from_config(const Config& config);
};

/// As keras.metrics.CategoricalCrossentropy.
class CategoricalCrossentropy : public Metric {
 public:
  struct Options {
    bool from_logits = false;
    double label_smoothing = 0;
    std::string name = "categorical_crossentropy";
  };
  CategoricalCrossentropy();
  explicit CategoricalCrossentropy(const Options& options);
  static CategoricalCrossentropy from_config(const Config& config);
};

/// As keras.metrics.SparseCategoricalCrossentropy.
class SparseCategoricalCrossentropy : public Metric {
 public:
  struct Options {
    bool from_logits = false;
    std::string name = "sparse_categorical_crossentropy";
  };
  SparseCategoricalCrossentropy();
  explicit SparseCategoricalCrossentropy(const Options& options);
  static SparseCategoricalCrossentropy from_config(const Config& config);
};

}  // namespace xl::metrics
