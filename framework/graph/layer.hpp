#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "xlayers/framework/config/config.hpp"
#include "xlayers/framework/graph/symbolic.hpp"
#include "xlayers/framework/options/weight.hpp"
#include "xlayers/framework/tensor/data.hpp"

namespace xl {

class Executor;
class Layer;

/// How a layer is called on data.
struct CallOptions {
  bool training = false;  ///< as in training: dropout drops
  Config arguments = {};  ///< the call's arguments by Keras' names, for a layer that has some
  /// The masks of the inputs, in their order: 1 where a step counts, 0 where it is padding. Empty tensors, or none at
  /// the end, for inputs without one.
  std::vector<Tensor> masks = {};
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
  /// before an empty name are given by position, those behind it by name. An input that is not given is the one before
  /// it; a number in its place is an argument of the call.
  virtual std::vector<std::string> input_arguments() const { return {}; }
  /// The specs with which the layer was built.
  const TensorSpecs& build_inputs() const { return build_inputs_; }

  virtual void set_name(const std::string& name) { name_ = name; }

  virtual bool is_input() const { return false; }
  /// True if the masks of the inputs stand behind them when the layer is called.
  virtual bool takes_masks() const { return false; }
  /// True if an output carries the first input's mask on, where the layer makes none and the leading axes of both are
  /// the same.
  virtual bool passes_mask() const { return true; }
  /// A penalty on the layer's outputs; its mean over the samples is added to the loss.
  virtual const Regularizer* activity_regularizer() const { return nullptr; }

  bool trainable() const { return trainable_; }
  virtual void set_trainable(bool trainable) { trainable_ = trainable; }

  /// One call on data. Inputs and outputs have the batch axis. From the second call with inputs of a shape on, nothing
  /// but the results are allocated.
  std::vector<Tensor> call_on_data(const Data& inputs, const CallOptions& options);
  /// The same for a layer of one output. Throws ValueError if it has more.
  Tensor call_on_data_once(const Data& inputs, const CallOptions& options);

 protected:
  LayerBase() = default;

  virtual void build_weights(const TensorSpecs& inputs, const CallContext& context) = 0;

  /// Undoes `build` for a layer that is about to change; its own weights are dropped.
  virtual void unbuild();

  /// Adds a weight of this shape, drawn from `initializer`. For building.
  void add_weight(std::string name, const Shape& shape, const Initializer& initializer, Regularizer regularizer = {},
                  Constraint constraint = {}, bool trainable = true);
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
  friend class Layer;

  // How the layer was called on data before; kept, so that a second call has nothing to prepare.
  struct KnownCall {
    TensorSpecs inputs;
    Config arguments;
    std::shared_ptr<Executor> executor;
  };
  std::shared_ptr<Executor> executor_for(const Data& inputs, const CallOptions& options);
  std::shared_ptr<Executor> known_executor(const Data& inputs, const CallOptions& options);
  std::shared_ptr<Executor> make_executor(const Data& inputs, const CallOptions& options);

  std::string name_;
  bool trainable_ = true;
  std::atomic<bool> built_ = false;
  std::mutex mutex_;  // guards building and executors_
  TensorSpecs build_inputs_;
  std::vector<std::unique_ptr<Weight>> weights_;
  std::vector<KnownCall> executors_;
};

/// A handle of a layer: a copy is the same layer and shares its weights, as in Keras; `clone()` makes a new one.
class Layer {
 public:
  explicit Layer(std::shared_ptr<LayerBase> base) : base_(std::move(base)) {}

  /// Calls the layer on data, in inference unless `options` says otherwise; builds it at the first call. Several
  /// inputs stand in braces: `layer({a, b})`. They have the batch axis in front. Throws ShapeError if they do not fit.
  Tensor operator()(DataRef inputs, const CallOptions& options = {}) const;
  /// Calls the layer on symbolic tensors: one more call in a model's graph.
  SymbolicTensor operator()(const SymbolicTensor& input) const;
  SymbolicTensor operator()(const SymbolicTensors& inputs) const;
  /// The same for a layer of any number of outputs.
  std::vector<Tensor> call(DataRef inputs, const CallOptions& options = {}) const;
  SymbolicTensors call(const SymbolicTensors& inputs, const Config& arguments = {}) const;

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
  std::vector<Tensor> get_weights() const;
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

/// Calls a layer on symbolic tensors in a context, with any number of outputs. The masks of the inputs travel on as
/// `LayerBase::takes_masks` and `passes_mask` say.
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

/// `name`, or if it is empty the snake-case name of the class with a number, as Keras counts: dense, dense_1.
std::string unique_name(const std::string& name, std::string_view class_name);
/// "TokenEmbedding" -> "token_embedding", by Keras' rule.
std::string snake_case(std::string_view class_name);
/// Starts to count names from the beginning, as keras.utils.clear_session.
void clear_session();

// ---- making layers

/// Gives a new layer its name, or a unique one if it is empty.
void name_layer(LayerBase& layer, const std::string& name, bool trainable);

/// Makes the layer behind a handle: `Dense::Dense(Options options) : Layer(make_layer<DenseLayer>(options)) {}`.
/// The options have a `name` and `trainable`.
template <class Base, class Options>
std::shared_ptr<LayerBase> make_layer(Options options) {
  const std::string name = options.name;
  const bool trainable = options.trainable;
  auto layer = std::make_shared<Base>(std::move(options));
  name_layer(*layer, name, trainable);
  return layer;
}

/// The keys that every layer has: name, trainable, dtype (float32 is the only one there is).
void serialize_common(Archive& archive, std::string& name, bool& trainable);

/// The options that `config` holds, which `serialize(Archive&, Options&)` describes. Throws ValueError for an
/// unknown key and for a value that does not fit.
template <class Options>
Options options_from_config(const Config& config, std::string_view class_name) {
  Options options;
  std::string owner(class_name);
  if (const Value* name = config.find("name"); name != nullptr && name->is_string())
    owner += " '" + name->as_string() + "'";
  Archive archive = Archive::reader(config, owner);
  serialize_common(archive, options.name, options.trainable);
  serialize(archive, options);
  archive.finish();
  return options;
}

namespace detail {

// A kind of layer whose class has its name from its options, if they hold one.
template <class Kind, class Options>
class Named : public Kind {};
template <class Kind, class Options>
requires requires { std::string_view(Options::class_name); }
class Named<Kind, Options> : public Kind {
 public:
  std::string_view class_name() const override { return Options::class_name; }
};

}  // namespace detail

/// A kind of layer (PrimitiveLayer, CompositeLayer) together with its options. One function,
/// `serialize(Archive&, Options&)`, describes the options for reading and for writing. Options may hold the name of the
/// class: `static constexpr auto class_name = "Scale";`.
template <class Kind, class Options_>
class WithOptions : public detail::Named<Kind, Options_> {
 public:
  using Options = Options_;
  explicit WithOptions(Options options) : options(std::move(options)) {}

  Config get_config() const override {
    Config config;
    Archive archive = Archive::writer(config);
    std::string name = this->name();
    bool trainable = this->trainable();
    Options copy = options;
    serialize_common(archive, name, trainable);
    serialize(archive, copy);
    return config;
  }

  const Options options;
};

/// The handle of a layer of one's own, whose options hold the name of the class: `using Scale = xl::HandleOf<ScaleLayer>;`
/// is made and called as any other layer, `Scale({.start = 2})(x)`.
template <class Base>
class HandleOf : public Layer {
 public:
  using Options = typename Base::Options;
  explicit HandleOf(Options options = {}) : Layer(make_layer<Base>(std::move(options))) {}
  /// The inverse of get_config. Throws ValueError for an unknown key or a value that does not fit.
  static HandleOf from_config(const Config& config) {
    return HandleOf(options_from_config<Options>(config, Options::class_name));
  }
};

/// How a config becomes a layer again: by the name of its class.
using LayerFactory = std::function<Layer(const Config& config)>;
/// Makes a class known to `layer_from_config`; the last one of a name counts. `original` holds what keys mean that a config
/// written by KerasFactory does not have, where its layer behaves otherwise.
void register_layer(std::string class_name, LayerFactory factory, Config original = {});
/// The layer of a Keras object `{"class_name": ..., "config": {...}}`. Throws ValueError that lists the known
/// classes for an unknown one.
Layer layer_from_config(const Config& object);
/// The inverse: `{"module": ..., "class_name": ..., "config": ..., "registered_name": ...}`.
Config layer_to_config(const Layer& layer);

}  // namespace xl
