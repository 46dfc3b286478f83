#include "xlayers/layers/reshaping.hpp"

#include <algorithm>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/framework/options/axes.hpp"

namespace xl {

static void serialize(Archive& archive, FlattenOptions& o) { archive("data_format", o.data_format); }
static void serialize(Archive& archive, ReshapeOptions& o) { archive("target_shape", o.target_shape); }
static void serialize(Archive& archive, PermuteOptions& o) { archive("dims", o.dims); }

namespace {

std::string tuple(const std::vector<std::int64_t>& numbers) {
  std::string text = "(";
  for (std::size_t i = 0; i < numbers.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(numbers[i]);
  return text + (numbers.size() == 1 ? ",)" : ")");
}

// What the layers have in common: the elements of a sample go elsewhere, and their gradients go back.
template <class Options>
class ReshapingLayer : public WithOptions<PrimitiveLayer, Options> {
 public:
  using WithOptions<PrimitiveLayer, Options>::WithOptions;

  bool needs_building() const override { return false; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    if (inputs.size() != 1) throw ShapeError(this->label() + "takes one input, got " + std::to_string(inputs.size()));
    TensorSpec y = inputs[0];
    if (y.shape.rank() == 0) this->shape_error("an input with a batch axis", y.shape);
    y.shape = reshaped(y.shape.sample()).with_batch(y.shape[0]);
    return {y};
  }

  void forward(const ForwardCall& call) const override {
    const Block &x = call.input(), &y = call.output();
    if (const AxisOrder order = order_of(*x.sample); !order.identity())
      permute(order, *x.sample, x.samples, x.data, y.data);
    else if (x.size() > 0)
      std::copy_n(x.data, x.size(), y.data);
  }

  void backward(const BackwardCall& call) const override {
    const Block* dx = call.input_gradient();
    const Block& dy = call.output_gradient();
    if (dx == nullptr) return;
    if (const AxisOrder order = order_of(*dx->sample); !order.identity())
      permute_back(order, *dx->sample, dx->samples, dy.data, dx->data);
    else
      std::copy_n(dy.data, dy.size(), dx->data);
  }

 protected:
  // The shape of a sample of the output.
  virtual Shape reshaped(const Shape& sample) const = 0;
  // The order into which its elements are brought; without axes: that which they have.
  virtual AxisOrder order_of(const Shape&) const { return {}; }
};

class FlattenLayer final : public ReshapingLayer<FlattenOptions> {
 public:
  using ReshapingLayer::ReshapingLayer;

  Shape reshaped(const Shape& sample) const override { return {sample.known() ? sample.elements() : None}; }

  AxisOrder order_of(const Shape& sample) const override {
    if (options.data_format == "channels_last") return {};
    AxisOrder order;
    order.rank = sample.rank();
    for (std::size_t i = 0; i < order.rank; ++i) order.order[i] = (i + 1) % order.rank;
    return order;
  }
};

class ReshapeLayer final : public ReshapingLayer<ReshapeOptions> {
 public:
  using ReshapingLayer::ReshapingLayer;

  Shape reshaped(const Shape& sample) const override {
    Shape known, result;
    for (const std::int64_t extent : options.target_shape) {
      if (extent != -1) known.push_back(extent);
      result.push_back(extent == -1 ? None : extent);
    }
    if (!sample.known()) return result;
    const std::int64_t size = sample.elements(), product = known.elements();
    const bool rest = known.rank() < result.rank();
    if (rest ? product == 0 || size % product != 0 : size != product)
      shape_error("an input whose samples fit into " + tuple(options.target_shape), sample.with_batch(None));
    for (std::size_t axis = 0; axis < result.rank(); ++axis)
      if (result[axis] == None) result[axis] = size / product;
    return result;
  }
};

class PermuteLayer final : public ReshapingLayer<PermuteOptions> {
 public:
  using ReshapingLayer::ReshapingLayer;

  Shape reshaped(const Shape& sample) const override {
    if (sample.rank() != options.dims.size())
      shape_error("an input of " + std::to_string(options.dims.size()) + " axes behind the batch axis",
                  sample.with_batch(None));
    return order_of(sample)(sample);
  }

  AxisOrder order_of(const Shape&) const override {
    AxisOrder order;
    for (const std::int64_t dim : options.dims) order.order[order.rank++] = static_cast<std::size_t>(dim - 1);
    return order;
  }
};

FlattenOptions checked(FlattenOptions o) {
  check_known(error_label("Flatten", o.name), "data_format", o.data_format, {"channels_last", "channels_first"});
  return o;
}

ReshapeOptions checked(ReshapeOptions o) {
  const auto wrong = [](std::int64_t extent) { return extent < -1; };
  if (std::any_of(o.target_shape.begin(), o.target_shape.end(), wrong) ||
      std::count(o.target_shape.begin(), o.target_shape.end(), -1) > 1)
    throw ValueError(error_label("Reshape", o.name) +
                     "expected a target_shape of extents of 0 or more, and at most one -1, got " +
                     tuple(o.target_shape));
  if (o.target_shape.size() >= Shape::max_rank)
    throw ValueError(error_label("Reshape", o.name) + "a sample has at most " + std::to_string(Shape::max_rank - 1) +
                     " axes, got a target_shape of " + std::to_string(o.target_shape.size()));
  return o;
}

PermuteOptions checked(PermuteOptions o) {
  std::vector<std::int64_t> sorted = o.dims;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i)
    if (sorted[i] != static_cast<std::int64_t>(i) + 1 || i + 1 >= Shape::max_rank)
      throw ValueError(error_label("Permute", o.name) + "expected dims that are 1, 2, ... in some order, at most " +
                       std::to_string(Shape::max_rank - 1) + ", got " + tuple(o.dims));
  return o;
}

}  // namespace

static std::shared_ptr<LayerBase> implement(FlattenOptions options) {
  return make_layer<FlattenLayer>(checked(std::move(options)));
}
template class LayerOf<FlattenOptions>;

static std::shared_ptr<LayerBase> implement(ReshapeOptions options) {
  return make_layer<ReshapeLayer>(checked(std::move(options)));
}
template class LayerOf<ReshapeOptions, Reshape>;

static std::shared_ptr<LayerBase> implement(PermuteOptions options) {
  return make_layer<PermuteLayer>(checked(std::move(options)));
}
template class LayerOf<PermuteOptions, Permute>;

}  // namespace xl
