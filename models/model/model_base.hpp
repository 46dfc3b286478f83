#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "xlayers/framework/engine/executor.hpp"
#include "xlayers/framework/graph/composite.hpp"
#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/models/model/model.hpp"
#include "xlayers/models/training/trainer.hpp"

namespace xl {

/// Makes the classes of models known to `layer_from_config`: a model may stand in another.
void register_models();

/// What a model is behind its handle: a composite layer with a program of its own, and how it is trained.
class ModelBase : public CompositeLayer {
 public:
  ModelBase();

  /// The graph that the model has once it is built.
  const Graph& graph() const { return graph_; }
  std::size_t input_count() const { return input_names_.size(); }
  std::size_t output_count() const { return output_names_.size(); }
  const std::vector<std::string>& input_names() const { return input_names_; }
  const std::vector<std::string>& output_names() const { return output_names_; }

  /// Masks travel to the layers inside, and what those give the outputs stays.
  Masking masking() const override { return Masking::uses; }

  /// The layers as the user put them in.
  virtual std::vector<Layer> layers() const = 0;
  /// The graph in terms of the layers that the user put in.
  virtual Graph own_graph() const { return graph_; }

  /// Builds the model for samples like those of `x`, if it is not built yet.
  void build_for(const Data& x);
  /// The arrays in the order of `names`, as many as there are. Throws ValueError that names what is missing or unknown.
  /// `what`, such as "inputs", is named.
  std::vector<Array> in_order(const Data& data, const std::vector<std::string>& names, const char* what) const;

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
  /// Throws ValueError for an argument of a call: models take none.
  void refuse_arguments(const CallContext& context) const;
  /// Forgets the graph, for a change of the layers.
  void unbuild() override;

 private:
  Graph graph_;
  std::vector<std::string> input_names_, output_names_;
  std::shared_ptr<Executor> executor_;
  std::optional<CompileOptions> compile_options_;
  mutable std::mutex compile_mutex_;  // guards executor_, compile_options_ and trainer_
  std::shared_ptr<Trainer> trainer_;
  const std::shared_ptr<const void> identity_ = std::make_shared<int>();  // what its optimizer knows it by
  std::uint64_t seed_ = 0;
};

}  // namespace xl
