#include "xlayers/framework/parts/shared_work.hpp"

#include <algorithm>
#include <cstdint>

#include "xlayers/framework/kernels/vector.hpp"

namespace xl {

namespace {

// A block's sides are multiples of the least, which every kernel's tiles divide, so that no element is added up otherwise
// than in the whole; but for the last, which has the rest.
constexpr std::int64_t least_rows = 96, least_columns = 64, most_rows = 480, most_columns = 512;
constexpr std::int64_t wanted_blocks = 16;

std::int64_t blocks(std::int64_t extent, std::int64_t side) { return std::max<std::int64_t>(1, extent / side); }

}  // namespace

void product(const kernels::Gemm& whole) {
  const std::int64_t m = whole.m, n = whole.n;
  const double products = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(whole.k);
  if (!runs_in_parallel() || products < worth_sharing) return kernels::gemm(whole);

  // Columns first: then each block reads a part of B that no other does.
  std::int64_t rows = most_rows, columns = most_columns;
  while (blocks(m, rows) * blocks(n, columns) < wanted_blocks && columns > least_columns) columns /= 2;
  while (blocks(m, rows) * blocks(n, columns) < wanted_blocks && rows > least_rows) rows -= least_rows;

  const std::int64_t down = blocks(m, rows), across = blocks(n, columns);
  parallel_for(down * across, [&](std::int64_t index, int) {
    const std::int64_t i = index / across, j = index % across;
    const std::int64_t top = i * rows, left = j * columns;
    kernels::Gemm block = whole;
    block.m = i + 1 == down ? m - top : rows;
    block.n = j + 1 == across ? n - left : columns;
    block.a += top * whole.a_row;
    block.b += left * (whole.b_transposed ? whole.b_row : 1);
    block.c += top * whole.c_row + left;
    if (block.bias != nullptr) block.bias += left;
    if (block.addend != nullptr) block.addend += top * whole.addend_row + left;
    kernels::gemm(block);
  });
}

namespace {

// visit(first row, rows)
template <class Visit>
void by_rows(std::int64_t rows, std::int64_t columns, Visit visit) {
  constexpr std::int64_t floats_at_once = 16 * 1024;
  const std::int64_t rows_at_once = std::max<std::int64_t>(1, floats_at_once / std::max<std::int64_t>(1, columns));
  parallel_ranges(rows, rows_at_once, [&](std::int64_t first, std::int64_t end) { visit(first, end - first); });
}

}  // namespace

void activate(const ActivationFunction& f, std::int64_t rows, std::int64_t columns, const float* x, float* y) {
  const std::int64_t out = f.output_columns(columns);
  by_rows(rows, columns, [&](std::int64_t first, std::int64_t count) {
    f.forward(count, columns, x + first * columns, y + first * out);
  });
}

void activate_backward(const ActivationFunction& f, std::int64_t rows, std::int64_t columns, const float* x,
                       const float* y, const float* dy, float* dx) {
  const std::int64_t out = f.output_columns(columns);
  by_rows(rows, columns, [&](std::int64_t first, std::int64_t count) {
    f.backward(count, columns, f.keeps_input() ? x + first * columns : nullptr, y + first * out, dy + first * out,
               dx + first * columns);
  });
}

void add_column_sums(std::int64_t rows, std::int64_t columns, const float* x, float* sums) {
  constexpr std::int64_t columns_at_once = 64;  // a multiple of every kernel's vectors
  parallel_ranges(columns, columns_at_once, [&](std::int64_t first, std::int64_t end) {
    kernels::column_sums(rows, end - first, columns, x + first, sums + first, true);
  });
}

}  // namespace xl
