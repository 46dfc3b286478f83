#pragma once

#include <memory>

#include "xlayers/framework/graph/layer_base.hpp"

namespace xl {

/// Calls a layer on symbolic tensors in a context, with any number of outputs: builds it if need be, and adds one call to
/// the graph. What becomes of the inputs' masks is said by `LayerBase::masking`. Throws ShapeError and ValueError if the
/// inputs do not fit, in the layer's name.
SymbolicTensors call_layer(const std::shared_ptr<LayerBase>& layer, const SymbolicTensors& inputs,
                           const CallContext& context = {});

/// While one of these lives, this thread's calls on symbolic tensors only look at shapes and build no layer.
class WithoutBuilding {
 public:
  WithoutBuilding();
  ~WithoutBuilding();
  WithoutBuilding(const WithoutBuilding&) = delete;
  WithoutBuilding& operator=(const WithoutBuilding&) = delete;

 private:
  bool before_;
};

/// While one of these lives, this thread's calls do not warn of masks that end: the layer they are a part of has.
class WithoutWarning {
 public:
  explicit WithoutWarning(bool quiet);
  ~WithoutWarning();
  WithoutWarning(const WithoutWarning&) = delete;
  WithoutWarning& operator=(const WithoutWarning&) = delete;

 private:
  bool before_;
};

}  // namespace xl
