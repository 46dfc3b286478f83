#pragma once

#include <functional>
#include <string>

#include "xlayers/framework/graph/layer.hpp"

namespace xl {

/// How a config becomes a layer again: by the name of its class.
using LayerFactory = std::function<Layer(const Config& config)>;
/// Makes a class known to `layer_from_config`; the last one of a name counts. `original` holds what keys mean that a config
/// written by KerasFactory does not have, where its layer behaves otherwise.
void register_layer(std::string class_name, LayerFactory factory, Config original = {});
/// The same for the class of a handle (HandleOf, or one of the library): `xl::register_layer<Scale>();`.
template <class Handle>
void register_layer() {
  using Options = typename Handle::Options;
  Config original;
  if constexpr (requires { Options::kerasfactory(); }) original = Options::kerasfactory();
  register_layer(Options::class_name, Handle::from_config, std::move(original));
}
/// The layer of a Keras object `{"class_name": ..., "config": {...}}`. Throws ValueError that lists the known
/// classes for an unknown one.
Layer layer_from_config(const Config& object);
/// The inverse: `{"module": ..., "class_name": ..., "config": ..., "registered_name": ...}`.
Config layer_to_config(const Layer& layer);

}  // namespace xl
