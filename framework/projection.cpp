#include "xlayers/framework/projection.hpp"

#include "xlayers/framework/kernels/gemm.hpp"
#include "xlayers/framework/kernels/vector.hpp"
#include "xlayers/framework/primitive.hpp"

namespace xl {

namespace {

class Projection final : public PrimitiveLayer {
 public:
  explicit Projection(ProjectionOptions options) : options(std::move(options)) {}

  std::string_view class_name() const override { return "EinsumDense"; }
  std::string_view package() const override { return "keras"; }
  Config get_config() const override { return {}; }  // it is a part of the layer that makes it
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
    add_weight("kernel", kernel_shape(in, context), Zeros{}, options.kernel_regularizer, options.kernel_constraint);
    Tensor& kernel = weights()[0]->value;
    options.kernel_initializer.fill({kernel.data(), kernel.size()}, Fans{in.elements(), out.elements()});
    if (options.use_bias)
      add_weight("bias", out, options.bias_initializer, options.bias_regularizer, options.bias_constraint);
  }

  Memory memory(const TensorSpecs& inputs, bool) const override {
    const Sizes sizes = this->sizes(inputs[0].shape.sample());
    return {.saved_per_sample = options.activation.keeps_input() ? sizes.rows * sizes.units : 0};
  }

  // z = x W + b,  y = activation(z)
  void forward(const ForwardCall& call) const override {
    const Sizes sizes = this->sizes(*call.input().sample);
    const std::int64_t rows = call.samples * sizes.rows, units = sizes.units, features = sizes.features;
    float* z = options.activation.keeps_input() ? call.saved : call.output().data;
    kernels::gemm({.m = rows,
                   .n = units,
                   .k = features,
                   .a = call.input().data,
                   .a_row = features,
                   .b = call.weights[0],
                   .b_row = units,
                   .c = z,
                   .c_row = units,
                   .bias = options.use_bias ? call.weights[1] : nullptr,
                   .relu = options.activation.is_relu()});
    if (!options.activation.fuses()) options.activation.forward(rows, units, z, call.output().data);
  }

  // dz = dy * activation'(z)
  // dW = x^T dz,  db = the sum of dz over the rows,  dx = dz W^T
  void backward(const BackwardCall& call) const override {
    const Sizes sizes = this->sizes(*call.input().sample);
    const std::int64_t rows = call.samples * sizes.rows, units = sizes.units, features = sizes.features;
    float* dz = call.output_gradient().data;
    if (!options.activation.is_linear())
      options.activation.backward(rows, units, call.saved, call.output().data, dz, dz);
    if (float* dW = call.weight_gradient(0))
      kernels::gemm({.m = features,
                     .n = units,
                     .k = rows,
                     .a = call.input().data,
                     .a_row = 1,
                     .a_col = features,
                     .b = dz,
                     .b_row = units,
                     .c = dW,
                     .c_row = units,
                     .accumulate = true});
    if (float* db = options.use_bias ? call.weight_gradient(1) : nullptr)
      kernels::column_sums(rows, units, units, dz, db, true);
    if (const Block* dx = call.input_gradient())
      kernels::gemm({.m = rows,
                     .n = features,
                     .k = units,
                     .a = dz,
                     .a_row = units,
                     .b = call.weights[0],
                     .b_row = units,
                     .b_transposed = true,
                     .c = dx->data,
                     .c_row = features});
  }

  const ProjectionOptions options;

 private:
  // x is (rows, features), y (rows, units).
  struct Sizes {
    std::int64_t rows, features, units;
  };
  Sizes sizes(const Shape& sample) const {
    const Shape in = contracted(sample);
    return {Shape(sample.begin(), sample.end() - options.contracted).elements(), in.elements(),
            weight(0).size() / in.elements()};
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
