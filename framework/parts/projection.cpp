#include "xlayers/framework/parts/projection.hpp"

#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/framework/parts/dense_product.hpp"

namespace xl {

namespace {

class Projection final : public PrimitiveLayer {
 public:
  explicit Projection(ProjectionOptions options) : options(std::move(options)) {}

  std::string_view class_name() const override { return "EinsumDense"; }
  std::string_view package() const override { return "keras"; }
  Config get_config() const override { return {}; }  // it is a part of the layer that makes it
  Masking masking() const override { return Masking::keeps; }
  bool may_go_wide(bool) const override { return true; }
  const Regularizer* activity_regularizer() const override {
    return options.activity_regularizer ? &options.activity_regularizer : nullptr;
  }

  TensorSpecs infer(const TensorSpecs& inputs, const CallContext& context) const override {
    const TensorSpec& x = single_input(inputs, 2 + options.contracted);
    const Shape in = contracted(x.shape), kernel = kernel_shape(in, context);
    if (!in.known()) shape_error("an input whose last axis is known", x.shape);
    if (in.elements() == 0) shape_error("an input of 1 feature or more", x.shape);
    if (built() && kernel != shape(weight(0).value)) {
      const Shape known = shape(weight(0).value);
      shape_error("an input that ends with " + to_string(Shape(known.begin(), known.begin() + options.contracted)),
                  x.shape);
    }
    TensorSpec y = x;
    y.shape = Shape(x.shape.begin(), x.shape.end() - options.contracted);
    for (Dim dim : units(context)) y.shape.push_back(dim);
    return {y};
  }
  TensorSpecs outputs(const TensorSpecs& inputs) const override { return infer(inputs, {}); }

  void build_weights(const TensorSpecs& inputs, const CallContext& context) override {
    infer(inputs, context);  // throws if they do not fit
    const Shape in = contracted(inputs[0].shape), out = units(context);
    add_weight("kernel", kernel_shape(in, context), options.kernel_initializer, options.kernel_regularizer,
               options.kernel_constraint, true, Fans{in.elements(), out.elements()});
    if (options.use_bias)
      add_weight("bias", out, options.bias_initializer, options.bias_regularizer, options.bias_constraint);
  }

  Memory memory(const TensorSpecs& inputs, bool) const override {
    const DenseProduct product = this->product(inputs[0].shape.sample(), 1);
    return DenseProduct::memory(product.rows, product.units, options.activation);
  }

  // y = activation(x W + b), of all axes but the contracted ones
  void forward(const ForwardCall& call) const override { product(*call.input().sample, call.samples).forward(call); }
  void backward(const BackwardCall& call) const override { product(*call.input().sample, call.samples).backward(call); }

  const ProjectionOptions options;

 private:
  DenseProduct product(const Shape& sample, std::int64_t samples) const {
    const Shape in = contracted(sample);
    return {.rows = samples * Shape(sample.begin(), sample.end() - options.contracted).elements(),
            .features = in.elements(),
            .units = weight(0).size() / in.elements(),
            .use_bias = options.use_bias,
            .activation = options.activation};
  }

  Shape contracted(const Shape& x) const { return Shape(x.end() - options.contracted, x.end()); }
  Shape units(const CallContext& context) const {
    return options.units.empty() ? Shape{context.arguments.at("units").as_int()} : options.units;
  }
  Shape kernel_shape(const Shape& in, const CallContext& context) const {
    Shape kernel = in;
    for (Dim dim : units(context)) kernel.push_back(dim);
    return kernel;
  }
};

}  // namespace

Layer projection(ProjectionOptions options) { return Layer(make_layer<Projection>(std::move(options))); }

}  // namespace xl
