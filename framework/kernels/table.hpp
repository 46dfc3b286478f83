#pragma once

// Internal: how the kernels of one instruction set are found.

#include "xlayers/framework/kernels/activations.hpp"
#include "xlayers/framework/kernels/attention.hpp"
#include "xlayers/framework/kernels/dropout.hpp"
#include "xlayers/framework/kernels/gemm.hpp"
#include "xlayers/framework/kernels/long_sums.hpp"
#include "xlayers/framework/kernels/normalization.hpp"
#include "xlayers/framework/kernels/sinusoids.hpp"
#include "xlayers/framework/kernels/vector.hpp"

namespace xl::kernels {

/// The kernels of one instruction set: for each public function a pointer of its name.
struct Table {
  decltype(&kernels::gemm) gemm;
  decltype(&kernels::transpose) transpose;

  decltype(&kernels::activate) activate;
  decltype(&kernels::activate_backward) activate_backward;

  decltype(&kernels::attention_softmax) attention_softmax;
  decltype(&kernels::attention_softmax_block) attention_softmax_block;
  decltype(&kernels::attention_probabilities) attention_probabilities;
  decltype(&kernels::attention_softmax_backward) attention_softmax_backward;
  decltype(&kernels::row_products) row_products;

  decltype(&kernels::dropout) dropout;

  decltype(&kernels::normalize) normalize;
  decltype(&kernels::normalize_backward) normalize_backward;

  decltype(&kernels::add) add;
  decltype(&kernels::axpy) axpy;
  decltype(&kernels::scale) scale;
  decltype(&kernels::fill) fill;
  decltype(&kernels::sum) sum;
  decltype(&kernels::sum_of_absolutes) sum_of_absolutes;
  decltype(&kernels::sum_of_squares) sum_of_squares;
  decltype(&kernels::sum_of_absolute_differences) sum_of_absolute_differences;
  decltype(&kernels::sum_of_squared_differences) sum_of_squared_differences;
  decltype(&kernels::column_sums) column_sums;
  decltype(&kernels::move_to_doubles) move_to_doubles;
  decltype(&kernels::sgd_update) sgd_update;
  decltype(&kernels::sgd_momentum_update) sgd_momentum_update;
  decltype(&kernels::adam_update) adam_update;
  decltype(&kernels::rmsprop_update) rmsprop_update;

  decltype(&kernels::sinusoids) sinusoids;
};

/// The kernels of each instruction set; null if this build does not have them.
const Table* baseline_table();
const Table* avx2_table();
const Table* avx512_table();

/// The kernels of `instruction_set()`.
const Table& table();

}  // namespace xl::kernels
