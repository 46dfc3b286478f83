#pragma once

#include <functional>

#include "xlayers/framework/graph/layer.hpp"

namespace xl {

// A layer may stand in several places of one config: in two models inside a third, say. Its object has the same number under
// "shared_layer" in each, a key that Keras ignores, and the first of them that is read becomes the layer of all.

/// Writes a config in which layers stand, or a part of one if another such call is under way. `write` is called once more if
/// a layer turns out to stand in several places.
Config write_layers(const std::function<Config()>& write);
/// Reads one, in the same way. Throws what `read` throws.
Layer read_layers(const std::function<Layer()>& read);

/// The object of a layer, which `write` makes, with the layer's number if it stands in several places.
Config write_layer(const LayerBase& layer, const std::function<Config()>& write);
/// The layer of an object: the one of its number if that has been read before; else `read` makes it. Throws ValueError if
/// that one is of another class.
Layer read_layer(const Config& object, const std::function<Layer()>& read);

}  // namespace xl
