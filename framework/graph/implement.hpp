#pragma once

// Internal: what a layer of the library ends its source with, so that its class stays there:
//
//     static std::shared_ptr<LayerBase> implement(DenseOptions options) { return make_layer<DenseLayer>(std::move(options)); }
//     template class LayerOf<DenseOptions>;
//
// The header says `extern template class LayerOf<DenseOptions>;`, that it is there.

#include "xlayers/framework/graph/layer_of.hpp"

namespace xl {

template <class Options, class Handle, class Base>
std::shared_ptr<LayerBase> LayerOf<Options, Handle, Base>::make(Options options) {
  return implement(std::move(options));
}

template <class Options, class Handle_, class Base>
typename LayerOf<Options, Handle_, Base>::Handle LayerOf<Options, Handle_, Base>::from_config(const Config& config) {
  return Handle(options_from_config<Options>(config, Options::class_name));
}

}  // namespace xl
