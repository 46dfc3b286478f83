#pragma once

#include <concepts>
#include <memory>

#include "xlayers/framework/config/value.hpp"

namespace xl {

/// A class that is made from its options, as those of Keras are: a Huber is a Loss, made as `Huber({.delta = 2})`.
///
///     using Huber = Configured<Loss, HuberOptions>;
///     extern template class Configured<Loss, HuberOptions>;  // compiled once, where its rule stands
///
/// `Options::class_name` is Keras' name of the class; there is `Options::without_defaults` if some have to be given.
template <class Base, class Options_>
class Configured : public Base {
 public:
  using Options = Options_;

  Configured() requires(!requires { Options::without_defaults; }) : Base(make(Options())) {}
  /// Throws ValueError for an option that is out of its range.
  // A template, so that `Huber({})` may be `Huber()`, and else this one.
  template <std::same_as<Options_> Given = Options_>
  explicit Configured(const Given& options) : Base(make(options)) {}
  /// The inverse of get_config. Throws ValueError also for a key that is not known; one that is missing has its default.
  static Configured from_config(const Config& config);

 private:
  static std::shared_ptr<typename Base::Impl> make(const Options& options);  // configured_impl.hpp
};

}  // namespace xl
