#include "xlayers/framework/graph/layer.hpp"

#include <algorithm>
#include <ostream>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/call.hpp"

namespace xl {

Layer::Layer(std::shared_ptr<LayerBase> base) : base_(std::move(base)) {
  if (!base_) throw ValueError("expected a layer, got a null pointer");
}

std::ostream& operator<<(std::ostream& out, const Layer& layer) {
  return out << "<" << layer.class_name() << " name=" << layer.name()
             << ", built=" << (layer.built() ? "True" : "False") << ">";
}

SymbolicTensor Layer::operator()(const SymbolicTensor& input) const { return (*this)(SymbolicTensors{input}); }

SymbolicTensor Layer::operator()(const SymbolicTensors& inputs) const {
  SymbolicTensors outputs = call_layer(base_, inputs);
  if (outputs.size() != 1)
    throw ValueError(base_->label() + "has " + std::to_string(outputs.size()) + " outputs, not one");
  return outputs[0];
}

SymbolicTensors Layer::call(const SymbolicTensors& inputs, const Config& arguments) const {
  return call_layer(base_, inputs, {.arguments = arguments});
}

namespace {

void require_built(const LayerBase& layer) {
  if (!layer.built())
    throw ValueError(layer.label() +
                     "has no weights yet: it is built when it is called or when its model has an Input");
}

}  // namespace

std::int64_t Layer::count_params() const {
  require_built(*base_);
  std::int64_t count = 0;
  for (const Weight* weight : base_->weights()) count += weight->size();
  return count;
}

List<Tensor> Layer::get_weights() const {
  require_built(*base_);
  List<Tensor> values;
  for (const Weight* weight : base_->weights()) values.push_back(weight->value);
  return values;
}

void Layer::set_weights(const std::vector<Tensor>& values) const {
  require_built(*base_);
  const std::vector<Weight*> weights = base_->weights();
  if (values.size() != weights.size())
    throw ValueError(base_->label() + "has " + std::to_string(weights.size()) + " weights, got " +
                     std::to_string(values.size()));
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (shape(values[i]) != shape(weights[i]->value))
      throw ShapeError(base_->label() + "expected weight " + std::to_string(i) + " ('" + weights[i]->name +
                       "') of shape " + to_string(shape(weights[i]->value)) + ", got " + to_string(shape(values[i])));
  // Element by element: the memory stays where it is, so a plan that points to it holds.
  for (std::size_t i = 0; i < weights.size(); ++i)
    std::copy_n(values[i].data(), values[i].size(), weights[i]->value.data());
}

Config Layer::get_config() const { return base_->get_config(); }

}  // namespace xl
