#pragma once

#include <cstdint>
#include <string>

#include "xlayers/framework/config.hpp"

namespace xl {

/// Some rows of a batch to compare: a row is what the last axis holds, so a (32, 100, 1) prediction
/// has 3200 rows of one feature.
struct LossCall {
  std::int64_t rows = 0;
  std::int64_t features = 0;
  const float* target = nullptr;      ///< (rows, features)
  const float* prediction = nullptr;  ///< (rows, features)
  const float* weight = nullptr;      ///< (rows), or none: 1 each
  float* gradient = nullptr;          ///< (rows, features), or none
  double scale = 1;                   ///< what the gradient is multiplied by
};

/// What training makes small: a number for each row of a prediction, the mean over the row's
/// features. As a Keras loss, whose value for a batch is the sum over rows of weight * loss,
/// divided by the rows.
class Loss {
 public:
  struct Kind;  // a row of the table in loss.cpp

  /// By name, as Keras spells it: "mse", "MSE", "mean_squared_error" or "MeanSquaredError";
  /// likewise "mae" and "huber". Throws ValueError that lists the names.
  Loss(const char* name);
  Loss(const std::string& name);

  /// sum over rows of weight[row] * loss[row]; and if asked,
  /// gradient[row, f] = scale * weight[row] * d loss[row] / d prediction[row, f].
  ///
  /// Allocates nothing and may run on several threads at once. The order of the sum depends on the
  /// sizes alone.
  double operator()(const LossCall& call) const;

  /// Keras' name of the loss, such as "mean_squared_error".
  const std::string& name() const { return name_; }
  /// Keras' name of the class, such as "MeanSquaredError".
  const char* class_name() const;
  /// All options under Keras' keys.
  Config get_config() const;

 protected:
  Loss(const char* class_name, std::string name, double delta);

 private:
  friend Value to_value(const Loss& loss);
  friend void from_value(const Value& value, Loss& loss);

  const Kind* kind_;
  std::string name_;
  std::string spelled_;  // the name it was made from, if it was
  double delta_ = 1;     // Huber's
};

/// A loss made from a name is stored as that name; another as Keras stores it:
/// `{"module": "keras.losses", "class_name": "Huber", "config": {...}, ...}`.
Value to_value(const Loss& loss);
/// The inverse. Throws ValueError for an unknown name, class or key.
void from_value(const Value& value, Loss& loss);

/// The mean of (prediction - target)^2. As keras.losses.MeanSquaredError.
class MeanSquaredError : public Loss {
 public:
  struct Options {
    std::string name = "mean_squared_error";
  };
  MeanSquaredError();
  explicit MeanSquaredError(const Options& options);
};

/// The mean of |prediction - target|; where both are equal the gradient is that from below, as with
/// JAX. As keras.losses.MeanAbsoluteError.
class MeanAbsoluteError : public Loss {
 public:
  struct Options {
    std::string name = "mean_absolute_error";
  };
  MeanAbsoluteError();
  explicit MeanAbsoluteError(const Options& options);
};

/// Quadratic for errors up to `delta`, linear beyond: with e = prediction - target, the mean of
/// e^2 / 2 if |e| <= delta, else delta |e| - delta^2 / 2. As keras.losses.Huber.
class Huber : public Loss {
 public:
  struct Options {
    double delta = 1;
    std::string name = "huber_loss";
  };
  Huber();
  /// Throws ValueError unless delta is a positive number.
  explicit Huber(const Options& options);
};

}  // namespace xl
