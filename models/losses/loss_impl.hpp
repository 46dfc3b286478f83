#pragma once

// Internal: what a loss is made of. models/losses/regression_losses.cpp and models/losses/probabilistic_losses.cpp give the rules.

#include "xlayers/framework/config/configured_impl.hpp"
#include "xlayers/models/losses/loss.hpp"

namespace xl {

class Loss::Impl : public detail::ConfiguredImpl {
 public:
  using ConfiguredImpl::ConfiguredImpl;

  /// As Loss::operator(), for a call that has rows, features, and targets that fit.
  virtual double evaluate(const LossCall& call) const = 0;
  virtual std::int64_t target_features(std::int64_t features) const { return features; }
  virtual bool ignores(const float* /*target*/) const { return false; }
  virtual bool ignores_some() const { return false; }
  virtual void check_targets(const float* /*targets*/, std::int64_t /*rows*/, std::int64_t /*features*/) const {}
};

namespace detail {

/// What every loss of Keras has.
inline Archive& serialize_name_and_reduction(Archive& archive, std::string& name) {
  return archive("name", name).only("reduction", "sum_over_batch_size");
}

}  // namespace detail

/// A loss with more options than its name has a `serialize` of its own.
template <detail::NameAlone Options>
void serialize(Archive& archive, Options& options) {
  detail::serialize_name_and_reduction(archive, options.name);
}

}  // namespace xl
