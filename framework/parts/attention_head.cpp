#include "xlayers/framework/parts/attention_head.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "xlayers/framework/kernels/gemm.hpp"
#include "xlayers/framework/parts/dropout.hpp"

namespace xl::attention {

std::int64_t saved_floats(const AttentionCore& options, const Sizes& size) {
  if (!size.kept()) return checked_mul(2 * size.N, size.T);
  return options.scores ? 0 : size.scores();
}

Scratch::Scratch(const Sizes& size)
    : of_queries(size.many_keys() ? checked_mul(size.T, std::max(size.H, size.V)) : 0),
      of_keys(size.many_queries() ? checked_mul(size.keys(), checked_add(size.H, size.V)) : 0),
      floats(checked_mul(size.N, checked_add(checked_mul(2, checked_add(of_queries, of_keys)), size.T))) {
  floats += floats % 2;  // where the next sample's doubles begin
}

Head::Head(const AttentionCore& options, const ForwardCall& call, const Sizes& size, std::int64_t sample,
           std::int64_t head)
    : options_(options), call_(call), size_(size), sample_(sample), head_(head), sight_(options, call), scratch_(size) {
  float* const scratch = call.scratch + sample * scratch_.floats;
  const std::int64_t doubles = scratch_.of_queries + scratch_.of_keys, index = sample * size.N + head;
  double* const totals = reinterpret_cast<double*>(scratch) + head * doubles;
  if (size.many_keys()) query_totals_ = totals;
  if (size.many_queries()) key_totals_ = totals + scratch_.of_queries;
  means_ = scratch + 2 * size.N * doubles + head * size.T;
  if (options.scores || size.kept())
    kept_ = (options.scores ? call.output(1).data : call.saved) + index * size.T * size.S;
  if (size.kept()) return;
  largest_ = call.saved + index * 2 * size.T;
  share_ = largest_ + size.T;
}

// Queries t ... of those before `end`, and what they see of the block that begins with `key`.
Part Head::part(std::int64_t t, std::int64_t end, std::int64_t key, float* visible) const {
  return sight_.part(size_, sample_, head_, t, std::min(size_.rows(), end - t), key,
                     std::min(size_.S, key + size_.keys()), visible);
}

Head::Panel Head::panel(const Block& x, std::int64_t features, std::int64_t key, float* memory) const {
  const Panel panel{memory, key, std::min(size_.keys(), size_.S - key)};
  if (size_.kept() || panel.keys * features > panel_floats) return {};
  kernels::transpose(panel.keys, features, at(x, sample_) + (key * size_.N + head_) * features, size_.N * features,
                     memory);
  return panel;
}

kernels::AttentionRows Head::rows(const Part& part, std::int64_t stride) const {
  return {.rows = part.rows,
          .columns = part.keys,
          .row_stride = stride,
          .begin = part.begin - part.first,
          .end = part.end - part.first,
          .visible = part.visible,
          .visible_stride = part.visible_stride,
          .scale = 1.0f / std::sqrt(static_cast<float>(size_.H))};
}

// C = A B^T, where rows of A belong to queries, rows of B to keys.
void Head::multiply(const Part& part, const Block& a, const Block& b, std::int64_t features, const Panel& panel,
                    float* c, std::int64_t stride) const {
  const bool copied = panel.data != nullptr;
  kernels::gemm({.m = part.rows,
                 .n = part.keys,
                 .k = features,
                 .a = part.from_query(a, features),
                 .a_row = size_.N * features,
                 .b = copied ? panel.data + (part.first - panel.first) : part.from_key(b, features),
                 .b_row = copied ? panel.keys : size_.N * features,
                 .b_transposed = !copied,
                 .c = c,
                 .c_row = stride});
}

// P = softmax(Q K^T / sqrt(H)), by what forward has left
void Head::probabilities(const Part& part, const Panel& keys, float* P, std::int64_t stride) const {
  multiply(part, call_.input(0), call_.input(1), size_.H, keys, P, stride);
  kernels::attention_probabilities(rows(part, stride), largest_ + part.t, share_ + part.t, P);
}

// P D, or D times what else has the shape of P, contiguous. What drops depends on a score's place in the batch alone.
void Head::drop(const Part& part, const float* from, std::int64_t stride, float* to) const {
  const std::uint64_t seed = dropout_seed(call_, options_.seed);
  const std::int64_t row = ((call_.first_sample + sample_) * size_.N + head_) * size_.T + part.t;
  const bool in_one = stride == size_.S && part.keys == size_.S;
  const std::int64_t times = in_one ? 1 : part.rows, count = in_one ? part.rows * part.keys : part.keys;
  for (std::int64_t i = 0; i < times; ++i)
    dropout(seed, static_cast<std::uint64_t>((row + i) * size_.S + part.first), options_.dropout, count,
            from + i * stride, to + i * part.keys);
}

void Head::forward(std::int64_t begin, std::int64_t end) const {
  alignas(64) float block[block_floats], visible[block_floats], after_dropout[block_floats], memory[panel_floats];
  double row_sums[most_queries];
  float factors[block_rows];
  const bool whole = size_.kept();
  const Sums O = sums(&call_.output(), begin, end - begin, size_.V,
                      query_totals_ == nullptr ? nullptr : query_totals_ + begin * size_.V);
  if (!whole || size_.S == 0) O.clear();
  if (!whole) {
    std::fill_n(row_sums, end - begin, 0.0);
    std::fill(largest_ + begin, largest_ + end, -std::numeric_limits<float>::infinity());
  }

  for (std::int64_t key = 0; key < size_.S; key += size_.keys()) {
    const Panel keys = panel(call_.input(1), size_.H, key, memory);
    for (std::int64_t t = begin; t < end; t += size_.rows()) {
      const Part part = this->part(t, end, key, visible);
      const Sums of_part = O.part(t - begin, part.rows);
      if (part.keys == 0) {
        if (whole) of_part.clear();
        continue;
      }
      const std::int64_t stride = whole ? size_.S : part.keys;
      float* const P = whole ? kept_ + t * size_.S + part.first : block;
      multiply(part, call_.input(0), call_.input(1), size_.H, keys, P, stride);
      if (whole) {
        kernels::attention_softmax(rows(part, stride), P);
      } else {
        kernels::attention_softmax_block(rows(part, stride), {largest_ + t, row_sums + (t - begin), factors}, P);
        of_part.scale(factors);
      }
      if (drops()) drop(part, P, stride, after_dropout);
      kernels::gemm({.m = part.rows,
                     .n = size_.V,
                     .k = part.keys,
                     .a = drops() ? after_dropout : P,
                     .a_row = drops() ? part.keys : stride,
                     .b = part.from_key(call_.input(2), size_.V),
                     .b_row = size_.N * size_.V,
                     .c = of_part.x,
                     .c_row = of_part.stride,
                     .accumulate = !whole});
      of_part.end_block(key / size_.keys());
    }
  }
  O.finish();
  if (whole) return;
  for (std::int64_t t = begin; t < end; ++t) {
    const double sum = row_sums[t - begin];
    share_[t] = sum == 0.0 ? 0.0f : static_cast<float>(1.0 / sum);
    if (sum == 0.0) largest_[t] = 0.0f;
  }
  O.scale(share_ + begin);
  if (options_.scores) give_out(begin, end);
}

void Head::give_out(std::int64_t begin, std::int64_t end) const {
  alignas(64) float visible[block_floats], memory[panel_floats];
  for (std::int64_t key = 0; key < size_.S; key += size_.keys()) {
    const Panel keys = panel(call_.input(1), size_.H, key, memory);
    for (std::int64_t t = begin; t < end; t += size_.rows())
      if (const Part part = this->part(t, end, key, visible); part.keys > 0)
        probabilities(part, keys, kept_ + t * size_.S + part.first, size_.S);
  }
}

Sums Head::sums(const Block* x, std::int64_t first, std::int64_t rows, std::int64_t features, double* totals) const {
  const std::int64_t stride = size_.N * features;
  if (x == nullptr) return {0, features, nullptr, stride};
  return {rows, features, at(*x, sample_) + first * stride + head_ * features, stride, totals};
}

// rowsum(dP * P), for each query
void Head::set_means(const BackwardCall& call) const {
  const Sums O = sums(&call.output(), 0, size_.T, size_.V, nullptr);
  const Sums dO = sums(&call.output_gradient(), 0, size_.T, size_.V, nullptr);
  kernels::row_products(size_.T, size_.V, dO.x, dO.stride, O.x, O.stride, false, means_);
  if (!options_.scores) return;
  const float* const G = call.output_gradient(1).data + (kept_ - call.output(1).data);
  kernels::row_products(size_.T, size_.S, G, size_.S, kept_, size_.S, true, means_);
}

// dP = dP + G
void Head::add_given(const BackwardCall& call, const Part& part, float* dP) const {
  const float* G = call.output_gradient(1).data + (kept_ - call.output(1).data) + part.t * size_.S + part.first;
  for (std::int64_t i = 0; i < part.rows; ++i, G += size_.S) kernels::add(part.keys, G, dP + i * part.keys);
}

void Head::backward(const BackwardCall& call) const {
  alignas(64) float block[block_floats], visible[block_floats], other[block_floats], key_memory[panel_floats],
      value_memory[panel_floats];
  const Block &Q = call.input(0), &K = call.input(1), &V = call.input(2), &dO = call.output_gradient();
  const std::int64_t key_row = size_.N * size_.H, value_row = size_.N * size_.V;
  const bool whole = size_.kept();
  const Sums dQ = sums(call.input_gradient(0), 0, size_.T, size_.H, query_totals_);
  if (!whole || size_.S == 0) dQ.clear();
  if (call.input_gradient(0) != nullptr || call.input_gradient(1) != nullptr) set_means(call);

  for (std::int64_t key = 0; key < size_.S; key += size_.keys()) {
    const Panel keys = panel(K, size_.H, key, key_memory), values = panel(V, size_.V, key, value_memory);
    const std::int64_t count = std::min(size_.keys(), size_.S - key);
    const Sums dK = sums(call.input_gradient(1), key, count, size_.H, key_totals_);
    const Sums dV = sums(call.input_gradient(2), key, count, size_.V,
                         key_totals_ == nullptr ? nullptr : key_totals_ + size_.keys() * size_.H);
    dK.clear();
    dV.clear();
    for (std::int64_t t = 0; t < size_.T; t += size_.rows()) {
      const Part part = this->part(t, size_.T, key, visible);
      if (part.keys == 0) {
        if (whole && dQ) dQ.part(t, part.rows).clear();
        continue;
      }
      const std::int64_t stride = kept_ != nullptr ? size_.S : part.keys;
      float* const P = kept_ != nullptr ? kept_ + t * size_.S + part.first : block;
      if (kept_ == nullptr) probabilities(part, keys, P, stride);
      if (dV) {
        if (drops()) drop(part, P, stride, other);
        kernels::gemm({.m = part.keys,
                       .n = size_.V,
                       .k = part.rows,
                       .a = drops() ? other : P,
                       .a_row = 1,
                       .a_col = drops() ? part.keys : stride,
                       .b = part.from_query(dO, size_.V),
                       .b_row = value_row,
                       .c = dV.row(part.first - key),
                       .c_row = value_row,
                       .accumulate = true});
        dV.end_block(t / size_.rows());
      }
      if (!dQ && !dK) continue;
      float* const dS = other;  // first dP
      multiply(part, dO, V, size_.V, values, dS, part.keys);
      if (drops()) drop(part, dS, part.keys, dS);
      if (options_.scores) add_given(call, part, dS);
      kernels::attention_softmax_backward(rows(part, part.keys), P, stride, means_ + t, dS);
      if (dQ)
        kernels::gemm({.m = part.rows,
                       .n = size_.H,
                       .k = part.keys,
                       .a = dS,
                       .a_row = part.keys,
                       .b = part.from_key(K, size_.H),
                       .b_row = key_row,
                       .c = dQ.row(t),
                       .c_row = key_row,
                       .accumulate = !whole});
      if (dK) {
        kernels::gemm({.m = part.keys,
                       .n = size_.H,
                       .k = part.rows,
                       .a = dS,
                       .a_row = 1,
                       .a_col = part.keys,
                       .b = part.from_query(Q, size_.H),
                       .b_row = key_row,
                       .c = dK.row(part.first - key),
                       .c_row = key_row,
                       .accumulate = true});
        dK.end_block(t / size_.rows());
      }
    }
    dK.finish();
    dV.finish();
    dQ.end_block(key / size_.keys());
  }
  dQ.finish();
}

}  // namespace xl::attention
