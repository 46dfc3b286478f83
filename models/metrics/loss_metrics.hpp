#pragma once

#include <string>

#include "xlayers/framework/config/configured.hpp"
#include "xlayers/models/metrics/metric.hpp"

/// The metrics by type. The classes in `xl` itself with these names are losses.
namespace xl::metrics {

// Metrics that are the mean of a loss over the rows; the formulas stand with the losses.

/// The mean of (prediction - target)^2. As keras.metrics.MeanSquaredError; "mse".
struct MeanSquaredErrorOptions {
  static constexpr auto class_name = "MeanSquaredError";
  std::string name = "mean_squared_error";
};
using MeanSquaredError = Configured<Metric, MeanSquaredErrorOptions>;

/// The mean of |prediction - target|. As keras.metrics.MeanAbsoluteError; "mae".
struct MeanAbsoluteErrorOptions {
  static constexpr auto class_name = "MeanAbsoluteError";
  std::string name = "mean_absolute_error";
};
using MeanAbsoluteError = Configured<Metric, MeanAbsoluteErrorOptions>;

/// The mean of 100 |prediction - target| / |target|. As keras.metrics.MeanAbsolutePercentageError; "mape".
struct MeanAbsolutePercentageErrorOptions {
  static constexpr auto class_name = "MeanAbsolutePercentageError";
  std::string name = "mean_absolute_percentage_error";
};
using MeanAbsolutePercentageError = Configured<Metric, MeanAbsolutePercentageErrorOptions>;

/// As keras.metrics.MeanSquaredLogarithmicError; "msle".
struct MeanSquaredLogarithmicErrorOptions {
  static constexpr auto class_name = "MeanSquaredLogarithmicError";
  std::string name = "mean_squared_logarithmic_error";
};
using MeanSquaredLogarithmicError = Configured<Metric, MeanSquaredLogarithmicErrorOptions>;

/// The square root of the mean of (prediction - target)^2. As keras.metrics.RootMeanSquaredError; "rmse", which
/// Keras does not have.
struct RootMeanSquaredErrorOptions {
  static constexpr auto class_name = "RootMeanSquaredError";
  std::string name = "root_mean_squared_error";
};
using RootMeanSquaredError = Configured<Metric, RootMeanSquaredErrorOptions>;

/// The loss LogCosh. As keras.metrics.LogCoshError, name included.
struct LogCoshErrorOptions {
  static constexpr auto class_name = "LogCoshError";
  std::string name = "logcosh";
};
using LogCoshError = Configured<Metric, LogCoshErrorOptions>;

/// As keras.metrics.KLDivergence.
struct KLDivergenceOptions {
  static constexpr auto class_name = "KLDivergence";
  std::string name = "kl_divergence";
};
using KLDivergence = Configured<Metric, KLDivergenceOptions>;

/// As keras.metrics.Poisson.
struct PoissonOptions {
  static constexpr auto class_name = "Poisson";
  std::string name = "poisson";
};
using Poisson = Configured<Metric, PoissonOptions>;

/// As keras.metrics.BinaryCrossentropy; "bce".
struct BinaryCrossentropyOptions {
  static constexpr auto class_name = "BinaryCrossentropy";
  bool from_logits = false;
  double label_smoothing = 0;
  std::string name = "binary_crossentropy";
};
using BinaryCrossentropy = Configured<Metric, BinaryCrossentropyOptions>;

/// As keras.metrics.CategoricalCrossentropy.
struct CategoricalCrossentropyOptions {
  static constexpr auto class_name = "CategoricalCrossentropy";
  bool from_logits = false;
  double label_smoothing = 0;
  std::string name = "categorical_crossentropy";
};
using CategoricalCrossentropy = Configured<Metric, CategoricalCrossentropyOptions>;

/// As keras.metrics.SparseCategoricalCrossentropy.
struct SparseCategoricalCrossentropyOptions {
  static constexpr auto class_name = "SparseCategoricalCrossentropy";
  bool from_logits = false;
  std::string name = "sparse_categorical_crossentropy";
};
using SparseCategoricalCrossentropy = Configured<Metric, SparseCategoricalCrossentropyOptions>;

}  // namespace xl::metrics

namespace xl {
extern template class Configured<Metric, metrics::MeanSquaredErrorOptions>;
extern template class Configured<Metric, metrics::MeanAbsoluteErrorOptions>;
extern template class Configured<Metric, metrics::MeanAbsolutePercentageErrorOptions>;
extern template class Configured<Metric, metrics::MeanSquaredLogarithmicErrorOptions>;
extern template class Configured<Metric, metrics::RootMeanSquaredErrorOptions>;
extern template class Configured<Metric, metrics::LogCoshErrorOptions>;
extern template class Configured<Metric, metrics::KLDivergenceOptions>;
extern template class Configured<Metric, metrics::PoissonOptions>;
extern template class Configured<Metric, metrics::BinaryCrossentropyOptions>;
extern template class Configured<Metric, metrics::CategoricalCrossentropyOptions>;
extern template class Configured<Metric, metrics::SparseCategoricalCrossentropyOptions>;
}  // namespace xl
