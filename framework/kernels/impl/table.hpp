#pragma once

// The kernels of one instruction set, gathered.

#include "xlayers/framework/kernels/impl/gemm.hpp"
#include "xlayers/framework/kernels/table.hpp"

namespace xl::kernels::XL_KERNELS {

constexpr Table kernels{
    .gemm = gemm,
};

}  // namespace xl::kernels::XL_KERNELS
