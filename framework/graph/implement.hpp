#pragma once

// Internal: what a layer of the library ends its source with, so that its class stays there:
//
//     static std::shared_ptr<LayerBase> implement(DenseOptions options) { return make_layer<DenseLayer>(std::move(options)); }
//     template class LayerOf<DenseOptions>;

#include "xlayers/framework/graph/layer_of.hpp"

namespace xl {

template <class Options, class Handle>
std::shared_ptr<LayerBase> LayerOf<Options, Handle>::make(Options options) {
  return implement(std::move(options));
}

template <class Options, class Handle_>
typename LayerOf<Options, Handle_>::Handle LayerOf<Options, Handle_>::from_config(const Config& config) {
  return Handle(options_from_config<Options>(config, Options::class_name));
}

}  // namespace xl
