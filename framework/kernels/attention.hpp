#pragma once

#include <cstdint>

namespace xl::kernels {

/// Some rows of the scores of attention, and which keys (columns) each row sees.
struct AttentionRows {
  std::int64_t rows = 0, columns = 0;
  std::int64_t row_stride = 0;  // between the rows of the scores, in floats
  /// Row i sees the columns from begin + i up to end + i, as far as they exist.
  std::int64_t begin = 0, end = 0;
  /// (rows, columns), contiguous: 0 where a row does not see a column. Or none.
  const float* visible = nullptr;
  float scale = 1.0f;
};

/// S = P, row by row:  P[i, j] = e^(scale S[i, j] - m) / sum, where m is the row's largest scale S[i, j] and the sum is over
/// the columns that the row sees; 0 elsewhere, and everywhere in a row that sees none.
void attention_softmax(const AttentionRows& of, float* s);

/// dP = dS, row by row:  dS[i, j] = scale P[i, j] (dP[i, j] - sum_l P[i, l] dP[i, l]). Rows of P lie `p_stride` apart.
void attention_softmax_backward(const AttentionRows& of, const float* p, std::int64_t p_stride, float* dp);

}  // namespace xl::kernels
