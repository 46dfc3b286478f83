// The softmax of attention and its gradient, against double precision: any range of keys, any mask, rows that see none.

#include "xlayers/framework/kernels/attention.hpp"

#include <algorithm>

#include "kernel_testing.hpp"

namespace xl::kernels {
namespace {

using namespace testing_kernels;

class AttentionKernel : public KernelTest {};
XL_ON_EVERY_INSTRUCTION_SET(AttentionKernel);

bool sees(const AttentionRows& of, std::int64_t row, std::int64_t column) {
  return column >= of.begin + row && column < of.end + row &&
         (of.visible == nullptr || of.visible[row * of.columns + column] != 0);
}

// Off by 1e-6 of the largest share at most, and exactly 0 where a row sees nothing.
void expect_softmax(const AttentionRows& of, Guarded& s) {
  Guarded x = s;
  attention_softmax(of, s.data());
  EXPECT_TRUE(s.intact());
  for (std::int64_t row = 0; row < of.rows; ++row) {
    const auto score = [&](std::int64_t j) { return static_cast<double>(of.scale) * x[row * of.row_stride + j]; };
    std::vector<double> e(static_cast<std::size_t>(of.columns), 0.0);
    double most = -infinity, sum = 0;
    for (std::int64_t j = 0; j < of.columns; ++j)
      if (sees(of, row, j)) most = std::max(most, score(j));
    for (std::int64_t j = 0; j < of.columns; ++j)
      if (sees(of, row, j)) sum += e[static_cast<std::size_t>(j)] = std::exp(score(j) - most);
    for (std::int64_t j = 0; j < of.columns; ++j) {
      const float share = s[row * of.row_stride + j];
      if (sees(of, row, j))
        ASSERT_NEAR(share, e[static_cast<std::size_t>(j)] / sum, 1e-6) << "row " << row << ", column " << j;
      else
        ASSERT_EQ(share, 0.0f) << "row " << row << ", column " << j;
    }
  }
}

TEST_P(AttentionKernel, SoftmaxOverWhatARowSees) {
  testing_kernels::Random random;
  for (const std::int64_t rows : {1, 3, 4, 6})
    for (const std::int64_t columns : {1, 2, 7, 8, 16, 17, 31, 48}) {
      Guarded visible(rows * columns, 1, 0.0f);
      for (std::int64_t i = 0; i < visible.size(); ++i) visible[i] = random.integer(0, 2) == 0 ? 0.0f : 2.5f;
      for (std::int64_t j = 0; j < columns; ++j) visible[(rows - 1) * columns + j] = 0;
      // Everything; causal; a window; a window that begins behind the last column.
      for (const auto& [begin, end] : {std::pair{-100, 100}, {-100, 1}, {-2, 3}, {static_cast<int>(columns) - 2, 100}})
        for (const float* const mask :
             {static_cast<const float*>(nullptr), static_cast<const float*>(visible.data())}) {
          Guarded s(rows * columns, 3);
          random.fill(s, -9, 9);
          expect_softmax({.rows = rows,
                          .columns = columns,
                          .row_stride = columns,
                          .begin = begin,
                          .end = end,
                          .visible = mask,
                          .visible_stride = columns,
                          .scale = 0.7f},
                         s);
        }
    }
}

TEST_P(AttentionKernel, LargeScoresNeitherOverflowNorVanish) {
  Guarded s(24, 1, 0.0f);
  for (int i = 0; i < 24; ++i) s[i] = i % 3 == 0 ? 3e4f : i % 3 == 1 ? -3e4f : 3e4f - 20.0f * static_cast<float>(i);
  expect_softmax({.rows = 1, .columns = 24, .row_stride = 24, .begin = 0, .end = 24}, s);
  s[5] = nan;
  attention_softmax({.rows = 1, .columns = 24, .row_stride = 24, .begin = 0, .end = 24}, s.data());
  for (int i = 0; i < 24; ++i) EXPECT_TRUE(std::isnan(s[i])) << i;
}

TEST_P(AttentionKernel, ARowHasTheSameBitsBesideAnyOthers) {
  testing_kernels::Random random;
  const std::int64_t columns = 29;
  Guarded all(7 * columns, 1);
  random.fill(all, -5, 5);
  Guarded one_by_one = all;
  attention_softmax({.rows = 7, .columns = columns, .row_stride = columns, .begin = -99, .end = 99}, all.data());
  for (std::int64_t row = 0; row < 7; ++row)
    attention_softmax({.rows = 1, .columns = columns, .row_stride = columns, .begin = -99, .end = 99},
                      one_by_one.data() + row * columns);
  EXPECT_TRUE(same_bits(all.data(), one_by_one.data(), all.size()));
}

// Blocks of any width, one after the other, come to the same as all columns at once.
TEST_P(AttentionKernel, SoftmaxInBlocks) {
  testing_kernels::Random random;
  for (const std::int64_t rows : {1, 3, 4, 9})
    for (const std::int64_t columns : {1, 7, 16, 40, 77})
      for (const std::int64_t block : {1, 5, 16, 32})
        for (const auto& [begin, end] :
             {std::pair{-100, 100}, {-100, 1}, {-2, 3}, {static_cast<int>(columns) + 2, 100}})
          for (const bool masked : {false, true}) {
            Guarded visible(rows * columns, 1, 0.0f), scores(rows * columns, 2);
            for (std::int64_t i = 0; i < visible.size(); ++i) visible[i] = random.integer(0, 2) == 0 ? 0.0f : 2.5f;
            random.fill(scores, -30, 30);
            Guarded whole = scores, again = scores;
            AttentionRows of{.rows = rows, .columns = columns, .row_stride = columns, .begin = begin, .end = end};
            of.scale = 0.7f;
            if (masked) of.visible = visible.data(), of.visible_stride = columns;
            attention_softmax(of, whole.data());

            std::vector<float> largest(rows, -infinity), share(rows), factor(rows);
            std::vector<double> sum(rows), total(rows), expected(rows);
            const auto of_block = [&](std::int64_t first) {
              AttentionRows part = of;
              part.columns = std::min(block, columns - first);
              part.begin -= first;
              part.end -= first;
              if (masked) part.visible += first;
              return part;
            };
            for (std::int64_t first = 0; first < columns; first += block) {
              const AttentionRows part = of_block(first);
              attention_softmax_block(part, {largest.data(), sum.data(), factor.data()}, scores.data() + first);
              for (std::int64_t i = 0; i < rows; ++i) {
                total[i] *= factor[i];
                for (std::int64_t j = first; j < first + part.columns; ++j)
                  total[i] += static_cast<double>(j + 1) * scores[i * columns + j];
              }
            }
            for (std::int64_t i = 0; i < rows; ++i) {
              for (std::int64_t j = 0; j < columns; ++j)
                expected[i] += static_cast<double>(j + 1) * whole[i * columns + j];
              ASSERT_NEAR(sum[i] == 0 ? 0 : total[i] / sum[i], expected[i], 1e-6 * columns) << "row " << i;
              share[i] = sum[i] == 0 ? 0.0f : static_cast<float>(1 / sum[i]);
              if (sum[i] == 0) largest[i] = 0;
            }
            for (std::int64_t first = 0; first < columns; first += block)
              attention_probabilities(of_block(first), largest.data(), share.data(), again.data() + first);
            for (std::int64_t i = 0; i < again.size(); ++i) ASSERT_NEAR(again[i], whole[i], 1e-6) << i;
            EXPECT_TRUE(scores.intact() && again.intact());
          }
}

// One row of what is visible may be that of all rows.
TEST_P(AttentionKernel, OneRowOfWhatIsVisible) {
  testing_kernels::Random random;
  const std::int64_t rows = 6, columns = 21;
  Guarded one(columns, 1), all(rows * columns, 1), s(rows * columns, 1);
  for (std::int64_t j = 0; j < columns; ++j) one[j] = static_cast<float>(random.integer(0, 2));
  for (std::int64_t i = 0; i < all.size(); ++i) all[i] = one[i % columns];
  random.fill(s, -9, 9);
  Guarded t = s;
  attention_softmax({.rows = rows, .columns = columns, .row_stride = columns, .end = 99, .visible = one.data()},
                    s.data());
  attention_softmax({.rows = rows,
                     .columns = columns,
                     .row_stride = columns,
                     .end = 99,
                     .visible = all.data(),
                     .visible_stride = columns},
                    t.data());
  EXPECT_TRUE(same_bits(s.data(), t.data(), s.size()));
}

// ds_j = scale p_j (dp_j - mean)
TEST_P(AttentionKernel, Gradient) {
  testing_kernels::Random random;
  for (const std::int64_t columns : {1, 5, 8, 17, 40}) {
    const std::int64_t rows = 5, p_stride = columns + 3, stride = columns + 1;
    Guarded p(rows * p_stride, 1), dp(rows * stride, 2), mean(rows, 1);
    random.fill(p, 0, 1);
    random.fill(dp);
    random.fill(mean);
    Guarded before = dp;
    attention_softmax_backward({.rows = rows, .columns = columns, .row_stride = stride, .scale = 0.5f}, p.data(),
                               p_stride, mean.data(), dp.data());
    EXPECT_TRUE(dp.intact());
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t j = 0; j < columns; ++j)
        EXPECT_NEAR(dp[row * stride + j], 0.5 * p[row * p_stride + j] * (before[row * stride + j] - mean[row]), 3e-6);
      EXPECT_EQ(dp[row * stride + columns], before[row * stride + columns]);
    }
  }
}

TEST_P(AttentionKernel, RowProducts) {
  testing_kernels::Random random;
  for (const std::int64_t columns : {1, 5, 8, 17, 40}) {
    const std::int64_t rows = 5, a_row = columns + 3, b_row = columns + 1;
    Guarded a(rows * a_row, 1), b(rows * b_row, 2), sums(rows, 1);
    random.fill(a);
    random.fill(b);
    for (const bool add : {false, true}) {
      const float before = sums[2];
      row_products(rows, columns, a.data(), a_row, b.data(), b_row, add, sums.data());
      double sum = add ? before : 0.0;
      for (std::int64_t j = 0; j < columns; ++j) sum += static_cast<double>(a[2 * a_row + j]) * b[2 * b_row + j];
      EXPECT_NEAR(sums[2], sum, 1e-5);
      EXPECT_TRUE(sums.intact());
    }
  }
}

}  // namespace
}  // namespace xl::kernels
