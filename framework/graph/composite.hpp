#pragma once

#include "xlayers/framework/graph/layer.hpp"
#include "xlayers/framework/graph/with_options.hpp"

namespace xl {

/// A layer made of other layers. It writes its `call` once, over symbolic tensors; gradients, memory and
/// threads follow from the layers inside.
class CompositeLayer : public LayerBase {
 public:
  /// What the layer makes of its inputs, whose masks travel with them to the layers inside. The layers that it calls are members, made in the
  /// constructor.
  virtual SymbolicTensors call(const SymbolicTensors& inputs, const CallContext& context) const = 0;

  /// The layers that `call` uses, each once, in the order of their first call; empty before it is built.
  std::vector<Layer> children() const override { return children_; }
  std::vector<Weight*> weights() const override;
  TensorSpecs infer(const TensorSpecs& inputs, const CallContext& context) const override;
  void set_trainable(bool trainable) override;

  /// The graph of a call: stand-ins for the inputs, and what `call` makes of them.
  Graph trace(const TensorSpecs& inputs, const CallContext& context) const;

 protected:
  void build_weights(const TensorSpecs& inputs, const CallContext& context) override;

  void unbuild() override;

 private:
  std::vector<Layer> children_;
};

}  // namespace xl
