#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "xlayers/framework/base/mutex.hpp"
#include "xlayers/framework/engine/executor.hpp"
#include "xlayers/framework/graph/composite.hpp"
#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/models/model/model.hpp"
#include "xlayers/models/model/nest.hpp"
#include "xlayers/models/training/signature.hpp"
#include "xlayers/models/training/trainer.hpp"

namespace xl {

/// Makes the classes of models known to `layer_from_config`: a model may stand in another.
void register_models();

/// The names of the layers that make the tensors; that of a layer that makes several gets a number behind it.
std::vector<std::string> layer_names(std::span<const SymbolicTensor> tensors);

/// What a model is behind its handle: a composite layer with a program of its own, and how it is trained.
class ModelBase : public CompositeLayer {
 public:
  ModelBase();

  /// The graph that the model has once it is built: from its Inputs on, in terms of the layers that the user put in.
  const Graph& graph() const { return graph_; }
  /// What goes in and comes out. Data and losses are given by the names of the Inputs, and of the layers that make the
  /// outputs; or by the keys of outputs that stand in an object, as Keras'. Throws ValueError before the model is built.
  const std::shared_ptr<const Signature>& signature() const;

  /// Masks travel to the layers inside, and what those give the outputs stays.
  Masking masking() const override { return Masking::uses; }

  /// The layers as the user put them in, and without the Inputs.
  virtual std::vector<Layer> layers() const = 0;
  std::vector<Layer> children() const override;
  /// How many calls of layers the model comes to, those in a model inside counted at each call of it.
  virtual std::int64_t call_count() const = 0;
  /// `before` and a call of this layer. Throws ValueError above a million, which a few lines of models in models may reach.
  std::int64_t count_calls(std::int64_t before, const LayerBase& layer) const;
  /// How Keras nests inputs and outputs: one by itself, several in a list, unless a config says otherwise.
  virtual Nest input_nest() const { return plain_nest(graph_.inputs.size()); }
  virtual Nest output_nest() const { return plain_nest(graph_.outputs.size()); }

  /// Those of the graph, where the inputs are as in the graph; else of the call on others.
  TensorSpecs infer(const TensorSpecs& inputs, const CallContext& context) const override;

  /// Builds the model for samples like those of `x`, if it is not built yet.
  void build_for(const Data& x);

  void compile(const CompileOptions& options);
  const std::optional<CompileOptions>& compiled() const { return compile_options_; }
  /// Throws ValueError before compile.
  void require_compiled() const;
  /// What trains the model, which is built if it is not yet, but not for data that does not fit together. There is a new
  /// one after compile, while a run that has begun goes on with the one it has. Throws ValueError before compile.
  std::shared_ptr<Trainer> trainer_for(const Data& x, const Data& y);

  /// How far its training has come since compile. Throws ValueError before compile.
  struct Progress {
    TrainingState state;
    /// What has a state in the optimizer, in its order; nothing before the first step.
    std::optional<std::vector<Weight*>> trained;
  };
  Progress progress() const;
  /// The weights that training would change if it began now.
  std::vector<Weight*> trainable_weights() const;
  /// Goes on from there, a run that has begun too: the weights that were trained are so again, whatever is trainable now, and
  /// the optimizer has room for its state. Throws ValueError before compile.
  void resume(const Progress& progress);

  /// See Model::memory.
  MemoryUse memory(std::int64_t batch) const;

  /// What predicts, once the model is built.
  std::shared_ptr<const Executor> executor() const;

 protected:
  /// Makes the graph, on inputs like these if it has none yet. Throws if they do not fit.
  virtual Graph make_graph(const TensorSpecs& inputs) = 0;
  void build_weights(const TensorSpecs& inputs, const CallContext& context) final;
  /// Throws ValueError for an argument of a call: models take none.
  void refuse_arguments(const CallContext& context) const;
  /// Forgets what was made of the graph, for a change of the layers.
  void unbuild() override;

  /// Says to the models among these layers, and inside them, that they now are a part of another, which must not change.
  static void settle(std::span<const Layer> layers);
  bool settled() const { return settled_; }

 private:
  static constexpr std::int64_t most_calls = 1'000'000;
  std::shared_ptr<const Executor> executor_of_graph() const;
  const std::shared_ptr<Trainer>& trainer();

  Graph graph_;
  std::shared_ptr<const Signature> signature_;
  mutable Mutex compile_mutex_;                       // guards all below
  mutable std::shared_ptr<const Executor> executor_;  // what predicts, made when it is first asked for
  std::optional<CompileOptions> compile_options_;
  std::shared_ptr<const Executor> training_executor_;  // with what is trainable at compile
  std::shared_ptr<Trainer> trainer_;
  const std::shared_ptr<const void> identity_ = std::make_shared<int>();  // what its optimizer knows it by
  std::shared_ptr<TrainingState> training_state_;
  bool settled_ = false;
};

}  // namespace xl
