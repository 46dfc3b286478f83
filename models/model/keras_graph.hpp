#pragma once

#include <deque>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "xlayers/framework/graph/node.hpp"

namespace xl {

/// What stands in a graph of Keras: a call of a layer, or one of the operations by which Keras computes the masks that travel.
struct KerasOperation {
  /// What it is made on.
  struct Input {
    KerasOperation* operation = nullptr;
    SymbolicTensor tensor = {};  ///< of a call
  };

  const Node* call = nullptr;  ///< none for an operation on masks
  std::vector<Input> inputs;
  /// What makes the masks that the call takes as its argument `mask`: for each input one, or null. Empty if it takes none.
  std::vector<KerasOperation*> given_masks = {};
  KerasOperation* made_mask = nullptr;  ///< what makes the mask of the call's first output, if that carries one

  // Of an operation on masks: its class in keras.ops, its options, and the shape of what it makes.
  std::string_view class_name = {};
  Config options = {};
  Shape shape = {};
};

/// A graph as Keras sees it.
class KerasGraph {
 public:
  /// `sorted` are its calls, each after those it depends on. Inputs may be left out.
  explicit KerasGraph(const std::vector<const Node*>& sorted);

  KerasOperation& of(const Node& call);

 private:
  KerasOperation& add(const Node& call);
  KerasOperation* add(std::string_view class_name, Config options, Shape shape, std::vector<KerasOperation*> masks,
                      const SymbolicTensor* tensor = nullptr);
  KerasOperation* mask_of(const SymbolicTensor& tensor);
  KerasOperation* made_mask(const Node& call);
  KerasOperation* mask_of_concatenation(const Node& call);

  std::deque<KerasOperation> all_;
  std::unordered_map<const Node*, KerasOperation*> of_call_;
};

}  // namespace xl
