// The ways to call a MultiHeadAttention, on data and on symbolic tensors.

#include <algorithm>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/node.hpp"
#include "xlayers/layers/multi_head_attention.hpp"

namespace xl {

namespace {

Config arguments(bool use_causal_mask, bool scores) {
  Config arguments;
  if (use_causal_mask) arguments.set("use_causal_mask", true);
  if (scores) arguments.set("return_attention_scores", true);
  return arguments;
}

Tensor mask_tensor(const Array& mask) {
  if (mask.empty()) return Tensor::from_shape({});
  const Array floats = mask.as(DType::float32);
  Tensor tensor = empty(floats.shape());
  std::copy_n(floats.data(), tensor.size(), tensor.data());
  return tensor;
}

// A mask that is the same for every sample, (T, S) or (1, ...), once for each.
Array repeated(const Array& mask, std::int64_t batch) {
  const Shape shape = mask.shape().rank() == 2 ? mask.shape().with_batch(1) : mask.shape();
  if (shape.rank() < 3 || shape[0] != 1) return mask;
  const Array floats = mask.as(DType::float32);
  const std::int64_t size = shape.sample().elements();
  Tensor all = empty(shape.sample().with_batch(batch));
  for (std::int64_t i = 0; i < batch; ++i) std::copy_n(floats.data(), size, all.data() + i * size);
  return all;
}

std::vector<Tensor> call(const MultiHeadAttention& layer, const Array& query, const Array& value, const Array* key,
                         const AttentionOptions& options, bool scores) {
  if (key == nullptr && !options.key_mask.empty())
    throw ValueError(layer.base().label() +
                     "a key_mask is the mask of a key, and no key was given: the key is the value, whose mask is "
                     "value_mask");
  Data inputs{query, value};
  if (key != nullptr || !options.attention_mask.empty()) inputs.push_back(key != nullptr ? *key : value);
  if (!options.attention_mask.empty())
    inputs.push_back(repeated(options.attention_mask, query.shape().empty() ? 1 : query.shape()[0]));
  CallOptions call{.training = options.training, .arguments = arguments(options.use_causal_mask, scores)};
  const bool masked = !options.query_mask.empty() || !options.value_mask.empty() || !options.key_mask.empty();
  if (masked) {
    call.masks = {mask_tensor(options.query_mask), mask_tensor(options.value_mask)};
    if (inputs.size() > 2) call.masks.push_back(mask_tensor(options.key_mask));
  }
  return layer.call(inputs, call);
}

SymbolicTensors call(const MultiHeadAttention& layer, const SymbolicTensor& query, const SymbolicTensor& value,
                     const SymbolicTensor* key, const SymbolicAttentionOptions& options, bool scores) {
  SymbolicTensors inputs{query, value};
  if (key != nullptr) inputs.push_back(*key);
  Config given = arguments(options.use_causal_mask, scores);
  const auto name = [&](const char* argument, const std::optional<SymbolicTensor>& mask) {
    if (!mask) return;
    given.set(argument, named_input(inputs.size()));
    inputs.push_back(*mask);
  };
  name("query_mask", options.query_mask);
  name("value_mask", options.value_mask);
  name("key_mask", options.key_mask);
  name("attention_mask", options.attention_mask);
  return layer.call(inputs, given);
}

template <class T>
std::pair<T, T> pair(std::vector<T> outputs) {
  return {std::move(outputs[0]), std::move(outputs[1])};
}

}  // namespace

Tensor MultiHeadAttention::operator()(ArrayRef query, ArrayRef value, const AttentionOptions& options) const {
  return xl::call(*this, query.get(), value.get(), nullptr, options, false)[0];
}
Tensor MultiHeadAttention::operator()(ArrayRef query, ArrayRef value, ArrayRef key,
                                      const AttentionOptions& options) const {
  return xl::call(*this, query.get(), value.get(), &key.get(), options, false)[0];
}
SymbolicTensor MultiHeadAttention::operator()(const SymbolicTensor& query, const SymbolicTensor& value,
                                              const SymbolicAttentionOptions& options) const {
  return xl::call(*this, query, value, nullptr, options, false)[0];
}
SymbolicTensor MultiHeadAttention::operator()(const SymbolicTensor& query, const SymbolicTensor& value,
                                              const SymbolicTensor& key,
                                              const SymbolicAttentionOptions& options) const {
  return xl::call(*this, query, value, &key, options, false)[0];
}

std::pair<Tensor, Tensor> MultiHeadAttention::with_scores(ArrayRef query, ArrayRef value,
                                                          const AttentionOptions& options) const {
  return pair(xl::call(*this, query.get(), value.get(), nullptr, options, true));
}
std::pair<Tensor, Tensor> MultiHeadAttention::with_scores(ArrayRef query, ArrayRef value, ArrayRef key,
                                                          const AttentionOptions& options) const {
  return pair(xl::call(*this, query.get(), value.get(), &key.get(), options, true));
}
std::pair<SymbolicTensor, SymbolicTensor> MultiHeadAttention::with_scores(
    const SymbolicTensor& query, const SymbolicTensor& value, const SymbolicAttentionOptions& options) const {
  return pair(xl::call(*this, query, value, nullptr, options, true));
}
std::pair<SymbolicTensor, SymbolicTensor> MultiHeadAttention::with_scores(
    const SymbolicTensor& query, const SymbolicTensor& value, const SymbolicTensor& key,
    const SymbolicAttentionOptions& options) const {
  return pair(xl::call(*this, query, value, &key, options, true));
}

}  // namespace xl
