#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "xlayers/framework/config/archive.hpp"
#include "xlayers/framework/graph/layer_base.hpp"
#include "xlayers/framework/graph/names.hpp"

// Options are an aggregate with Keras' keys, and with a `name` and `trainable`. What else is known of a class of layers stands
// beside them, as static members: `class_name`, "Dense"; `package`, "keras", if it is not "xlayers"; `module`, if it is not
// the package's "layers".

namespace xl {

/// The keys that every layer has: name, trainable, dtype (float32 is the only one there is).
void serialize_common(Archive& archive, std::string& name, bool& trainable);

/// The options that `config` holds, which `serialize(Archive&, Options&)` describes. Throws ValueError for an
/// unknown key and for a value that does not fit.
template <class Options>
Options options_from_config(const Config& config, std::string_view class_name) {
  Options options;
  std::string owner(class_name);
  if (const Value* name = config.find("name"); name != nullptr && name->is_string())
    owner += " '" + name->as_string() + "'";
  Archive archive = Archive::reader(config, owner);
  serialize_common(archive, options.name, options.trainable);
  serialize(archive, options);
  archive.finish();
  return options;
}

/// A new layer of these options, with its name, or a unique one if that is empty.
template <class Base, class Options>
std::shared_ptr<LayerBase> make_layer(Options options) {
  const std::string name = options.name;
  const bool trainable = options.trainable;
  auto layer = std::make_shared<Base>(std::move(options));
  name_layer(*layer, name, trainable);
  return layer;
}

namespace detail {

// Each takes from the options what they say of the class, and leaves a kind of layer as it is where they say nothing.

template <class Kind, class Options>
class ClassName : public Kind {};
template <class Kind, class Options>
requires requires { std::string_view(Options::class_name); }
class ClassName<Kind, Options> : public Kind {
 public:
  std::string_view class_name() const override { return Options::class_name; }
};

template <class Kind, class Options>
class Package : public ClassName<Kind, Options> {};
template <class Kind, class Options>
requires requires { std::string_view(Options::package); }
class Package<Kind, Options> : public ClassName<Kind, Options> {
 public:
  std::string_view package() const override { return Options::package; }
};

template <class Kind, class Options>
class Module : public Package<Kind, Options> {};
template <class Kind, class Options>
requires requires { std::string_view(Options::module); }
class Module<Kind, Options> : public Package<Kind, Options> {
 public:
  std::string module() const override { return Options::module; }
};

}  // namespace detail

/// A kind of layer (PrimitiveLayer, CompositeLayer) together with its options. One function,
/// `serialize(Archive&, Options&)`, describes the options for reading and for writing. An option `activity_regularizer` is a
/// penalty on the outputs.
template <class Kind, class Options_>
class WithOptions : public detail::Module<Kind, Options_> {
 public:
  using Options = Options_;
  explicit WithOptions(Options options_) : options(std::move(options_)) {
    LayerBase::set_name(options.name);  // so that a constructor's errors name the layer
  }

  Config get_config() const override {
    Config config;
    Archive archive = Archive::writer(config);
    std::string name = this->name();
    bool trainable = this->trainable();
    Options copy = options;
    serialize_common(archive, name, trainable);
    serialize(archive, copy);
    return config;
  }

  const Regularizer* activity_regularizer() const override {
    if constexpr (requires { options.activity_regularizer; })
      return options.activity_regularizer ? &options.activity_regularizer : nullptr;
    else
      return nullptr;
  }

  const Options options;
};

}  // namespace xl
