#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "xlayers/framework/graph/with_options.hpp"

namespace xl {

/// A contiguous part of a tensor: some samples of it.
struct Block {
  float* data = nullptr;
  const Shape* sample = nullptr;  ///< the shape of one sample, without the batch axis
  std::int64_t samples = 0;
  /// Those samples of the mask that the tensor carries, or null.
  const Block* mask = nullptr;
  DType dtype = DType::float32;

  std::int64_t sample_size() const { return sample->elements(); }
  std::int64_t size() const { return samples * sample_size(); }
  /// The extent of the last axis, and how many vectors of that extent there are.
  std::int64_t columns() const { return sample->empty() ? 1 : sample->back(); }
  std::int64_t rows() const { return columns() == 0 ? 0 : size() / columns(); }
  /// The elements of an int32 tensor.
  std::int32_t* integers() const { return reinterpret_cast<std::int32_t*>(data); }
  std::span<float> values() const { return {data, static_cast<std::size_t>(size())}; }
};

/// How many vectors along the last axis one sample of a tensor with this spec has.
std::int64_t rows(const TensorSpec& spec);

/// How much memory a layer wants besides inputs and outputs, in floats.
struct Memory {
  std::int64_t saved_per_sample = 0;    ///< what forward leaves for backward
  std::int64_t scratch_per_sample = 0;  ///< what only lives during one forward or backward
  std::int64_t scratch = 0;             ///< the same, whatever the number of samples
};

/// What one forward reads and writes: a few samples of the batch.
struct ForwardCall {
  std::span<const Block* const> inputs;
  std::span<const Block* const> outputs;
  std::span<const float* const> weights;
  float* saved = nullptr;
  float* scratch = nullptr;
  std::int64_t samples = 0;
  bool training = false;
  /// For random numbers in training: another for each operation of a model and each step. Sample i of the call is
  /// sample first_sample + i of the batch; what is drawn for it may depend on nothing else, so that it does not
  /// depend on how the batch is taken apart.
  std::uint64_t seed = 0;
  std::uint64_t step = 0;  ///< how many steps there were before, for a layer that has a seed of its own
  std::int64_t first_sample = 0;
  /// The call in the graph, with its arguments.
  const CallContext* context = nullptr;
  /// If set, this is added to every sample of the output: see PrimitiveLayer::adds.
  const float* addend = nullptr;

  const Block& input(std::size_t i = 0) const { return *inputs[i]; }
  const Block& output(std::size_t i = 0) const { return *outputs[i]; }
};

/// What one backward reads and writes. It may overwrite the gradients of its outputs.
struct BackwardCall : ForwardCall {
  std::span<const Block* const> output_gradients;
  /// Null where nobody wants the gradient; else backward sets it.
  std::span<const Block* const> input_gradients;
  /// Null for a weight that is not trained; else backward adds to it.
  std::span<float* const> weight_gradients;

  const Block& output_gradient(std::size_t i = 0) const { return *output_gradients[i]; }
  const Block* input_gradient(std::size_t i = 0) const { return input_gradients[i]; }
  float* weight_gradient(std::size_t i) const { return weight_gradients[i]; }
};

/// A layer that computes: a forward and its backward. Both treat the samples of a batch independently, run on the calling thread
/// (or share their work out themselves: see `may_go_wide`), keep everything they write in the call, and allocate nothing.
class PrimitiveLayer : public LayerBase {
 public:
  /// Throws ValueError for an argument of the call, of which there are none by default.
  TensorSpecs infer(const TensorSpecs& inputs, const CallContext& context) const override;

  /// The outputs' specs for these inputs. Throws ShapeError if they do not fit. (A layer whose outputs depend on the
  /// arguments of the call overrides `infer` too.)
  ///
  /// A layer that makes a mask says so in its output's spec; `forward` then sets `call.output().mask->data`.
  virtual TensorSpecs outputs(const TensorSpecs& inputs) const = 0;
  /// The memory of a call; the inputs' shapes are known up to the batch.
  virtual Memory memory(const TensorSpecs& inputs, bool training) const;

  virtual void forward(const ForwardCall& call) const = 0;
  virtual void backward(const BackwardCall& call) const = 0;

  /// True if forward honours `addend`, so that an addition of a tensor without a batch that follows costs no
  /// pass over memory of its own.
  virtual bool adds() const { return false; }
  /// True if forward, and backward, share their work out among the threads themselves when they are called for many samples at
  /// once: then the layer may run once for a whole batch, for which its weights are read once and its gradients kept once.
  virtual bool may_go_wide(bool /*backward*/) const { return false; }
  /// A layer whose output depends on nothing but the inputs' shapes and has no batch (a positional table)
  /// hands it out here and is never run. The memory stays as it is while the pointer lives.
  virtual std::shared_ptr<const float> constant(const TensorSpecs&) const { return nullptr; }
  virtual bool is_constant() const { return false; }

 protected:
  void build_weights(const TensorSpecs& inputs, const CallContext& context) override {
    // Throws if they do not fit, before there is memory for weights.
    for (const TensorSpec& output : infer(inputs, context)) output.shape.check_size();
    make_weights(inputs);
  }
  /// Adds the weights with `add_weight`. The inputs fit: `outputs` has been asked.
  virtual void make_weights(const TensorSpecs&) {}
};

}  // namespace xl
