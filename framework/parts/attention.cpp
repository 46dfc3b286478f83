#include "xlayers/framework/parts/attention.hpp"

#include <algorithm>
#include <cmath>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/framework/kernels/attention.hpp"
#include "xlayers/framework/kernels/gemm.hpp"
#include "xlayers/framework/parts/attention_part.hpp"
#include "xlayers/framework/parts/dropout.hpp"

namespace xl {

namespace {

using attention::at;
using attention::erase_unseen;
using attention::Part;
using attention::Sizes;

class Core final : public PrimitiveLayer {
 public:
  explicit Core(AttentionCore options) : options(std::move(options)) {}

  // It is a part of that layer and speaks in its name.
  std::string_view class_name() const override { return "MultiHeadAttention"; }
  Config get_config() const override { return {}; }
  bool needs_building() const override { return false; }
  Masking masking() const override { return Masking::uses; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    const Shape &query = inputs[0].shape, &key = inputs[1].shape, &value = inputs[2].shape;
    if (!Shape{key[1]}.compatible({value[1]}))
      throw ShapeError(label() + "expected a key with as many steps as the value, got " + std::to_string(key[1]) +
                       " and " + std::to_string(value[1]));
    const bool batched = std::any_of(inputs.begin(), inputs.end(), [](const TensorSpec& x) { return x.batched; });
    const Dim batch = batched ? None : 1, T = query[1], N = query[2], S = value[1] == None ? key[1] : value[1];
    if (options.attention_mask) check_attention_mask(inputs[3].shape, N, T, S);
    for (std::size_t i = 0; i < 3; ++i) {
      const Shape expected{None, i == 0 ? T : S};
      const std::optional<Shape>& mask = inputs[i].mask;
      if (mask && !mask->compatible(expected)) shape_error("a mask " + to_string(expected), *mask);
    }
    TensorSpecs outputs{{{batch, T, N, value[3]}, DType::float32, batched}};
    if (options.scores) outputs.push_back({{batch, N, T, S}, DType::float32, batched});
    return outputs;
  }

  Memory memory(const TensorSpecs& inputs, bool backward) const override {
    const Sizes size(inputs[0].shape.sample(), inputs[2].shape.sample());
    const int count = block_index(size, is_masked(inputs), gradient) + (backward ? 1 : 0);
    return {.saved_per_sample = !options.scores && size.kept() ? size.scores() : 0,
            .scratch = count * checked_mul(size.block_rows(), size.S) + (backward ? 2 * size.totals() + 1 : 0)};
  }

  // For each head:  P = softmax(Q K^T / sqrt(H)) over the keys that are seen,  O = P V
  void forward(const ForwardCall& call) const override {
    for_each_part(call, [&](Part& part) {
      const Sizes& size = part.size;
      const float* const P = dropped(call, part, probabilities(call, part));
      kernels::gemm({.m = part.rows,
                     .n = size.V,
                     .k = part.keys,
                     .a = P,
                     .a_row = size.S,
                     .b = part.from_key(call.input(2), size.V),
                     .b_row = size.N * size.V,
                     .c = part.from_query(call.output(0), size.V),
                     .c_row = size.N * size.V});
    });
  }

  // dV = P^T dO,  dP = dO V^T
  // dS = P * (dP - rowsum(dP * P)) / sqrt(H)
  // dQ = dS K,  dK = dS^T Q
  // The gradient of scores that were given out is added to dP. With dropout, the first line has P D in the place of P and
  // dP D in that of dP, where D is 0 for what was dropped and 1 / (1 - rate) for what was not.
  void backward(const BackwardCall& call) const override {
    // Each block of queries adds to the gradients of the keys and the values; that of an attention mask is zero.
    for (std::size_t i = 1; i < call.input_gradients.size(); ++i)
      if (const Block* dx = call.input_gradient(i)) std::fill_n(dx->data, dx->size(), 0.0f);
    const Block *dQ = call.input_gradient(0), *dK = call.input_gradient(1), *dV = call.input_gradient(2);
    for_each_part(call, [&](Part& part) {
      const Sizes& size = part.size;
      const float* const P = options.scores || size.kept() ? part.scores : probabilities(call, part);
      const float* const dO = part.from_query(call.output_gradient(0), size.V);
      const std::int64_t key_row = size.N * size.H, value_row = size.N * size.V;
      const float* const PD = dropped(call, part, P);
      if (dV != nullptr)
        kernels::gemm({.m = part.keys,
                       .n = size.V,
                       .k = part.rows,
                       .a = PD,
                       .a_row = 1,
                       .a_col = size.S,
                       .b = dO,
                       .b_row = value_row,
                       .c = part.from_key(*dV, size.V),
                       .c_row = value_row,
                       .accumulate = true});
      attention::end_block(part, dV, size.V, totals(call, size));
      if (dQ == nullptr && dK == nullptr) return;
      float* const dS = score_gradient(call, part, P, dO);
      if (dQ != nullptr)
        kernels::gemm({.m = part.rows,
                       .n = size.H,
                       .k = part.keys,
                       .a = dS,
                       .a_row = size.S,
                       .b = part.from_key(call.input(1), size.H),
                       .b_row = key_row,
                       .c = part.from_query(*dQ, size.H),
                       .c_row = key_row});
      if (dK != nullptr)
        kernels::gemm({.m = part.keys,
                       .n = size.H,
                       .k = part.rows,
                       .a = dS,
                       .a_row = 1,
                       .a_col = size.S,
                       .b = part.from_query(call.input(0), size.H),
                       .b_row = key_row,
                       .c = part.from_key(*dK, size.H),
                       .c_row = key_row,
                       .accumulate = true});
      attention::end_block(part, dK, size.H, totals(call, size) + size.S * size.N * size.V);
    });
  }

  const AttentionCore options;

 private:
  bool is_masked(const TensorSpecs& inputs) const {
    return options.attention_mask || std::any_of(inputs.begin(), inputs.begin() + 3,
                                                 [](const TensorSpec& input) { return input.mask.has_value(); });
  }
  bool is_masked(const ForwardCall& call) const {
    return options.attention_mask || std::any_of(call.inputs.begin(), call.inputs.begin() + 3,
                                                 [](const Block* input) { return input->mask != nullptr; });
  }

  void check_attention_mask(const Shape& mask, Dim N, Dim T, Dim S) const {
    const auto fits = [](Dim extent, Dim wanted) { return extent == 1 || Shape{extent}.compatible({wanted}); };
    const std::size_t rank = mask.rank();
    if ((rank == 3 || (rank == 4 && fits(mask[1], N))) && fits(mask[rank - 2], T) && fits(mask[rank - 1], S)) return;
    shape_error("an attention_mask that broadcasts to " + to_string(Shape{None, T, S}) + " or, one for each head, to " +
                    to_string(Shape{None, N, T, S}),
                mask);
  }

  // Matrices in scratch, each of a block of queries: (block_rows, S); behind them in backward what end_block needs.
  enum BlockName { scores, visible, after_dropout, gradient };

  // How many of them there are before this one.
  int block_index(const Sizes& size, bool masked, BlockName name) const {
    const bool there[] = {!options.scores && !size.kept(), masked, options.dropout > 0};
    return static_cast<int>(std::count(there, there + name, true));
  }
  float* block(const ForwardCall& call, const Sizes& size, BlockName name) const {
    return call.scratch + block_index(size, is_masked(call), name) * size.block_rows() * size.S;
  }

  double* totals(const BackwardCall& call, const Sizes& size) const {
    const std::int64_t floats = (block_index(size, is_masked(call), gradient) + 1) * size.block_rows() * size.S;
    return reinterpret_cast<double*>(call.scratch + floats + floats % 2);
  }

  // visit(part) for every head of every block of queries of every sample.
  template <class Visit>
  void for_each_part(const ForwardCall& call, Visit visit) const {
    Part part{Sizes(*call.input(0).sample, *call.input(2).sample)};
    const Sizes& size = part.size;
    const std::int64_t window = options.sliding_window.value_or(size.S + size.T);
    for (part.sample = 0; part.sample < call.samples; ++part.sample) {
      for (part.t = 0; part.t < size.T; part.t += size.block_rows()) {
        part.rows = std::min(size.block_rows(), size.T - part.t);
        part.begin = part.t - window + 1;
        part.end = part.t + (options.causal ? 1 : window);
        part.first = std::clamp<std::int64_t>(part.begin, 0, size.S);
        part.keys = std::clamp<std::int64_t>(part.end + part.rows - 1, part.first, size.S) - part.first;
        for (part.head = 0; part.head < size.N; ++part.head) {
          const std::int64_t row = (part.sample * size.N + part.head) * size.T + part.t;
          part.scores = (options.scores ? call.output(1).data + row * size.S
                         : size.kept()  ? call.saved + row * size.S
                                        : block(call, size, scores)) +
                        part.first;
          look(call, part);
          visit(part);
        }
      }
    }
  }

  // Sets part.visible: the attention mask, the query's, the value's and the key's, all of which must be 1.
  void look(const ForwardCall& call, Part& part) const {
    const Sizes& size = part.size;
    if (!is_masked(call)) return;
    const bool for_each_head = options.attention_mask && call.input(3).sample->rank() == 3;
    if (part.head > 0 && !for_each_head) return;  // as for the head before
    float* const seen = block(call, size, visible);
    part.visible = seen;
    const Block *query_mask = call.input(0).mask, *key_mask = call.input(1).mask, *value_mask = call.input(2).mask;
    for (std::int64_t i = 0; i < part.rows; ++i) {
      float* const row = seen + i * part.keys;
      std::fill_n(row, part.keys, query_mask != nullptr ? at(*query_mask, part.sample)[part.t + i] : 1);
      if (options.attention_mask) {
        const Block& mask = call.input(3);
        const Shape& shape = *mask.sample;
        const std::int64_t columns = shape.back(), rows = shape[shape.rank() - 2];
        const std::int64_t head = for_each_head && shape[0] > 1 ? part.head * rows : 0;
        const float* const from =
            at(mask, part.sample) + (head + (rows > 1 ? part.t + i : 0)) * columns + (columns > 1 ? part.first : 0);
        if (*options.attention_mask == DType::int32)
          erase_unseen(part.keys, reinterpret_cast<const std::int32_t*>(from), columns > 1, row);
        else
          erase_unseen(part.keys, from, columns > 1, row);
      }
      for (const Block* mask : {value_mask, key_mask})
        if (mask != nullptr) erase_unseen(part.keys, at(*mask, part.sample) + part.first, true, row);
    }
  }

  // P = softmax(Q K^T / sqrt(H))
  float* probabilities(const ForwardCall& call, const Part& part) const {
    const Sizes& size = part.size;
    float* const P = part.scores;
    kernels::gemm({.m = part.rows,
                   .n = part.keys,
                   .k = size.H,
                   .a = part.from_query(call.input(0), size.H),
                   .a_row = size.N * size.H,
                   .b = part.from_key(call.input(1), size.H),
                   .b_row = size.N * size.H,
                   .b_transposed = true,
                   .c = P,
                   .c_row = size.S});
    kernels::attention_softmax({.rows = part.rows,
                                .columns = part.keys,
                                .row_stride = size.S,
                                .begin = part.begin - part.first,
                                .end = part.end - part.first,
                                .visible = part.visible,
                                .scale = scale(size)},
                               P);
    if (options.scores && part.keys < size.S)  // what no query of the block sees
      for (float* row = P - part.first; row < P - part.first + part.rows * size.S; row += size.S) {
        std::fill_n(row, part.first, 0.0f);
        std::fill_n(row + part.first + part.keys, size.S - part.first - part.keys, 0.0f);
      }
    return P;
  }
  static float scale(const Sizes& size) { return 1.0f / std::sqrt(static_cast<float>(size.H)); }

  // P D in training; else P. What drops depends on a score's place in the batch alone.
  const float* dropped(const ForwardCall& call, const Part& part, const float* P) const {
    if (!drops(call)) return P;
    float* const PD = block(call, part.size, after_dropout) + part.first;
    drop(call, part, P, PD);
    return PD;
  }
  bool drops(const ForwardCall& call) const { return call.training && options.dropout > 0; }
  void drop(const ForwardCall& call, const Part& part, const float* from, float* to) const {
    const Sizes& size = part.size;
    const std::int64_t row = ((call.first_sample + part.sample) * size.N + part.head) * size.T + part.t;
    dropout(dropout_seed(call, options.seed), static_cast<std::uint64_t>(row * size.S), options.dropout,
            part.rows * size.S, from - part.first, to - part.first);
  }

  // dP = dO V^T,  dS = P * (dP - rowsum(dP * P)) / sqrt(H)
  float* score_gradient(const BackwardCall& call, const Part& part, const float* P, const float* dO) const {
    const Sizes& size = part.size;
    float* const dP = block(call, size, gradient) + part.first;
    kernels::gemm({.m = part.rows,
                   .n = part.keys,
                   .k = size.V,
                   .a = dO,
                   .a_row = size.N * size.V,
                   .b = part.from_key(call.input(2), size.V),
                   .b_row = size.N * size.V,
                   .b_transposed = true,
                   .c = dP,
                   .c_row = size.S});
    if (drops(call)) drop(call, part, dP, dP);
    if (options.scores) {
      const float* const from = call.output_gradient(1).data + (part.scores - call.output(1).data);
      for (std::int64_t i = 0; i < part.rows; ++i)
        for (std::int64_t j = 0; j < part.keys; ++j) dP[i * size.S + j] += from[i * size.S + j];
    }
    kernels::attention_softmax_backward(
        {.rows = part.rows, .columns = part.keys, .row_stride = size.S, .scale = scale(size)}, P, size.S, dP);
    return dP;
  }
};

}  // namespace

Layer attention_core(AttentionCore options) { return Layer(make_layer<Core>(std::move(options))); }

}  // namespace xl
