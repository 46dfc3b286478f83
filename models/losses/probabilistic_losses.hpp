#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "xlayers/framework/config/configured.hpp"
#include "xlayers/models/losses/loss.hpp"

namespace xl {

// Losses for predictions that are probabilities or rates. t is the target, p the prediction.
//
// A probability is clipped to [1e-7, 1 - 1e-7] in float32, where the upper bound is 0.99999988: the largest
// losses are 16.118095 for t = 1 and 15.942385 for t = 0, and the gradient is 0 where p was clipped. From logits
// nothing is clipped: any size of logit has its exact loss.

/// Of features that are each true or false: the mean of -(t ln p + (1 - t) ln(1 - p)); from logits
/// p = sigmoid(x). As keras.losses.BinaryCrossentropy; "bce".
///
/// Throws ValueError unless label_smoothing is from 0 to 1.
struct BinaryCrossentropyOptions {
  static constexpr auto class_name = "BinaryCrossentropy";
  bool from_logits = false;    ///< the prediction is the x of p = sigmoid(x), the layer has no activation
  double label_smoothing = 0;  ///< s: t becomes t (1 - s) + s / 2
  std::string name = "binary_crossentropy";
};
using BinaryCrossentropy = Configured<Loss, BinaryCrossentropyOptions>;
extern template class Configured<Loss, BinaryCrossentropyOptions>;

/// Of one class among `features`, each with its probability in target and prediction: -sum_c t_c ln p_c. The
/// prediction is divided by its sum before it is clipped; from logits p = softmax(x). As
/// keras.losses.CategoricalCrossentropy.
///
/// Throws ValueError unless label_smoothing is from 0 to 1.
struct CategoricalCrossentropyOptions {
  static constexpr auto class_name = "CategoricalCrossentropy";
  bool from_logits = false;    ///< the prediction is the x of p = softmax(x), the layer has no activation
  double label_smoothing = 0;  ///< s: t becomes t (1 - s) + s / classes
  std::string name = "categorical_crossentropy";
};
using CategoricalCrossentropy = Configured<Loss, CategoricalCrossentropyOptions>;
extern template class Configured<Loss, CategoricalCrossentropyOptions>;

/// The same for a target that is the label of the class, a whole number from 0 to features - 1:
/// -ln p_label. A label that is not one of them is a ValueError (on JAX Keras makes it a loss of 0).
/// As keras.losses.SparseCategoricalCrossentropy.
struct SparseCategoricalCrossentropyOptions {
  static constexpr auto class_name = "SparseCategoricalCrossentropy";
  bool from_logits = false;                       ///< the prediction is the x of p = softmax(x)
  std::optional<std::int64_t> ignore_class = {};  ///< a label, also such as -1, whose rows count for nothing
  std::string name = "sparse_categorical_crossentropy";
};
using SparseCategoricalCrossentropy = Configured<Loss, SparseCategoricalCrossentropyOptions>;
extern template class Configured<Loss, SparseCategoricalCrossentropyOptions>;

/// The sum of t ln(t / p), both clipped to [1e-7, 1]. As keras.losses.KLDivergence; "kld".
struct KLDivergenceOptions {
  static constexpr auto class_name = "KLDivergence";
  std::string name = "kl_divergence";
};
using KLDivergence = Configured<Loss, KLDivergenceOptions>;
extern template class Configured<Loss, KLDivergenceOptions>;

/// Of counts t with the rate p: the mean of p - t ln(p + 1e-7). As keras.losses.Poisson.
struct PoissonOptions {
  static constexpr auto class_name = "Poisson";
  std::string name = "poisson";
};
using Poisson = Configured<Loss, PoissonOptions>;
extern template class Configured<Loss, PoissonOptions>;

}  // namespace xl
