#include "xlayers/framework/kernels/sinusoids.hpp"

#include "xlayers/framework/kernels/table.hpp"

namespace xl::kernels {

void sinusoids(const Sinusoids& range) { table().sinusoids(range); }

}  // namespace xl::kernels
