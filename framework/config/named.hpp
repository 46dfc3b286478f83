#pragma once

// Internal: activations, initializers, regularizers, constraints, losses, metrics, optimizers and learning rate schedules
// have names, and a config may hold them.

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/keras_object.hpp"
#include "xlayers/framework/config/options.hpp"

namespace xl {

/// What a kind of named things is called.
struct KindOfNames {
  std::string what;            ///< in errors: "loss"
  std::string module;          ///< where Keras has it: "keras.losses"
  std::string registrar = {};  ///< the function that takes one of the user's own, if there is one: "xl::register_loss"
  bool any_case = false;       ///< "ADAM" is "Adam"

  std::string one() const;  ///< "a loss"
  bool same(std::string_view name, std::string_view known) const;
  /// `name`, unless it is null. Throws ValueError then.
  std::string text(const char* name) const;
  [[noreturn]] void fail_unknown(const std::string& name, const std::vector<std::string>& known) const;
};

/// All things of one kind that have names, such as the losses: the classes of Keras, and those of the user's own.
template <class T>
class Named : public KindOfNames {
 public:
  /// A class of Keras.
  struct Class {
    std::string name;
    std::vector<std::string> aliases;  ///< what Keras takes in its place, such as "mean_squared_error" and "mse"
    std::function<T(const Config& options)> from_config;
  };

  /// The class C, which has a from_config or is a struct of options that a T is made from.
  template <class C>
  static Class of(std::vector<std::string> aliases = {}) {
    if constexpr (requires { C::from_config(Config()); }) {
      return {C::Options::class_name, std::move(aliases), [](const Config& o) -> T { return C::from_config(o); }};
    } else {
      return {C::class_name, std::move(aliases), [](const Config& o) -> T { return detail::read_options<C>(o); }};
    }
  }

  Named(KindOfNames kind, std::vector<Class> classes) : KindOfNames(std::move(kind)), classes_(std::move(classes)) {}

  /// The class of Keras that has this name or alias; or nullptr.
  const Class* find(std::string_view name) const {
    for (const Class& known : classes_) {
      if (same(name, known.name)) return &known;
      for (const std::string& alias : known.aliases)
        if (same(name, alias)) return &known;
    }
    return nullptr;
  }

  /// What has this name: a class of Keras, made with these options, or one of the user's own. Throws ValueError that
  /// lists the names there are.
  T get(const std::string& name, const Config& options = {}) const {
    if (const Class* known = find(name)) return known->from_config(options);
    const std::lock_guard lock(mutex_);
    if (const auto found = own_.find(name); found != own_.end()) return found->second;
    std::vector<std::string> names;
    for (const Class& known : classes_) {
      names.push_back(known.name);
      names.insert(names.end(), known.aliases.begin(), known.aliases.end());
    }
    for (const auto& [own, value] : own_) names.push_back(own);
    fail_unknown(name, names);
  }

  /// What a config holds: an object, or a name, which means what it means to the constructor of T.
  T read(const Value& value) const {
    const KerasObject object = from_keras_object(value, one());
    if (object.config) return get(object.class_name, *object.config);
    if constexpr (std::is_constructible_v<T, const std::string&>) {
      return T(object.class_name);
    } else {
      return get(object.class_name);
    }
  }

  /// The object for a config.
  Value write(std::string_view class_name, Config options) const {
    return to_keras_object(module, class_name, std::move(options));
  }
  /// That of the class that has these options.
  template <class Options>
  Value write(const Options& options) const {
    return write(Options::class_name, detail::write_options(options));
  }

  /// Throws ValueError unless one of the user's own may have this name, and if it has no function.
  void check_own(const std::string& name, bool has_function) const {
    if (name.empty()) throw ValueError(one() + " of one's own needs a name");
    if (find(name)) throw ValueError("the name '" + name + "' is that of " + one() + " of Keras");
    if (!has_function) throw ValueError("the " + what + " '" + name + "' has no function");
  }

  /// Makes one of the user's own known, in place of one that had the name before. Throws ValueError for one of Keras.
  void add(const std::string& name, std::string_view class_name, const T& own) {
    if (find(name) || find(class_name))
      throw ValueError("the " + what + " '" + name + "' is one of Keras: there is no need to register it");
    const std::lock_guard lock(mutex_);
    own_.insert_or_assign(name, own);
  }

 private:
  const std::vector<Class> classes_;
  mutable std::mutex mutex_;
  std::map<std::string, T> own_;
};

}  // namespace xl
