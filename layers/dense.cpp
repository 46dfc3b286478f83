#include "xlayers/layers/dense.hpp"

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/framework/parts/dense_product.hpp"

#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/framework/graph/with_options.hpp"

namespace xl {

static void serialize(Archive& archive, Dense::Options& o) {
  archive.optional("activity_regularizer", o.activity_regularizer);
  archive("units", o.units);
  archive("activation", o.activation);
  archive("use_bias", o.use_bias);
  archive("kernel_initializer", o.kernel_initializer);
  archive("bias_initializer", o.bias_initializer);
  archive("kernel_regularizer", o.kernel_regularizer);
  archive("bias_regularizer", o.bias_regularizer);
  archive("kernel_constraint", o.kernel_constraint);
  archive("bias_constraint", o.bias_constraint);
  archive.ignore("quantization_config");
}

namespace {

class DenseLayer final : public WithOptions<PrimitiveLayer, Dense::Options> {
 public:
  using WithOptions::WithOptions;

  std::string_view class_name() const override { return "Dense"; }
  std::string_view package() const override { return "keras"; }
  Masking masking() const override { return Masking::keeps; }
  const Regularizer* activity_regularizer() const override {
    return options.activity_regularizer ? &options.activity_regularizer : nullptr;
  }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    const TensorSpec& x = single_input(inputs, 2);
    if (x.shape.back() == None) shape_error("an input whose last axis is known", x.shape);
    if (built() && x.shape.back() != shape(kernel().value)[0])
      shape_error("an input whose last axis is " + std::to_string(shape(kernel().value)[0]), x.shape);
    TensorSpec y = x;
    y.shape.back() = options.activation.output_columns(options.units);
    return {y};
  }

  void make_weights(const TensorSpecs& inputs) override {
    add_weight("kernel", {inputs[0].shape.back(), options.units}, options.kernel_initializer,
               options.kernel_regularizer, options.kernel_constraint);
    if (options.use_bias)
      add_weight("bias", {options.units}, options.bias_initializer, options.bias_regularizer, options.bias_constraint);
  }

  bool adds() const override { return options.activation.is_linear(); }

  Memory memory(const TensorSpecs& inputs, bool) const override {
    return DenseProduct::memory(rows(inputs[0]), options.units, options.activation);
  }

  // y = activation(x W + b), of the last axis. An input of 0 features has the output's rows, which it cannot tell.
  void forward(const ForwardCall& call) const override { product(call).forward(call); }
  void backward(const BackwardCall& call) const override { product(call).backward(call); }

 private:
  DenseProduct product(const ForwardCall& call) const {
    return {.rows = call.output().rows(),
            .features = call.input().columns(),
            .units = options.units,
            .use_bias = options.use_bias,
            .activation = options.activation};
  }
  const Weight& kernel() const { return weight(0); }
};

Dense::Options checked(Dense::Options options) {
  if (options.units < 1)
    throw ValueError(error_label("Dense", options.name) + "expected units of 1 or more, got " +
                     std::to_string(options.units));
  return options;
}

}  // namespace

Dense::Dense(Options options) : Layer(make_layer<DenseLayer>(checked(std::move(options)))) {}
Dense Dense::from_config(const Config& config) { return Dense(options_from_config<Options>(config, "Dense")); }

namespace detail {
void register_dense() { register_layer("Dense", Dense::from_config); }
}  // namespace detail

}  // namespace xl
