#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "xlayers/framework/base/mutex.hpp"
#include "xlayers/framework/engine/executor.hpp"
#include "xlayers/framework/graph/composite.hpp"
#include "xlayers/models/model/model.hpp"
#include "xlayers/models/training/signature.hpp"
#include "xlayers/models/training/trainer.hpp"

namespace xl {

/// Makes the classes of models known to `layer_from_config`: a model may stand in another.
void register_models();

/// What a model is behind its handle: a composite layer with a program of its own, and how it is trained.
class ModelBase : public CompositeLayer {
 public:
  ModelBase();

  /// The graph that the model has once it is built. Behind the inputs stand the masks that they come with, behind the
  /// outputs those of the outputs.
  const Graph& graph() const { return graph_; }
  /// What goes in and comes out. Throws ValueError before the model is built.
  const std::shared_ptr<const Signature>& signature() const;

  /// The layers as the user put them in.
  virtual std::vector<Layer> layers() const = 0;
  /// The graph in terms of the layers that the user put in.
  virtual Graph own_graph() const { return graph_; }

  /// Builds the model for samples like those of `x`, if it is not built yet.
  void build_for(const Data& x);

  void compile(const CompileOptions& options);
  const std::optional<CompileOptions>& compiled() const { return compile_options_; }
  /// Throws ValueError before compile.
  void require_compiled() const;
  /// What trains the model, which is built if it is not yet, but not for data that does not fit together. There is a new
  /// one after compile, while a run that has begun goes on with the one it has. Throws ValueError before compile.
  std::shared_ptr<Trainer> trainer_for(const Data& x, const Data& y);

  /// What predicts, once the model is built.
  const std::shared_ptr<const Executor>& executor() const { return executor_; }

 protected:
  void build_weights(const TensorSpecs& inputs, const CallContext& context) override;
  /// Throws ValueError for an argument of a call: models take none.
  void refuse_arguments(const CallContext& context) const;
  /// Forgets the graph, for a change of the layers.
  void unbuild() override;

 private:
  // Runs the model's graph up to these outputs.
  std::shared_ptr<const Executor> executor_of(const SymbolicTensors& outputs) const;

  Graph graph_;
  std::shared_ptr<const Signature> signature_;
  std::shared_ptr<const Executor> executor_;
  mutable Mutex compile_mutex_;  // guards all below
  std::optional<CompileOptions> compile_options_;
  std::shared_ptr<const Executor> training_executor_;  // with what is trainable at compile
  std::shared_ptr<Trainer> trainer_;
  const std::shared_ptr<const void> identity_ = std::make_shared<int>();  // what its optimizer knows it by
  std::uint64_t seed_ = 0;
};

}  // namespace xl
