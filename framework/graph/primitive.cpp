#include "xlayers/framework/graph/primitive.hpp"

namespace xl {

std::int64_t rows(const TensorSpec& spec) {
  std::int64_t product = 1;
  for (std::size_t axis = 1; axis + 1 < spec.shape.rank(); ++axis) product *= spec.shape[axis];
  return product;
}

TensorSpecs PrimitiveLayer::infer(const TensorSpecs& inputs, const CallContext& context) const {
  if (!context.arguments.empty()) value_error("takes no argument '" + context.arguments.entries()[0].first + "'");
  return outputs(inputs);
}

Memory PrimitiveLayer::memory(const TensorSpecs&, bool) const { return {}; }

}  // namespace xl
