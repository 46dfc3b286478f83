#pragma once

#include <string>
#include <utility>
#include <vector>

#include "xlayers/models/files/xl_file.hpp"
#include "xlayers/models/model/model_base.hpp"

// Internal: what of a model stands in a file, and how a model comes out of one.

namespace xl {

/// What goes into a file: a config, and tensors whose numbers lie in the model.
struct Contents {
  Config config;
  std::vector<StoredTensor> tensors;
  std::vector<Tensor> made;  ///< the numbers of tensors that lie in no model
};

/// The weights of a model under their names, "dense/kernel", layer by layer: the layers that have some, in the order in which
/// their weights stand in get_weights().
struct LayerWeights {
  std::string layer;
  std::vector<std::pair<std::string, Weight*>> weights;
};
std::vector<LayerWeights> weights_by_layer(const ModelBase& model);

/// The weights alone.
///
///     {"weights": [{"layer": "dense", "count": 2}, ...]}      and the tensors dense/kernel, dense/bias, ...
void add_weights(const ModelBase& model, Contents& contents);

/// How far the training has come, and the optimizer's state, for a model that is compiled.
///
///     {"training": {"seed": 1, "epochs_shuffled": 3, "steps": 96, "iterations": 96,
///                   "not_decayed": ["bias"], "trained": [0, 1], "slots": ["momentum", "velocity", ...]}}
///
/// and the tensors momentum/dense/kernel, velocity/dense/kernel, ... "trained" are the weights that have a state, by their
/// place; "slots" says what each of these tensors is.
void add_training(const ModelBase& model, Contents& contents);

/// Reads the next tensors of the file into the weights of the model, which are as they are described in it.
void read_weights(XlFile& file, const ModelBase& model);
/// The same for the training of a model that is built and compiled.
void read_training(XlFile& file, ModelBase& model);

}  // namespace xl
