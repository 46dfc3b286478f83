#pragma once

// The innermost part of the matrix product: a tile of C held in registers.

#include "xlayers/framework/kernels/impl/simd.hpp"

namespace xl::kernels::XL_KERNELS {

/// `count` tiles of C, one below the other, each of Rows rows and Vectors vectors of columns.
/// B is read as rows of vectors, in place or from a packed panel.
struct Tiles {
  std::int64_t count, k;
  const float* a;
  std::int64_t a_row, a_col;
  const float* b;
  std::int64_t b_row;
  float* c;
  std::int64_t c_row;
  bool accumulate;
  const float* bias;
  const float* addend;
  std::int64_t addend_row;
  bool relu;
  int columns;  // of the last vector, when that is not a whole one
};

template <bool Partial>
XL_INLINE Batch load_columns(const float* from, int columns) {
  if constexpr (Partial) return load_partial(from, columns);
  return load(from);
}

// sum[r][v] += A[r, l] B[l, v], l = 0, 1, ..., k - 1: one fused multiply-add after the other, so
// the order is the same whatever the height of the tile.
template <int Rows, int Vectors, bool Partial>
void multiply_tiles(const Tiles& tiles) {
  static_assert(Vectors == 1 || !Partial);
  for (std::int64_t tile = 0; tile < tiles.count; ++tile) {
    Batch sum[Rows][Vectors];
    XL_UNROLL for (int r = 0; r < Rows; ++r) {
      XL_UNROLL for (int v = 0; v < Vectors; ++v) sum[r][v] = Batch(0.0f);
    }

    // One pointer for three rows: an address can be a base plus once or twice the row stride.
    constexpr int Bases = (Rows + 2) / 3;
    const std::int64_t a_row = tiles.a_row, a_col = tiles.a_col, b_row = tiles.b_row;
    const float* a[Bases];
    XL_UNROLL for (int i = 0; i < Bases; ++i) a[i] = tiles.a + (tile * Rows + 3 * i) * a_row;
    const float* b = tiles.b;
    for (std::int64_t l = tiles.k; l > 0; --l) {
      Batch row[Vectors];
      XL_UNROLL for (int v = 0; v < Vectors; ++v) row[v] = load(b + v * width);
      XL_UNROLL for (int r = 0; r < Rows; ++r) {
        const Batch factor(a[r / 3][(r % 3) * a_row]);
        XL_UNROLL for (int v = 0; v < Vectors; ++v) {
          sum[r][v] = xsimd::fma(factor, row[v], sum[r][v]);
        }
      }
      XL_UNROLL for (int i = 0; i < Bases; ++i) a[i] += a_col;
      b += b_row;
    }

    float* const c = tiles.c + tile * Rows * tiles.c_row;
    if (tiles.accumulate) {
      XL_UNROLL for (int r = 0; r < Rows; ++r) {
        XL_UNROLL for (int v = 0; v < Vectors; ++v) {
          sum[r][v] += load_columns<Partial>(c + r * tiles.c_row + v * width, tiles.columns);
        }
      }
    }
    if (tiles.bias != nullptr) {
      XL_UNROLL for (int v = 0; v < Vectors; ++v) {
        const Batch bias = load_columns<Partial>(tiles.bias + v * width, tiles.columns);
        XL_UNROLL for (int r = 0; r < Rows; ++r) sum[r][v] += bias;
      }
    }
    if (tiles.addend != nullptr) {
      const float* const addend = tiles.addend + tile * Rows * tiles.addend_row;
      XL_UNROLL for (int r = 0; r < Rows; ++r) {
        XL_UNROLL for (int v = 0; v < Vectors; ++v) {
          sum[r][v] +=
              load_columns<Partial>(addend + r * tiles.addend_row + v * width, tiles.columns);
        }
      }
    }
    if (tiles.relu) {
      XL_UNROLL for (int r = 0; r < Rows; ++r) {
        XL_UNROLL for (int v = 0; v < Vectors; ++v) sum[r][v] = relu(sum[r][v]);
      }
    }
    XL_UNROLL for (int r = 0; r < Rows; ++r) {
      XL_UNROLL for (int v = 0; v < Vectors; ++v) {
        float* const to = c + r * tiles.c_row + v * width;
        if constexpr (Partial) {
          store_partial(to, sum[r][v], tiles.columns);
        } else {
          store(to, sum[r][v]);
        }
      }
    }
  }
}

/// The widest tile, in vectors. The registers hold the tile, a row of it and a factor.
constexpr int max_vectors = registers == 32 ? 4 : 3;

/// The tallest tile of this many vectors.
constexpr int max_rows(int vectors) {
  const int sums = registers == 32 ? 24 : width == 4 ? 8 : 12;
  const int rows = sums / vectors;
  return rows > 12 ? 12 : rows;
}

using MultiplyTiles = void (*)(const Tiles&);

/// multiply_tiles<rows, Vectors, Partial> for rows = 1 ... max_rows(Vectors), at index rows.
template <int Vectors, bool Partial>
struct TileTable {
  MultiplyTiles of_rows[13] = {};
  constexpr TileTable() { fill<max_rows(Vectors)>(); }
  template <int Rows>
  constexpr void fill() {
    of_rows[Rows] = multiply_tiles<Rows, Vectors, Partial>;
    if constexpr (Rows > 1) fill<Rows - 1>();
  }
};

template <int Vectors, bool Partial>
constexpr TileTable<Vectors, Partial> tile_table{};

inline const MultiplyTiles* tile_functions(int vectors, bool partial) {
  if (partial) return tile_table<1, true>.of_rows;
  if (vectors == 1) return tile_table<1, false>.of_rows;
  if (vectors == 2) return tile_table<2, false>.of_rows;
  if constexpr (max_vectors == 3) return tile_table<3, false>.of_rows;
  if constexpr (max_vectors == 4) {
    return vectors == 3 ? tile_table<3, false>.of_rows : tile_table<4, false>.of_rows;
  }
}

}  // namespace xl::kernels::XL_KERNELS
