#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "xlayers/framework/config/config.hpp"

namespace xl {

/// Some rows of a batch to compare: a row is what the last axis holds, so a (32, 100, 1) prediction
/// has 3200 rows of one feature.
struct LossCall {
  std::int64_t rows = 0;
  std::int64_t features = 0;
  std::int64_t target_features = 0;   ///< of a target's row; 0: as many as `features`
  const float* target = nullptr;      ///< (rows, target_features)
  const float* prediction = nullptr;  ///< (rows, features)
  const float* weight = nullptr;      ///< (rows), or none: 1 each
  float* gradient = nullptr;          ///< (rows, features), or none
  double scale = 1;                   ///< what the gradient is multiplied by
};

/// What training makes small: a number for each row of a prediction. As a Keras loss, whose value for a
/// batch is the sum over rows of weight * loss, divided by the rows. The losses themselves stand in
/// regression_losses.hpp and probabilistic_losses.hpp.
///
/// A copy is cheap; a loss never changes.
class Loss {
 public:
  class Impl;  // models/losses/loss_impl.hpp

  /// By name, as Keras spells it: "mse", "MSE", "mean_squared_error" or "MeanSquaredError", and so on, with
  /// Keras' defaults; or the name of a registered loss of one's own. Throws ValueError that lists the names.
  Loss(const char* name);
  Loss(const std::string& name);
  Loss(const Loss&) = default;  // what is moved is copied, and of use afterwards
  Loss& operator=(const Loss&) = default;

  /// The loss of one row; sets its gradient by the prediction, unless that is empty. Whatever stood there before means
  /// nothing; where an element is left as it was, the call throws ValueError.
  using Function = std::function<double(std::span<const float> target, std::span<const float> prediction,
                                        std::span<float> gradient)>;
  /// A loss of one's own. It may run on several threads at once. `target_features` is what a row of the target
  /// has, if not as many as the prediction.
  ///
  ///     // The quantile ("pinball") loss: e = target - prediction, max(0.9 e, -0.1 e), the mean over the features.
  ///     auto pinball = xl::Loss::own("pinball", [](auto target, auto prediction, auto gradient) {
  ///       double loss = 0;
  ///       const double n = prediction.size();
  ///       for (std::size_t i = 0; i < prediction.size(); ++i) {
  ///         const double e = target[i] - prediction[i], slope = e > 0 ? 0.9 : -0.1;
  ///         loss += slope * e / n;
  ///         if (!gradient.empty()) gradient[i] = -slope / n;
  ///       }
  ///       return loss;
  ///     });
  ///     xl::register_loss(pinball);  // so that a stored model that names it can be read
  ///
  /// Throws ValueError if the name is empty or one of Keras', or if there is no function.
  static Loss own(std::string name, Function function, std::int64_t target_features = 0);

  /// sum over rows of weight[row] * loss[row]; and if asked,
  /// gradient[row, f] = scale * weight[row] * d loss[row] / d prediction[row, f].
  ///
  /// Allocates nothing and may run on several threads at once. The order of the sum depends on the
  /// sizes alone. Throws ShapeError if the target's rows do not have `target_features(features)`, and
  /// ValueError for a label that is not a class.
  double operator()(const LossCall& call) const;

  /// How many numbers a row of the target has for a prediction of so many features: as many, or 1 where
  /// the target is the label of a class.
  std::int64_t target_features(std::int64_t features) const;
  /// True if rows with this target count for nothing: their loss is 0, and they are not among the rows that a
  /// batch's sum is divided by (SparseCategoricalCrossentropy's ignore_class).
  bool ignores(const float* target) const;
  /// True if there are such rows at all.
  bool ignores_some() const;
  /// Throws ValueError if one of these rows of targets is a label that is not a class.
  void check_targets(const float* targets, std::int64_t rows, std::int64_t features) const;

  /// Keras' name of the loss, such as "mean_squared_error".
  const std::string& name() const;
  /// Keras' name of the class, such as "MeanSquaredError"; "LossFunctionWrapper" for one's own.
  const char* class_name() const;
  /// All options under Keras' keys.
  Config get_config() const;

 protected:
  explicit Loss(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

 private:
  friend Value to_value(const Loss& loss);

  std::shared_ptr<const Impl> impl_;
  std::string spelled_;  // the name it was made from, if it was
};

/// Makes a loss of one's own known by its name, in place of one that had the name before. Throws ValueError for
/// one of Keras'.
void register_loss(const Loss& loss);

/// A loss made from a name and one of one's own are stored as that name; another as Keras stores it:
/// `{"module": "keras.losses", "class_name": "Huber", "config": {...}, ...}`.
Value to_value(const Loss& loss);
/// The inverse; a function of Keras (`{"class_name": "function", "config": "mean_squared_error", ...}`) is what
/// its name means. Throws ValueError for an unknown name, class or key.
void from_value(const Value& value, Loss& loss);

}  // namespace xl
