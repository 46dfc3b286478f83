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
  const Graph& graph() const { return graph_; }
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
  /// What trains the model; a new one after compile, while a run that has begun goes on with the one it has.
  /// Throws ValueError before compile, or before it is built.
  std::shared_ptr<Trainer> trainer();

  /// The executor of the model's graph; a run keeps the one it began with.
  std::shared_ptr<const Executor> executor() const;

 protected:
  void build_weights(const TensorSpecs& inputs, const CallContext& context) override;
  /// Forgets the graph, for a change of the layers.
  void unbuild() override;

 private:
  Graph graph_;
  std::shared_ptr<Executor> executor_;
  std::optional<CompileOptions> compile_options_;
  mutable std::mutex compile_mutex_;  // guards executor_, compile_options_ and trainer_
  std::shared_ptr<Trainer> trainer_;
  const std::shared_ptr<const void> identity_ = std::make_shared<int>();  // what its optimizer knows it by
  std::uint64_t seed_ = 0;
};

}  // namespace xl
