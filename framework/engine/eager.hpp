#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "xlayers/framework/engine/executor.hpp"
#include "xlayers/framework/graph/layer.hpp"

namespace xl {

/// The calls of a layer on data: each is a program of its own, kept so that a second call has nothing to prepare.
class EagerCalls {
 public:
  /// The program of such a call. Throws as Layer::operator().
  static std::shared_ptr<const Executor> of(LayerBase& layer, const Data& inputs, const CallOptions& options);

 private:
  struct Known {
    TensorSpecs inputs;
    Config arguments;
    std::shared_ptr<const Executor> executor;
  };
  std::shared_ptr<const Executor> find(const Data& inputs, const CallOptions& options) const;
  void add(Known call);

  mutable Mutex mutex_;
  std::vector<Known> known_;
};

/// Throws unless there are inputs in their order, and no more masks than inputs, all of one batch size.
void check_call(const LayerBase& layer, const Data& inputs, const CallOptions& options);

/// The specs of the inputs with the masks that were given.
TensorSpecs specs(const Data& inputs, const CallOptions& options);

/// The graph of the call on inputs with these specs.
Graph graph_of_call(const std::shared_ptr<LayerBase>& layer, const TensorSpecs& inputs, const CallOptions& options);

/// The mask of input i, or an empty array.
Array mask_of(const CallOptions& options, std::size_t i);

}  // namespace xl
