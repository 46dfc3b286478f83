// The kernels for AVX2 and FMA: compiled with -mavx2 -mfma, and run only on processors that have
// it.

#include "xlayers/framework/kernels/table.hpp"

#if defined(__AVX2__) && defined(__FMA__)

#define XL_KERNELS avx2
#include "xlayers/framework/kernels/impl/table.hpp"

namespace xl::kernels {

const Table* avx2_table() { return &avx2::kernels; }

}  // namespace xl::kernels

#else

namespace xl::kernels {

const Table* avx2_table() { return nullptr; }

}  // namespace xl::kernels

#endif
