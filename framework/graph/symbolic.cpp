#include "xlayers/framework/graph/symbolic.hpp"

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/node.hpp"

namespace xl {

const TensorSpec& SymbolicTensor::spec() const {
  if (!node_) throw ValueError("this symbolic tensor is empty: it was made by no Input and no layer");
  return node_->outputs[index_];
}

TensorSpecs specs(const SymbolicTensors& tensors) {
  TensorSpecs specs;
  for (const SymbolicTensor& tensor : tensors) specs.push_back(tensor.spec());
  return specs;
}

}  // namespace xl
