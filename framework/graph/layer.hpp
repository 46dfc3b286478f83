#pragma once

#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "xlayers/framework/base/list.hpp"
#include "xlayers/framework/graph/layer_base.hpp"
#include "xlayers/framework/tensor/data_ref.hpp"

namespace xl {

/// How a layer is called on data.
struct CallOptions {
  bool training = false;  ///< as in training: dropout drops
  Config arguments = {};  ///< the call's arguments by Keras' names, for a layer that has some
  /// The masks of the inputs, in their order: 1 where a step counts, 0 where it is padding. Empty tensors, or none at
  /// the end, for inputs without one.
  std::vector<Tensor> masks = {};
};

/// A handle of a layer: a copy is the same layer and shares its weights, as in Keras; `clone()` makes a new one.
class Layer {
 public:
  /// Throws ValueError for no layer.
  explicit Layer(std::shared_ptr<LayerBase> base);
  Layer(const Layer&) = default;  // what is moved is copied: a handle always has its layer
  Layer& operator=(const Layer&) = default;

  /// Calls the layer on data, in inference unless `options` says otherwise; builds it at the first call. Several
  /// inputs stand in braces: `layer({a, b})`. They have the batch axis in front. Throws ShapeError if they do not fit.
  ///
  /// From the second call with inputs of a shape on, nothing but the result is allocated.
  Tensor operator()(DataRef inputs, const CallOptions& options = {}) const;
  /// Calls the layer on symbolic tensors: one more call in a model's graph.
  SymbolicTensor operator()(const SymbolicTensor& input) const;
  SymbolicTensor operator()(const SymbolicTensors& inputs) const;
  /// The same for a layer of any number of outputs.
  List<Tensor> call(DataRef inputs, const CallOptions& options = {}) const;
  SymbolicTensors call(const SymbolicTensors& inputs, const Config& arguments = {}) const;

  /// The mask that the layer's (first) output carries in such a call: (batch, steps), 1 where a step counts. Empty, of
  /// dimension 0, if it carries none. A tensor does not know its mask, so a call on data is told:
  ///
  ///     xl::Tensor x = embedding(ids), mask = embedding.compute_mask(ids);
  ///     xl::Tensor y = attention({x, x}, {.masks = {mask, mask}});
  ///
  /// As keras.Layer.compute_mask. Throws as a call does.
  Tensor compute_mask(DataRef inputs, const CallOptions& options = {}) const;

  const std::string& name() const { return base_->name(); }
  std::string_view class_name() const { return base_->class_name(); }

  /// Makes the weights for an input of this shape, which includes the batch axis: (None, 100, 64).
  void build(const Shape& input_shape) const { base_->build({{input_shape}}, {}); }
  bool built() const { return base_->built(); }

  bool trainable() const { return base_->trainable(); }
  /// Freezes the layer, or sets it free. A model has to be compiled again to take notice.
  void set_trainable(bool trainable) const { base_->set_trainable(trainable); }

  /// How many numbers the weights hold. Throws ValueError before the layer is built.
  std::int64_t count_params() const;
  /// Copies of the weights, in Keras' order. Throws ValueError before the layer is built.
  List<Tensor> get_weights() const;
  /// Sets all weights, or none: throws ValueError for another number of tensors, ShapeError for another shape,
  /// and ValueError before the layer is built.
  void set_weights(const std::vector<Tensor>& weights) const;

  /// The options, with Keras' keys.
  Config get_config() const;
  /// A new layer with the same options and equal weights. Its name is the same too.
  Layer clone() const;

  LayerBase& base() const { return *base_; }
  const std::shared_ptr<LayerBase>& shared_base() const { return base_; }

  /// Two handles are equal if they are of the same layer.
  friend bool operator==(const Layer&, const Layer&) = default;

 protected:
  std::shared_ptr<LayerBase> base_;
};

/// Prints a layer as Keras does: `<Dense name=dense_1, built=True>`.
std::ostream& operator<<(std::ostream& out, const Layer& layer);

}  // namespace xl
