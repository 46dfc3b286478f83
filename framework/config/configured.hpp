#pragma once

#include "xlayers/framework/config/value.hpp"

namespace xl {

/// A class that is made from its options, as those of Keras are: a Huber is a Loss, made as `Huber({.delta = 2})`.
///
///     using Huber = Configured<Loss, HuberOptions>;
///     extern template class Configured<Loss, HuberOptions>;  // compiled once, where its rule stands
///
/// `Options::class_name` is Keras' name of the class; there is `Options::without_defaults` if some have to be given.
template <class Base, class ClassOptions>
class Configured : public Base {
 public:
  using Options = ClassOptions;
  Configured() requires(!requires { Options::without_defaults; }) : Configured(Options()) {}
  /// Throws ValueError for an option that is out of its range.
  explicit Configured(const Options& options);
  /// The inverse of get_config. Throws ValueError also for a key that is not known; one that is missing has its default.
  static Configured from_config(const Config& config);
};

}  // namespace xl
