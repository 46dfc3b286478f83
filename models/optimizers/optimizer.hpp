#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "xlayers/framework/config/config.hpp"
#include "xlayers/framework/tensor/shape.hpp"
#include "xlayers/models/optimizers/learning_rate_schedule.hpp"

namespace xl {

class Constraint;

/// What changes the weights of a model, given their gradients.
///
/// A handle: a copy is the same optimizer and shares its state, so a program may keep the one that
/// it gave to `compile` and change the learning rate while `fit` runs. An optimizer serves one
/// model.
///
/// One step does what a step of a Keras optimizer does, in this order: clip the gradients, decay
/// the weights, update the weights, apply the constraints, count the step.
class Optimizer {
 public:
  class Impl;  // models/optimizers/optimizer_impl.hpp

  /// By name, in any case: "adam", "adamw", "rmsprop" or "sgd", with Keras' defaults. Throws ValueError that lists
  /// the names.
  Optimizer(const char* name);
  Optimizer(const std::string& name);
  Optimizer(const Optimizer&) = default;  // what is moved is copied, and of use afterwards
  Optimizer& operator=(const Optimizer&) = default;

  /// What the model `identity` is compiled with: this optimizer, or a new one like it if it was made from a name
  /// and another model has it already. Throws ValueError if another model has it and it was made by type.
  Optimizer serve(const std::shared_ptr<const void>& identity) const;

  /// One weight of the model and the gradient of the loss with respect to it.
  struct Update {
    float* weight = nullptr;
    float* gradient = nullptr;  ///< may be overwritten
    std::int64_t size = 0;
    const Shape* shape = nullptr;            ///< the weight's, for the constraint
    const Constraint* constraint = nullptr;  ///< or none
    bool decays = true;                      ///< false: weight_decay leaves it alone
  };

  /// Allocates the state for weights of these sizes. The first call does; the same sizes again
  /// change nothing. Throws ValueError for other sizes: then this optimizer belongs to another
  /// model.
  void build(std::span<const std::int64_t> sizes);
  bool built() const;

  /// One step over all weights, in the order of `build`. Allocates nothing. Throws ValueError
  /// before anything changes if the sizes are not those of `build`, or if a learning rate that is a function gives
  /// anything but a finite number from 0 on.
  void apply(std::span<const Update> updates);

  /// Leaves weights alone when it decays the others: those whose name holds one of these texts, such as "bias" or
  /// "gamma". To be said before the model is trained. As in Keras, it is not part of the config.
  void exclude_from_weight_decay(std::vector<std::string> names);
  const std::vector<std::string>& not_decayed() const;
  /// Whether the weight of that name decays.
  bool decays(const std::string& name) const;

  /// The steps done so far.
  std::int64_t iterations() const;
  /// Throws ValueError for a number below 0 or above 2^53.
  void set_iterations(std::int64_t iterations);

  /// The rate of the next step: a schedule is asked for step `iterations()`. Throws as `apply` if a function gives
  /// no rate.
  float learning_rate() const;
  /// Whether the rate depends on the step.
  bool scheduled() const;
  /// Throws ValueError unless the rate is a number from 0 on, and if it depends on the step: as in Keras, only a
  /// number can be changed.
  void set_learning_rate(float rate);

  /// Memory that a step keeps for one weight, such as Adam's "momentum".
  struct Slot {
    const char* name;
    std::int64_t weight;  ///< its position in `build`
    std::span<float> values;
  };
  /// All of them, in the order in which Keras saves them; empty before `build`.
  std::span<const Slot> slots() const;
  /// What they would be for so many weights, without their memory.
  std::vector<Slot> slots_for(std::int64_t weights) const;
  /// The numbers in the state, with the step count and, if it is a number, the learning rate, as `summary()` shows it.
  std::int64_t count_params() const;

  const std::string& name() const;
  /// Keras' name of the class, such as "Adam".
  const char* class_name() const;
  /// All options under Keras' keys; a learning rate that is a number is the current one. Throws SerializationError if
  /// it is a function without a name.
  Config get_config() const;

 protected:
  explicit Optimizer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<Impl> impl_;
};

/// As Keras stores it: `{"module": "keras.optimizers", "class_name": "Adam", "config": {...},
/// ...}`.
Value to_value(const Optimizer& optimizer);
/// The inverse; a name such as "adam" goes as well. The result is a new optimizer, not built.
/// Throws ValueError for an unknown class or key, and for a feature of Keras that is not here, such
/// as use_ema.
void from_value(const Value& value, Optimizer& optimizer);

}  // namespace xl
