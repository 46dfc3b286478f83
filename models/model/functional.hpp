#pragma once

#include <memory>
#include <unordered_map>

#include "xlayers/models/model/model_base.hpp"

namespace xl {

/// What a config says of a functional model besides its graph.
struct FunctionalLayout {
  Nest inputs, outputs;             ///< how they are nested
  std::vector<std::string> layers;  ///< their names, in the order in which they are listed
};

/// The model of what lies between some symbolic tensors and others.
class FunctionalBase final : public ModelBase {
 public:
  /// See Model::Model.
  FunctionalBase(const SymbolicTensors& inputs, const SymbolicTensors& outputs, const std::string& name);
  FunctionalBase(const SymbolicTensors& inputs, const SymbolicTensors& outputs, const std::string& name,
                 FunctionalLayout layout);

  std::string_view class_name() const override { return "Functional"; }
  std::string_view package() const override { return "keras.src"; }
  std::string module() const override { return "keras.src.models.functional"; }
  std::optional<Config> build_config() const override { return Config{{"input_shape", nullptr}}; }

  /// The calls again, on other tensors.
  SymbolicTensors call(const SymbolicTensors& inputs, const CallContext& context) const override;
  std::vector<Layer> layers() const override { return layers_; }
  std::int64_t call_count() const override { return call_count_; }
  Nest input_nest() const override { return layout_.inputs; }
  Nest output_nest() const override { return layout_.outputs; }
  Config get_config() const override;

  /// The calls in the model, each after those it depends on; those of a layer in the order in which they were made.
  const std::vector<const Node*>& calls() const { return calls_; }
  const std::vector<const Node*>& calls_of(const LayerBase& layer) const;

 private:
  Graph make_graph(const TensorSpecs&) override { return own_; }
  void sort();
  void sort_as_config();
  void check_names() const;

  Graph own_;
  FunctionalLayout layout_;
  std::vector<const Node*> calls_;
  std::unordered_map<const LayerBase*, std::vector<const Node*>> calls_of_;
  std::vector<Layer> layers_;
  std::int64_t call_count_ = 0;
};

/// The number of a layer's first call in the lists of inputs and outputs. Keras counts a call of its own in every functional
/// model there, though not where a layer is called on what the model makes.
std::int64_t first_call(const LayerBase& layer);

/// A model with all its inputs and outputs, from a config of Keras' functional layout.
std::shared_ptr<FunctionalBase> functional_from_config(const Config& config);

}  // namespace xl
