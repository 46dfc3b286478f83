#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

#include "xlayers/framework/graph/layer.hpp"
#include "xlayers/framework/graph/with_options.hpp"

namespace xl {

/// The handle of a layer of the library: `using Dense = LayerOf<DenseOptions>;` is made and called as `Dense({.units = 8})(x)`.
/// A handle with calls of its own derives from it, `class Rotary : public LayerOf<RotaryOptions, Rotary>`, and may have them
/// from a base.
///
/// Options that do not fit are a ValueError that names the layer, what came, and what was expected.
template <class Options_, class Handle_ = void, class Base = Layer>
class LayerOf : public Base {
 public:
  using Options = Options_;
  using Handle = std::conditional_t<std::is_void_v<Handle_>, LayerOf, Handle_>;

  // A template, so that `Dense({})` is this one, and not a copy of `Dense()`.
  template <std::same_as<Options_> Given = Options_>
  explicit LayerOf(Given options = Given()) : Base(make(std::move(options))) {}
  /// The inverse of get_config. Throws ValueError for an unknown key or a value that does not fit.
  static Handle from_config(const Config& config);

 private:
  static std::shared_ptr<LayerBase> make(Options options);  // implement.hpp
};

/// The same for a layer of one's own, whose class stands where its handle is declared: `using Scale = xl::HandleOf<ScaleLayer>;`.
template <class Base>
class HandleOf : public Layer {
 public:
  using Options = typename Base::Options;

  template <std::same_as<Options> Given = Options>
  explicit HandleOf(Given options = Given()) : Layer(make_layer<Base>(std::move(options))) {}
  /// The inverse of get_config. Throws ValueError for an unknown key or a value that does not fit.
  static HandleOf from_config(const Config& config) {
    return HandleOf(options_from_config<Options>(config, Options::class_name));
  }
};

}  // namespace xl
