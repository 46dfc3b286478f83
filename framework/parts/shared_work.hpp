#pragma once

#include <cstdint>

#include "xlayers/framework/base/parallel.hpp"
#include "xlayers/framework/base/threads.hpp"
#include "xlayers/framework/kernels/gemm.hpp"
#include "xlayers/framework/options/activation.hpp"

// What kernels do on one thread, shared out among the threads where there are several and the work is worth it: for layers that
// may go wide. The bits are those of the kernels.

namespace xl {

/// Handing out work takes as long as so many products.
inline constexpr double worth_sharing = 1 << 19;

/// Calls function(index) once for each index below `count`, in any order; together they are so many products.
template <class Function>
void shared_for(std::int64_t count, double products, const Function& function) {
  parallel_for(count, products < worth_sharing ? 1 : num_threads(), [&](std::int64_t index, int) { function(index); });
}

/// In blocks of C.
void product(const kernels::Gemm& whole);

/// y = f(x), x is (rows, columns). As ActivationFunction::forward, in blocks of rows.
void activate(const ActivationFunction& f, std::int64_t rows, std::int64_t columns, const float* x, float* y);
/// dx = dy * df/dx. As ActivationFunction::backward, in blocks of rows.
void activate_backward(const ActivationFunction& f, std::int64_t rows, std::int64_t columns, const float* x,
                       const float* y, const float* dy, float* dx);

/// sums[j] = sums[j] + the sum of x[i, j] over the rows, in blocks of columns.
void add_column_sums(std::int64_t rows, std::int64_t columns, const float* x, float* sums);

}  // namespace xl
