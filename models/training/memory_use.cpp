#include "xlayers/models/training/memory_use.hpp"

#include <ostream>
#include <string>

#include "xlayers/framework/base/number_text.hpp"

namespace xl {

std::ostream& operator<<(std::ostream& out, const MemoryUse& use) {
  const auto mib = [](std::int64_t bytes) { return fixed_text(static_cast<double>(bytes) / (1 << 20), 1); };
  return out << "training " << mib(use.training()) << " MiB: weights " << mib(use.weights) << ", gradients "
             << mib(use.gradients) << ", optimizer " << mib(use.optimizer) << ", step " << mib(use.step) << "; serving "
             << mib(use.serving()) << " MiB: weights " << mib(use.weights) << ", predict " << mib(use.predict);
}

}  // namespace xl
