// The kernels for what every processor of the architecture has: SSE2 on x86-64, NEON on ARM.

#define XL_KERNELS baseline
#include "xlayers/framework/kernels/impl/table.hpp"

namespace xl::kernels {

const Table* baseline_table() { return &baseline::kernels; }

}  // namespace xl::kernels
