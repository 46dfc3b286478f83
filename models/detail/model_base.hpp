#pragma once

#include <memory>
#include <optional>

#include "xlayers/framework/composite.hpp"
#include "xlayers/framework/executor.hpp"
#include "xlayers/models/detail/trainer.hpp"
#include "xlayers/models/model.hpp"

namespace xl {

/// What a model is behind its handle: a composite layer with a program of its own, and how it is trained.
class ModelBase : public CompositeLayer {
 public:
  /// The graph that the model has once it is built.
  const Trace& graph() const { return graph_; }
  /// The layers as the user put them in.
  virtual std::vector<Layer> layers() const = 0;
  /// Builds the model for samples like those of `x`, if it is not built yet.
  void build_for(const Tensor& x);
  /// Throws ShapeError unless `x` fits the model's input.
  void check_input(const Tensor& x) const;

  void compile(const CompileOptions& options);
  const std::optional<CompileOptions>& compiled() const { return compile_options_; }
  /// Throws ValueError before compile.
  void require_compiled() const;
  /// What trains the model. Throws ValueError before compile, or before it is built.
  Trainer& trainer();

  /// The executor of the model's graph.
  const Executor& executor() const { return *executor_; }

 protected:
  void build_weights(const TensorSpecs& inputs, CallContext context) override;
  /// Forgets the graph, for a change of the layers.
  void unbuild() override;

 private:
  Trace graph_;
  std::shared_ptr<Executor> executor_;
  std::optional<CompileOptions> compile_options_;
  std::mutex trainer_mutex_;
  std::unique_ptr<Trainer> trainer_;
  std::uint64_t seed_ = 0;
};

}  // namespace xl
