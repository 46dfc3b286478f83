#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "xlayers/framework/base/mutex.hpp"
#include "xlayers/framework/graph/node.hpp"
#include "xlayers/framework/options/weight.hpp"

namespace xl {

class EagerCalls;
class Layer;

/// What a layer does with the masks that its inputs carry. A composite layer hands them to the layers inside in any case,
/// and a mask that one of those gives an output stays there.
enum class Masking {
  ends,   ///< it does not look at them, and its outputs carry none: said once, as a warning, if an input has one
  keeps,  ///< its first output carries the mask of the first input on, if that has the leading axes of both
  uses,   ///< it looks at them; its outputs carry none
  makes,  ///< it looks at them, and its outputs carry masks that it makes
};

/// What a layer is behind its handle: hyper-parameters and weights, nothing that a call writes.
///
/// A layer of one's own derives from PrimitiveLayer (a forward and a backward) or from CompositeLayer (a
/// `call` over symbolic tensors).
class LayerBase : public std::enable_shared_from_this<LayerBase> {
 public:
  virtual ~LayerBase() = default;
  LayerBase(const LayerBase&) = delete;
  LayerBase& operator=(const LayerBase&) = delete;

  /// The class as Keras writes it: "Dense".
  virtual std::string_view class_name() const = 0;
  const std::string& name() const { return name_; }
  /// "[Dense 'dense_1'] ", the beginning of every error of this layer.
  std::string label() const;

  /// The options, with Keras' keys.
  virtual Config get_config() const = 0;

  /// The outputs' specs for these inputs; may be asked before there are weights. Throws ShapeError if they do not
  /// fit.
  virtual TensorSpecs infer(const TensorSpecs& inputs, const CallContext& context) const = 0;
  /// Makes the weights if there are none yet. Several threads may call it. Throws as `infer` does, and
  /// then nothing is built.
  void build(const TensorSpecs& inputs, const CallContext& context);
  bool built() const { return built_ || !needs_building(); }
  /// False for a layer without weights that depends on no shape: it is built from the start, as in Keras.
  virtual bool needs_building() const { return true; }

  /// Every weight, in Keras' order; those of the layers inside too.
  virtual std::vector<Weight*> weights() const;
  /// The layers that this one is made of.
  virtual std::vector<Layer> children() const;

  /// Whose class it is in a saved config: "keras" for a layer of Keras, "keras_hub" for one of KerasHub, "keras.src" for
  /// what Keras has but does not export.
  virtual std::string_view package() const { return "xlayers"; }
  /// Where the class is in a saved config: "keras.layers".
  virtual std::string module() const { return std::string(package()) + ".layers"; }
  /// What Keras keeps as "build_config": {"input_shape": ...}; nothing for a layer that needs no building.
  virtual std::optional<Config> build_config() const;
  /// The names of the inputs, in their order, where Keras' call has an argument for each and not a list for all: those
  /// before an empty name are given by position, those behind it by name. A number in the place of one is an argument of the
  /// call.
  virtual std::vector<std::string> input_arguments() const { return {}; }
  /// The names of inputs that may be left out, each by itself. They stand behind all others, and the call's arguments say
  /// which is which: {"padding_mask": {"input": 1}}; see named_input.
  virtual std::vector<std::string> named_inputs() const { return {}; }
  /// Which of named_inputs() an input behind input_arguments() is that the arguments do not name.
  virtual std::string input_name(const TensorSpec&) const { return ""; }
  /// The specs with which the layer was built.
  const TensorSpecs& build_inputs() const { return build_inputs_; }

  virtual void set_name(const std::string& name) { name_ = name; }

  virtual bool is_input() const { return false; }
  /// What becomes of masks; as in Keras, a layer that says nothing ends them.
  virtual Masking masking() const { return Masking::ends; }
  /// A penalty on the layer's outputs; its mean over the samples is added to the loss.
  virtual const Regularizer* activity_regularizer() const { return nullptr; }

  bool trainable() const { return trainable_; }
  virtual void set_trainable(bool trainable) { trainable_ = trainable; }

 protected:
  LayerBase() = default;

  virtual void build_weights(const TensorSpecs& inputs, const CallContext& context) = 0;

  /// Undoes `build` for a layer that is about to change; its own weights are dropped.
  virtual void unbuild();

  /// Adds a weight of this shape, drawn from `initializer`: with the fans of the shape, or with these. For building.
  void add_weight(std::string name, const Shape& shape, const Initializer& initializer, Regularizer regularizer = {},
                  Constraint constraint = {}, bool trainable = true, std::optional<Fans> fans = {});
  /// The i-th weight of the layer itself.
  const Weight& weight(std::size_t i) const { return *weights_[i]; }

  /// Throws ShapeError: "[Dense 'dense_1'] expected EXPECTED, got SHAPE".
  [[noreturn]] void shape_error(const std::string& expected, const Shape& got) const;
  /// Throws ValueError: "[Dense 'dense_1'] TEXT".
  [[noreturn]] void value_error(const std::string& text) const;
  /// The only input. Throws ShapeError unless there is exactly one, a float32 tensor of at least this rank (with
  /// the batch axis).
  const TensorSpec& single_input(const TensorSpecs& inputs, std::size_t min_rank) const;

 private:
  friend class EagerCalls;
  friend SymbolicTensors call_layer(const std::shared_ptr<LayerBase>&, const SymbolicTensors&, const CallContext&);

  std::string name_;
  bool trainable_ = true;
  std::atomic<bool> built_ = false;
  std::atomic<bool> warned_of_mask_ = false;
  Mutex mutex_;  // guards building and eager_calls_
  TensorSpecs build_inputs_;
  std::vector<std::unique_ptr<Weight>> weights_;
  std::shared_ptr<EagerCalls> eager_calls_;  // what calls on data have prepared
};

}  // namespace xl
