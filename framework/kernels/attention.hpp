#pragma once

#include <cstdint>

namespace xl::kernels {

/// Some rows of the scores of attention, and which keys (columns) each row sees.
struct AttentionRows {
  std::int64_t rows = 0, columns = 0;
  std::int64_t row_stride = 0;  // between the rows of the scores, in floats
  /// Row i sees the columns from begin + i up to end + i, as far as they exist.
  std::int64_t begin = 0, end = 0;
  /// 0 where a row does not see a column: rows of `columns`, `visible_stride` apart, or 0 if all rows see the same. Or none.
  const float* visible = nullptr;
  std::int64_t visible_stride = 0;
  float scale = 1.0f;
};

/// S = P, row by row:  P[i, j] = e^(scale S[i, j] - m) / sum, where m is the row's largest scale S[i, j] and the sum is over
/// the columns that the row sees; 0 elsewhere, and everywhere in a row that sees none.
void attention_softmax(const AttentionRows& of, float* s);

/// What a softmax knows of each row whose columns come in blocks, one after the other. Before the first block, `largest` is
/// -infinity and `sum` 0.
struct RunningSoftmax {
  float* largest = nullptr;  ///< m: the largest log2(e) scale S[i, j] so far
  double* sum = nullptr;     ///< of 2^(log2(e) scale S[i, j] - m)
  float* factor =
      nullptr;  ///< set by each block: 2^(m before - m), which what was added up before has to be multiplied with
};

/// S[i, j] = 2^(log2(e) scale S[i, j] - m) where row i sees j, else 0; m is the largest of this block and those before.
///
/// Milakov and Gimelshein (2018), "Online normalizer calculation for softmax".
void attention_softmax_block(const AttentionRows& of, const RunningSoftmax& running, float* s);

/// S = P, from what the blocks have left:  P[i, j] = share[i] 2^(log2(e) scale S[i, j] - largest[i]) where row i sees j, else
/// 0; `share` is 1 / sum. Both are finite: of a row that sees nothing, 0.
void attention_probabilities(const AttentionRows& of, const float* largest, const float* share, float* s);

/// dP = dS, row by row:  dS[i, j] = scale P[i, j] (dP[i, j] - mean[i]), where mean[i] = sum_l P[i, l] dP[i, l]. Rows of P lie
/// `p_stride` apart.
void attention_softmax_backward(const AttentionRows& of, const float* p, std::int64_t p_stride, const float* mean,
                                float* dp);

/// sums[i] = (add ? sums[i] : 0) + sum_j a[i, j] b[i, j].
void row_products(std::int64_t rows, std::int64_t columns, const float* a, std::int64_t a_row, const float* b,
                  std::int64_t b_row, bool add, float* sums);

}  // namespace xl::kernels
