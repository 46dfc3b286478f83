#pragma once

// The kernels of one instruction set, gathered.

#include "xlayers/framework/kernels/impl/activations.hpp"
#include "xlayers/framework/kernels/impl/attention.hpp"
#include "xlayers/framework/kernels/impl/dropout.hpp"
#include "xlayers/framework/kernels/impl/gemm.hpp"
#include "xlayers/framework/kernels/impl/normalization.hpp"
#include "xlayers/framework/kernels/impl/sinusoids.hpp"
#include "xlayers/framework/kernels/impl/vector.hpp"
#include "xlayers/framework/kernels/table.hpp"

namespace xl::kernels::XL_KERNELS {

constexpr Table kernels{
    .gemm = gemm,
    .transpose = transpose,
    .activate = activate,
    .activate_backward = activate_backward,
    .attention_softmax = attention_softmax,
    .attention_softmax_block = attention_softmax_block,
    .attention_probabilities = attention_probabilities,
    .attention_softmax_backward = attention_softmax_backward,
    .row_products = row_products,
    .dropout = dropout,
    .normalize = normalize,
    .normalize_backward = normalize_backward,
    .add = add,
    .axpy = axpy,
    .scale = scale,
    .fill = fill,
    .sum = sum,
    .sum_of_absolutes = sum_of_absolutes,
    .sum_of_squares = sum_of_squares,
    .sum_of_absolute_differences = sum_of_absolute_differences,
    .sum_of_squared_differences = sum_of_squared_differences,
    .column_sums = column_sums,
    .move_to_doubles = move_to_doubles,
    .sgd_update = sgd_update,
    .sgd_momentum_update = sgd_momentum_update,
    .adam_update = adam_update,
    .rmsprop_update = rmsprop_update,
    .sinusoids = sinusoids,
};

}  // namespace xl::kernels::XL_KERNELS
