#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "xlayers/models/files/xl_file.hpp"
#include "xlayers/models/model/model_base.hpp"
#include "xlayers/models/training/turn.hpp"

// Internal: what of a model stands in a file, and how a model comes out of one.

namespace xl {

/// The right to read or write the weights of a model, which no other thread trains meanwhile. Throws ValueError if one does.
class WeightsTurn {
 public:
  WeightsTurn(const ModelBase& model, Turn::Of what);

 private:
  const std::vector<const void*> weights_;  // in the order of the addresses
  const Turn turn_;
};

/// What goes into a file: a config, and tensors whose numbers lie in the model.
struct Contents {
  Config config;
  std::vector<StoredTensor> tensors;
  std::vector<std::unique_ptr<Tensor>> made;  ///< the numbers of tensors that lie in no model

  /// Adds one that lies here from then on.
  void add(const std::string& name, Tensor tensor);
};

/// The weights of a model under their names, "dense/kernel", layer by layer: the layers that have some, in the order in which
/// their weights stand in get_weights().
struct LayerWeights {
  std::string layer;
  std::vector<std::pair<std::string, Weight*>> weights;
};
std::vector<LayerWeights> weights_by_layer(const ModelBase& model);

/// The optimizer's tensors, each by its name and the weight that it belongs to; none before the first step.
using OptimizerTensors = std::map<std::pair<std::string, const Weight*>, std::span<float>>;
OptimizerTensors optimizer_tensors(const ModelBase& model);

/// The weights alone.
///
///     {"weights": [{"layer": "dense", "count": 2}, ...]}      and the tensors dense/kernel, dense/bias, ...
void add_weights(const ModelBase& model, Contents& contents);

/// How far the training has come, and the optimizer's state, for a model that is compiled.
///
///     {"training": {"seed": 1, "epochs_shuffled": 3, "steps": 96, "iterations": 96, "learning_rate": 0.001,
///                   "not_decayed": ["bias"], "trained": [0, 1], "slots": ["momentum", "velocity", ...]}}
///
/// and the tensors momentum/dense/kernel, velocity/dense/kernel, ... "trained" are the weights that have a state, by their
/// place; "slots" says what each of these tensors is.
void add_training(const ModelBase& model, Contents& contents);

/// Reads the first tensors of the file into the weights of the model. Throws ShapeError before anything changes if they do not
/// fit.
void read_weights(XlFile& file, const ModelBase& model);
/// The same, and the tensors behind them into the training of a model that is built and compiled. Throws ValueError or
/// ShapeError before anything changes if the optimizer or what it trains is another.
void read_weights_and_training(XlFile& file, ModelBase& model);

}  // namespace xl
