#pragma once

// Internal: what stands behind a Configured. The source of a class says what it is,
//
//     static auto implement(const HuberOptions& options) { return std::make_shared<HuberImpl>(options); }
//
// and then instantiates it: `template class Configured<Loss, HuberOptions>;`.

#include <string>
#include <utility>

#include "xlayers/framework/config/configured.hpp"
#include "xlayers/framework/config/options.hpp"

namespace xl {

namespace detail {

/// A base of Loss::Impl and its like: the names of its class and of itself, which its errors begin with.
class ConfiguredImpl {
 public:
  ConfiguredImpl(std::string class_name, std::string name) : class_name(std::move(class_name)), name(std::move(name)) {}
  virtual ~ConfiguredImpl() = default;

  /// All options under Keras' keys.
  virtual Config config() const = 0;

  const std::string class_name, name;

 protected:
  /// Throws ValueError unless the option is good.
  void check(const std::string& option, const Value& got, bool good, const std::string& expected) const {
    check_option(error_label(class_name, name), option, got, good, expected);
  }
  [[noreturn]] void fail(const std::string& text) const { throw ValueError(error_label(class_name, name) + text); }
};

/// Options that are a name alone.
template <class Options>
concept NameAlone = sizeof(Options) == sizeof(std::string) && requires(Options options) {
  options.name;
};

/// The Base::Impl of a class, with its options.
template <class Base, class Options>
class ImplOf : public Base::Impl {
 public:
  explicit ImplOf(const Options& options) : Base::Impl(Options::class_name, options.name), options_(options) {}
  Config config() const override { return write_options(options_); }

 protected:
  const Options options_;
};

}  // namespace detail

template <class Base, class Options>
std::shared_ptr<typename Base::Impl> Configured<Base, Options>::make(const Options& options) {
  return implement(options);
}

template <class Base, class Options>
Configured<Base, Options> Configured<Base, Options>::from_config(const Config& config) {
  return Configured(detail::read_options<Options>(config));
}

}  // namespace xl
