#pragma once

// The matrix product around the tiles: blocks that fit the caches, panels of B, and the one-column
// case.

#include "xlayers/framework/kernels/gemm.hpp"
#include "xlayers/framework/kernels/impl/gemm_column.hpp"
#include "xlayers/framework/kernels/impl/gemm_tile.hpp"
#include "xlayers/framework/kernels/impl/loop.hpp"
#include "xlayers/framework/kernels/long_sums.hpp"

namespace xl::kernels::XL_KERNELS {

// A sum over k is cut into parts of at most `deepest`, so that a panel of B (`deepest` rows, one
// tile wide) stays in the first-level cache, and max_height rows of A in the second-level cache.
constexpr std::int64_t deepest = 256;
constexpr std::int64_t max_height = 512;

// Of a transposed A whose columns lie far apart in memory, as many rows are copied together first: a tile takes a few floats of
// each column, and so many lines in so many pages do not stay in the first-level cache.
constexpr std::int64_t copied_height = 96;
constexpr std::int64_t far_columns = 2 * copied_height;

/// copy[l, i] = A[i, l], `rows` of them, of a transposed A.
inline void copy_transposed(const float* a, std::int64_t a_col, std::int64_t depth, std::int64_t rows, float* copy) {
  for (std::int64_t l = 0; l < depth; ++l, a += a_col, copy += rows) {
    for_each_vector(rows,
                    [&](std::int64_t i, auto lanes) XL_LAMBDA_INLINE { lanes.store(copy + i, lanes.load(a + i)); });
  }
}

/// panel[l, j] = B[l, j], `columns` of them, zeros up to the panel's width.
inline void pack(const float* b, std::int64_t b_row, std::int64_t depth, std::int64_t columns, std::int64_t panel_width,
                 float* panel) {
  const std::int64_t whole = columns / width * width;
  for (std::int64_t l = 0; l < depth; ++l, b += b_row, panel += panel_width) {
    for (std::int64_t j = 0; j < whole; j += width) store(panel + j, load(b + j));
    if (whole < panel_width) {
      store(panel + whole, load_partial(b + whole, static_cast<int>(columns - whole)));
    }
  }
}

/// panel[l, j] = B[j, l], `columns` of them, zeros up to the panel's width.
inline void pack_transposed(const float* b, std::int64_t b_row, std::int64_t depth, std::int64_t columns,
                            std::int64_t panel_width, float* panel) {
  std::int64_t j = 0;
  for (; j + 4 <= columns; j += 4) {
    const float* const from = b + j * b_row;
    std::int64_t l = 0;
    for (; l + 4 <= depth; l += 4) {
      Quad p = load_quad(from + l), q = load_quad(from + b_row + l);
      Quad r = load_quad(from + 2 * b_row + l), s = load_quad(from + 3 * b_row + l);
      transpose(p, q, r, s);
      float* const to = panel + l * panel_width + j;
      store_quad(to, p);
      store_quad(to + panel_width, q);
      store_quad(to + 2 * panel_width, r);
      store_quad(to + 3 * panel_width, s);
    }
    for (; l < depth; ++l) {
      for (std::int64_t i = 0; i < 4; ++i) panel[l * panel_width + j + i] = from[i * b_row + l];
    }
  }
  for (; j < panel_width; ++j) {
    for (std::int64_t l = 0; l < depth; ++l) {
      panel[l * panel_width + j] = j < columns ? b[j * b_row + l] : 0.0f;
    }
  }
}

inline void transpose(std::int64_t rows, std::int64_t columns, const float* from, std::int64_t from_row, float* to) {
  pack_transposed(from, from_row, columns, rows, rows, to);
}

/// How many of `vectors` vectors of columns the next panel takes.
constexpr int panel_vectors(std::int64_t vectors) {
  if (vectors <= max_vectors) return static_cast<int>(vectors);
  return vectors == max_vectors + 1 ? max_vectors - 1 : max_vectors;
}

/// Rows [0, height) of one panel, in tiles of nearly equal height.
inline void multiply_panel(Tiles tiles, std::int64_t height, int vectors, Fill columns) {
  const MultiplyTiles* const functions = tile_functions(vectors, columns);
  const std::int64_t blocks = divide_up(height, max_rows(vectors));
  const std::int64_t rows = height / blocks;
  const std::int64_t taller = height % blocks;  // so many tiles have one row more
  tiles.count = taller;
  if (taller > 0) functions[rows + 1](tiles);
  const std::int64_t done = taller * (rows + 1);
  tiles.a += done * tiles.a_row;
  tiles.c += done * tiles.c_row;
  if (tiles.addend != nullptr) tiles.addend += done * tiles.addend_row;
  tiles.count = blocks - taller;
  functions[rows](tiles);
}

/// A sum over k is at most `max_depth` products in registers; such parts are added up in C, one after the other.
inline void multiply(const Gemm& p, std::int64_t max_depth) {
  alignas(64) float panel[deepest * max_vectors * width];
  alignas(64) float copy[deepest * copied_height];
  const bool copies = p.a_row == 1 && p.a_col > far_columns && p.m > max_rows(max_vectors);
  const std::int64_t most_rows = copies ? copied_height : max_height;
  const std::int64_t parts = larger(1, divide_up(p.k, max_depth));
  // Reading B in place is best unless its rows lie far apart and are read many times.
  const bool far_apart = p.m > 48 && p.k > 16 && p.n * p.k > 16384;

  for (std::int64_t top = 0; top < p.m; top += most_rows) {
    const std::int64_t height = smaller(most_rows, p.m - top);
    for (std::int64_t step = 0; step < p.terms * parts; ++step) {
      const std::int64_t term = step / parts, part = step % parts;
      const std::int64_t begin = p.k * part / parts, depth = p.k * (part + 1) / parts - begin;
      const bool first = step == 0, last = step + 1 == p.terms * parts;
      const float* const a = p.a + term * p.a_term + top * p.a_row + begin * p.a_col;
      const float* const b = p.b + term * p.b_term + begin * (p.b_transposed ? 1 : p.b_row);
      if (copies) copy_transposed(a, p.a_col, depth, height, copy);
      std::int64_t left = 0;
      while (left < p.n) {
        const std::int64_t whole = (p.n - left) / width;
        const bool paired = can_pair && 2 * p.n <= width && p.a_col == 1;
        const Fill fill = paired ? Fill::paired : whole == 0 ? Fill::partial : Fill::whole;
        const int vectors = whole == 0 ? 1 : panel_vectors(whole);
        const std::int64_t columns = smaller(p.n - left, vectors * width);
        const std::int64_t panel_width = paired ? width / 2 : vectors * width;

        Tiles tiles{};
        tiles.k = depth;
        tiles.a = copies ? copy : a;
        tiles.a_row = p.a_row;
        tiles.a_col = copies ? height : p.a_col;
        if (p.b_transposed) {
          pack_transposed(b + left * p.b_row, p.b_row, depth, columns, panel_width, panel);
        } else if (whole == 0 || far_apart) {
          pack(b + left, p.b_row, depth, columns, panel_width, panel);
        }
        if (paired) {
          store(panel + depth * panel_width, Batch(0.0f));  // what an odd last row is paired with
          for (std::int64_t l = 0; l < depth; l += 2) pair_rows(panel + l * panel_width);
        }
        const bool packed = p.b_transposed || whole == 0 || far_apart;
        tiles.b = packed ? panel : b + left;
        tiles.b_row = packed ? panel_width : p.b_row;
        tiles.c = p.c + top * p.c_row + left;
        tiles.c_row = p.c_row;
        tiles.accumulate = p.accumulate || !first;
        if (last) {
          tiles.bias = p.bias == nullptr ? nullptr : p.bias + left;
          tiles.addend = p.addend == nullptr ? nullptr : p.addend + top * p.addend_row + left;
          tiles.addend_row = p.addend_row;
          tiles.relu = p.relu;
        }
        tiles.columns = static_cast<int>(columns);
        multiply_panel(tiles, height, vectors, fill);
        left += columns;
      }
    }
  }
}

// A sum over A's rows as they lie in memory is over rows of data, as a weight's gradient: there are more such sums, of the other
// pieces of a batch, and together they are long.
constexpr bool over_data(const Gemm& p) { return p.a_row == 1 || p.a_col != 1; }

// From here on a sum over k is long: see kernels/long_sums.hpp. Its chains are added up in doubles, a block of C after another.
constexpr std::int64_t long_depth(const Gemm& p) { return !over_data(p) ? 8192 : p.n == 1 ? 256 : 1024; }

inline void multiply_long(const Gemm& p) {
  constexpr std::int64_t tall = 72, wide = 128, least = 64, chains = 16 * chain;
  float part[tall * (wide + least)];
  double total[tall * (wide + least)];
  for (std::int64_t top = 0; top < p.m; top += tall)
    for (std::int64_t left = 0, columns = 0; left < p.n; left += columns) {
      const std::int64_t rows = smaller(tall, p.m - top), rest = p.n - left;
      columns = rest < wide + least ? rest : wide;  // few columns are added up in another way: see Fill
      const std::int64_t size = rows * columns;
      for (std::int64_t i = 0; i < size; ++i) total[i] = 0.0;
      const std::int64_t terms_at_once = columns == 1 ? 1 : larger(1, chains / larger(1, p.k));
      for (std::int64_t term = 0; term < p.terms; term += terms_at_once)
        for (std::int64_t begin = 0; begin < p.k; begin += chains) {
          Gemm of = p;
          of.m = rows;
          of.n = columns;
          of.k = smaller(chains, p.k - begin);
          of.terms = smaller(terms_at_once, p.terms - term);
          of.a += term * p.a_term + top * p.a_row + begin * p.a_col;
          of.b += term * p.b_term + (p.b_transposed ? left * p.b_row + begin : begin * p.b_row + left);
          of.c = part;
          of.c_row = columns;
          of.accumulate = of.relu = false;
          of.bias = of.addend = nullptr;
          if (columns > 1 || !multiply_column(of)) multiply(of, 2 * chain);
          for (std::int64_t i = 0; i < size; ++i) total[i] += static_cast<double>(part[i]);
        }
      for (std::int64_t i = 0; i < rows; ++i)
        for (std::int64_t j = 0; j < columns; ++j)
          finish(p, top + i, left + j, static_cast<float>(total[i * columns + j]));
    }
}

inline void gemm(const Gemm& p) {
  if (p.m <= 0 || p.n <= 0) return;
  if (p.k * p.terms > long_depth(p)) return multiply_long(p);
  if (p.n == 1 && p.terms == 1 && multiply_column(p)) return;
  multiply(p, over_data(p) && p.k > short_sum ? 4 * chain : deepest);
}

}  // namespace xl::kernels::XL_KERNELS
