#pragma once

#include "xlayers/framework/graph/layer.hpp"

namespace xl {

/// A layer made of other layers. It writes its `call` once, over symbolic tensors; gradients, memory and
/// threads follow from the layers inside.
class CompositeLayer : public LayerBase {
 public:
  /// What the layer makes of its inputs, whose masks travel with them. The layers that it calls are members, made in the
  /// constructor.
  virtual SymbolicTensors call(const SymbolicTensors& inputs, const CallContext& context) const = 0;

  /// The layers that `call` uses, each once, in the order of their first call; empty before it is built.
  std::vector<Layer> children() const override { return children_; }
  std::vector<Weight*> weights() const override;
  TensorSpecs infer(const TensorSpecs& inputs, const CallContext& context) const override;
  void set_trainable(bool trainable) override;

  bool takes_masks() const override { return true; }

  /// The graph of a call: stand-ins for the inputs and for their masks, and what `call` makes of them, followed by the
  /// masks of that.
  Graph trace(const TensorSpecs& inputs, const CallContext& context) const;

 protected:
  void build_weights(const TensorSpecs& inputs, const CallContext& context) override;

  void unbuild() override;

 private:
  std::vector<Layer> children_;
};

}  // namespace xl
