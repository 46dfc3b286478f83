#pragma once

#include "xlayers/framework/kernels/attention.hpp"
#include "xlayers/framework/parts/attention_sight.hpp"

namespace xl::attention {

/// What forward leaves for backward, in floats of a sample: its probabilities, or what they can be computed from again.
std::int64_t saved_floats(const AttentionCore& options, const Sizes& size);

/// What a sample has in scratch: doubles for the long sums of each head, one for each query and key, and then means, a float for each
/// query of each head.
struct Scratch {
  std::int64_t of_queries, of_keys, floats;

  explicit Scratch(const Sizes& size);
};

/// One head of one sample on its way through a call.
///
/// Attention as its definition has it keeps a matrix (T, S) for each head. This goes through blocks of keys: a row's softmax is
/// known up to a factor while its blocks come, and what was added up before is corrected when a larger score turns up
/// (kernels::RunningSoftmax). So the memory is linear in T, and blocks that no query sees cost nothing. A sample with few
/// scores has all its keys in one block, and its probabilities are kept.
///
/// Dao et al. (2022), "FlashAttention: Fast and Memory-Efficient Exact Attention with IO-Awareness".
class Head {
 public:
  Head(const AttentionCore& options, const ForwardCall& call, const Sizes& size, std::int64_t sample,
       std::int64_t head);

  /// The outputs of queries [begin, end), Sizes::queries() of them at most.
  void forward(std::int64_t begin, std::int64_t end) const;
  void backward(const BackwardCall& call) const;

 private:
  // The transposed keys, or values, of a block, for several products with them; or none.
  struct Panel {
    const float* data = nullptr;
    std::int64_t first = 0, keys = 0;
  };

  Part part(std::int64_t t, std::int64_t end, std::int64_t key, float* visible) const;
  Panel panel(const Block& x, std::int64_t features, std::int64_t key, float* memory) const;
  void multiply(const Part& part, const Block& a, const Block& b, std::int64_t features, const Panel& panel, float* c,
                std::int64_t stride) const;
  void probabilities(const Part& part, const Panel& keys, float* P, std::int64_t stride) const;
  kernels::AttentionRows rows(const Part& part, std::int64_t stride) const;
  void give_out(std::int64_t begin, std::int64_t end) const;

  bool drops() const { return call_.training && options_.dropout > 0; }
  void drop(const Part& part, const float* from, std::int64_t stride, float* to) const;

  Sums sums(const Block* x, std::int64_t first, std::int64_t rows, std::int64_t features, double* totals) const;
  void set_means(const BackwardCall& call) const;
  void add_given(const BackwardCall& call, const Part& part, float* dP) const;

  const AttentionCore& options_;
  const ForwardCall& call_;
  const Sizes size_;
  const std::int64_t sample_, head_;
  const Sight sight_;
  const Scratch scratch_;
  double *query_totals_ = nullptr, *key_totals_ = nullptr;
  float* means_ = nullptr;
  float* kept_ = nullptr;                        // the probabilities (T, S), if they are kept or given out
  float *largest_ = nullptr, *share_ = nullptr;  // if they are not kept: see kernels::attention_probabilities
};

}  // namespace xl::attention
