#pragma once

#include <memory>
#include <utility>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/composite.hpp"
#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/framework/parts/indices.hpp"

namespace xl {

/// A layer that looks rows up: one part makes indices of numbers that come as float32, the other has the rows. Both speak in
/// the name of the layer.
template <class Options>
class LookUpLayer : public WithOptions<CompositeLayer, Options> {
 public:
  LookUpLayer(Options options, Layer to_indices, std::shared_ptr<PrimitiveLayer> rows)
      : WithOptions<CompositeLayer, Options>(std::move(options)), to_indices_(std::move(to_indices)), rows_(rows) {}

  void set_name(const std::string& name) override {
    CompositeLayer::set_name(name);
    to_indices_.base().set_name(name);
    rows_.base().set_name(name);
  }

  SymbolicTensors call(const SymbolicTensors& inputs, const CallContext&) const override {
    if (inputs.size() != 1) throw ShapeError(this->label() + "takes one input, got " + std::to_string(inputs.size()));
    check(inputs[0].shape());
    return {rows_(inputs[0].dtype() == DType::int32 ? inputs[0] : to_indices_(inputs[0]))};
  }

 protected:
  /// Throws ShapeError for an input that the layer does not take.
  virtual void check(const Shape&) const {}

 private:
  Layer to_indices_, rows_;
};

}  // namespace xl
