#pragma once

// Internal: the activation functions of Keras and their parameters.

#include <span>

#include "xlayers/framework/config/archive.hpp"
#include "xlayers/framework/kernels/activations.hpp"
#include "xlayers/framework/options/activation.hpp"

namespace xl {

/// A parameter of an activation function.
struct ActivationParameter {
  /// What it may be, in a test and in words.
  struct Rule {
    bool (*good)(float value);
    const char* expected;
    bool or_none = false;  ///< infinity is none
  };
  const char* name = nullptr;                              ///< Keras' name; none behind the last parameter
  float kernels::ActivationParameters::*member = nullptr;  ///< none for `approximate`, the only bool
  const Rule* rule = nullptr;
};

/// An activation function.
struct ActivationEntry {
  const char* name;
  kernels::Activation kind;
  ActivationParameter parameters[3] = {};
};

/// All of them, in the order of their names.
std::span<const ActivationEntry> activation_table();
const ActivationEntry& activation_entry(kernels::Activation kind);

/// From an entry of the table and what the kernels take to an ActivationFunction, and back.
struct ActivationParts {
  /// Throws ValueError for a parameter that breaks its rule.
  static ActivationFunction make(const ActivationEntry& entry, const kernels::ActivationParameters& parameters);
  static kernels::ActivationParameters parameters(const ActivationFunction& function);
};

/// The parameters of an entry, for reading and for writing.
void serialize(Archive& archive, const ActivationEntry& entry, kernels::ActivationParameters& parameters);

}  // namespace xl
