// The kernels for AVX-512: compiled with -mavx512f -mavx512cd -mavx512dq -mavx512bw -mavx512vl, and
// run only on processors that have it.

#include "xlayers/framework/kernels/table.hpp"

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)

#define XL_KERNELS avx512
#include "xlayers/framework/kernels/impl/table.hpp"

namespace xl::kernels {

const Table* avx512_table() { return &avx512::kernels; }

}  // namespace xl::kernels

#else

namespace xl::kernels {

const Table* avx512_table() { return nullptr; }

}  // namespace xl::kernels

#endif
