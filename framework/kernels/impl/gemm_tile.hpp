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

/// How a tile's columns fill its vectors.
enum class Fill {
  whole,    // they do
  partial,  // one vector, not all of it
  paired,   // half a vector at most: the other half takes every other row of B
};

template <bool Partial>
XL_INLINE Batch load_columns(const float* from, int columns) {
  if constexpr (Partial) return load_partial(from, columns);
  return load(from);
}

// sum[r][v] += A[r, l] B[l, v], l = 0, 1, ..., k - 1: one fused multiply-add after the other, so
// the order is the same whatever the height of the tile.
template <int Rows, int Vectors>
XL_INLINE void multiply(const Tiles& tiles, const float* top, Batch (&sum)[Rows][Vectors]) {
  // One pointer for three rows: an address can be a base plus once or twice the row stride.
  constexpr int Bases = (Rows + 2) / 3;
  const std::int64_t a_row = tiles.a_row, a_col = tiles.a_col, b_row = tiles.b_row;
  const float* a[Bases];
  XL_UNROLL for (int i = 0; i < Bases; ++i) a[i] = top + 3 * i * a_row;
  const float* b = tiles.b;
  for (std::int64_t l = tiles.k; l > 0; --l) {
    Batch row[Vectors];
    XL_UNROLL for (int v = 0; v < Vectors; ++v) row[v] = load(b + v * width);
    XL_UNROLL for (int r = 0; r < Rows; ++r) {
      const Batch factor(a[r / 3][(r % 3) * a_row]);
      XL_UNROLL for (int v = 0; v < Vectors; ++v) { sum[r][v] = xsimd::fma(factor, row[v], sum[r][v]); }
    }
    XL_UNROLL for (int i = 0; i < Bases; ++i) a[i] += a_col;
    b += b_row;
  }
}

#if XSIMD_WITH_AVX512BW
constexpr bool can_pair = true;

/// Two floats over and over, as one number of 64 bits that a load can repeat.
XL_INLINE Batch repeat_pair(const float* from) {
  return Batch(_mm512_castpd_ps(_mm512_set1_pd(load_part<double>(from))));
}

/// From two rows of eight floats to their elements in turn: [p0 ... p7, q0 ... q7] to [p0, q0, p1,
/// q1, ...].
XL_INLINE void pair_rows(float* rows) {
  const __m512i turn = _mm512_setr_epi32(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
  store(rows, Batch(_mm512_permutexvar_ps(turn, load(rows))));
}

// Two rows of B at a time, paired by pair_rows, meet two neighbours of a row of A. So even lanes
// sum over l = 0, 2, 4, ..., odd lanes over l = 1, 3, 5, ...; in the end both are added.
template <int Rows>
XL_INLINE void multiply_paired(const Tiles& tiles, const float* top, Batch (&sum)[Rows][1]) {
  constexpr int Bases = (Rows + 2) / 3;
  const std::int64_t a_row = tiles.a_row;
  const float* a[Bases];
  XL_UNROLL for (int i = 0; i < Bases; ++i) a[i] = top + 3 * i * a_row;
  const float* b = tiles.b;
  for (std::int64_t pairs = tiles.k / 2; pairs > 0; --pairs, b += width) {
    const Batch rows = load(b);
    XL_UNROLL for (int r = 0; r < Rows; ++r) {
      sum[r][0] = xsimd::fma(repeat_pair(a[r / 3] + (r % 3) * a_row), rows, sum[r][0]);
    }
    XL_UNROLL for (int i = 0; i < Bases; ++i) a[i] += 2;
  }
  if (tiles.k % 2 != 0) {
    const Batch rows = load(b);
    XL_UNROLL for (int r = 0; r < Rows; ++r) {
      const __m512 last = _mm512_set1_ps(a[r / 3][(r % 3) * a_row]);
      sum[r][0] = xsimd::fma(Batch(_mm512_maskz_mov_ps(0x5555, last)), rows, sum[r][0]);
    }
  }
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 0, 2, 4, 6, 8, 10, 12, 14);
  XL_UNROLL for (int r = 0; r < Rows; ++r) {
    const Batch both = sum[r][0] + Batch(_mm512_permute_ps(sum[r][0], 0b10110001));
    sum[r][0] = Batch(_mm512_permutexvar_ps(even, both));
  }
}
#else
constexpr bool can_pair = false;

inline void pair_rows(float*) {}
template <int Rows>
void multiply_paired(const Tiles&, const float*, Batch (&)[Rows][1]) = delete;
#endif

template <int Rows, int Vectors, Fill Columns>
void multiply_tiles(const Tiles& tiles) {
  constexpr bool Partial = Columns != Fill::whole;
  static_assert(Vectors == 1 || !Partial);
  for (std::int64_t tile = 0; tile < tiles.count; ++tile) {
    Batch sum[Rows][Vectors];
    XL_UNROLL for (int r = 0; r < Rows; ++r) { XL_UNROLL for (int v = 0; v < Vectors; ++v) sum[r][v] = Batch(0.0f); }
    const float* const top = tiles.a + tile * Rows * tiles.a_row;
    if constexpr (Columns == Fill::paired) {
      multiply_paired<Rows>(tiles, top, sum);
    } else {
      multiply<Rows, Vectors>(tiles, top, sum);
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
          sum[r][v] += load_columns<Partial>(addend + r * tiles.addend_row + v * width, tiles.columns);
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

/// multiply_tiles<rows, Vectors, Columns> for rows = 1 ... max_rows(Vectors), at index rows.
template <int Vectors, Fill Columns>
struct TileTable {
  MultiplyTiles of_rows[13] = {};
  constexpr TileTable() { fill<max_rows(Vectors)>(); }
  template <int Rows>
  constexpr void fill() {
    of_rows[Rows] = multiply_tiles<Rows, Vectors, Columns>;
    if constexpr (Rows > 1) fill<Rows - 1>();
  }
};

template <int Vectors, Fill Columns>
constexpr TileTable<Vectors, Columns> tile_table{};

/// The tiles of a panel of this many vectors. (Naming them by the template's parameters keeps those
/// that an instruction set does not use from being compiled.)
template <int Widest = max_vectors, Fill Narrow = can_pair ? Fill::paired : Fill::partial>
const MultiplyTiles* tile_functions(int vectors, Fill columns) {
  if (columns == Narrow) return tile_table<1, Narrow>.of_rows;
  if (vectors == Widest) return tile_table<Widest, Fill::whole>.of_rows;
  if (columns == Fill::partial) return tile_table<1, Fill::partial>.of_rows;
  if (vectors == 3) return tile_table<3, Fill::whole>.of_rows;
  if (vectors == 2) return tile_table<2, Fill::whole>.of_rows;
  return tile_table<1, Fill::whole>.of_rows;
}

}  // namespace xl::kernels::XL_KERNELS
