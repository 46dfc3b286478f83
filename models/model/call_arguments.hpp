#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "xlayers/framework/graph/layer.hpp"

namespace xl {

/// How a config names a tensor: by the layer that makes it, the number of the layer's call, and the number of the output.
struct TensorSource {
  std::string layer;
  std::int64_t call = 0, output = 0;

  /// From `["dense", 0, 0]`. Throws ValueError for anything else.
  static TensorSource from(const Value& value);
  /// True for `["dense", 0, 0]`, and for whatever may be meant as that: a list that begins with a text.
  static bool is(const Value& value);
};

/// True for a tensor as Keras writes it: `{"class_name": "__keras_tensor__", "config": {..., "keras_history": [...]}}`.
bool is_tensor(const Value& value);
/// Where that tensor comes from, and whether it is one of bool.
TensorSource source_of(const Value& tensor);
bool is_of_bool(const Value& tensor);
/// The tensor by where it comes from.
Value tensor_value(const SymbolicTensor& tensor, Value history);
Value tensor_value(const Shape& shape, std::string dtype, Value history);

/// What a layer is called on in a config: `{"args": [...], "kwargs": {...}}`.
struct CallArguments {
  /// The tensors, in the order of the layer's inputs. Nothing where none is given, or a number in its place, which then
  /// stands among the arguments.
  std::vector<std::optional<TensorSource>> inputs;
  Config arguments;     ///< what is no tensor, by name
  bool masked = false;  ///< a mask is given that travels with the tensors
};

/// Reads the arguments of a call of `layer`; `is_mask` knows the layers that make masks. Throws ValueError, which begins with
/// `owner` and names the layer, for what is no argument.
CallArguments read_arguments(const std::string& owner, const LayerBase& layer, const Config& call,
                             const std::function<bool(const std::string& layer)>& is_mask);

/// The names by which a call gives its inputs; empty for what is given by position.
std::vector<std::string> keywords(const Node& call);

/// Writes the arguments of a call; `write` makes a value of a tensor, `mask` is the mask that is given beside it, or null.
Config write_arguments(const Node& call, const std::function<Value(const SymbolicTensor&)>& write, Value mask);

}  // namespace xl
