#pragma once

#include <string>

#include "xlayers/framework/base/text.hpp"
#include "xlayers/models/model/model.hpp"

namespace xl {

/// What a picture of a model shows, with Keras' names and defaults.
struct DotOptions {
  bool show_shapes = false;
  bool show_dtype = false;
  bool show_layer_names = true;
  Text rankdir = "TB";         ///< data goes down; or up "BT", to the right "LR", to the left "RL"
  bool expand_nested = false;  ///< a model inside is drawn with what is in it
  bool show_layer_activations = false;
  bool show_trainable = false;
};

/// The graph of a model in DOT, the language of Graphviz: a box for each layer, and an arrow for each tensor that goes from
/// one into another. A layer that is called several times is one box. `dot -Tsvg` draws it, and so does the program
/// `xlayers plot`.
///
/// Throws ValueError for an unknown rankdir. As keras.utils.model_to_dot.
std::string model_to_dot(const Model& model, const DotOptions& options = {});

}  // namespace xl
