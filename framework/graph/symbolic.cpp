#include "xlayers/framework/graph/symbolic.hpp"

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/layer_base.hpp"
#include "xlayers/framework/graph/node.hpp"

namespace xl {

const Node& SymbolicTensor::node() const {
  if (!node_) throw ValueError("this symbolic tensor is empty: it was made by no Input and no layer");
  return *node_;
}

const TensorSpec& SymbolicTensor::spec() const { return node().outputs[index_]; }

std::ostream& operator<<(std::ostream& out, const SymbolicTensor& tensor) {
  return out << "<SymbolicTensor shape=" << tensor.shape() << ", dtype=" << to_string(tensor.dtype())
             << ", layer=" << tensor.node().layer->name() << ">";
}

TensorSpecs specs(const SymbolicTensors& tensors) {
  TensorSpecs specs;
  for (const SymbolicTensor& tensor : tensors) specs.push_back(tensor.spec());
  return specs;
}

}  // namespace xl
