#pragma once

#include <memory>

#include "xlayers/models/model/model_base.hpp"

namespace xl {

/// The model of what lies between some symbolic tensors and others.
class FunctionalBase final : public ModelBase {
 public:
  /// See Model::Model.
  FunctionalBase(const SymbolicTensors& inputs, const SymbolicTensors& outputs, const std::string& name);

  std::string_view class_name() const override { return "Functional"; }
  std::string_view package() const override { return "keras.src"; }
  std::string module() const override { return "keras.src.models.functional"; }
  std::optional<Config> build_config() const override { return Config{{"input_shape", nullptr}}; }

  /// The calls again, on other tensors.
  SymbolicTensors call(const SymbolicTensors& inputs, const CallContext& context) const override;
  std::vector<Layer> layers() const override { return layers_; }
  std::vector<Layer> children() const override;
  Graph own_graph() const override { return own_; }
  Config get_config() const override;

  /// The calls in the model, those of a layer in the order in which they were made.
  const std::vector<const Node*>& calls() const { return calls_; }
  std::vector<const Node*> calls_of(const LayerBase& layer) const;

 private:
  void sort();

  Graph own_;
  std::vector<const Node*> calls_;  // each after those it depends on
  std::vector<Layer> layers_;       // as Keras sorts them
};

/// False for an input that a call has no need to name, since it is the one before it: a key that is the value, before a mask.
bool is_named(const Node& call, std::size_t input);

/// A model with all its inputs and outputs, from a config of Keras' functional layout.
std::shared_ptr<FunctionalBase> functional_from_config(const Config& config);

}  // namespace xl
