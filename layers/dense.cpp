#include "xlayers/layers/dense.hpp"

#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/framework/parts/dense_product.hpp"

namespace xl {

static void serialize(Archive& archive, DenseOptions& o) {
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

class DenseLayer final : public WithOptions<PrimitiveLayer, DenseOptions> {
 public:
  explicit DenseLayer(DenseOptions o) : WithOptions(std::move(o)) {
    if (options.units < 1) value_error("expected units of 1 or more, got " + std::to_string(options.units));
  }

  Masking masking() const override { return Masking::keeps; }
  bool may_go_wide(bool) const override { return true; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    const TensorSpec& x = single_input(inputs, 2);
    if (x.shape.back() == None) shape_error("an input whose last axis is known", x.shape);
    if (const Dim known = built() ? shape(weight(0).value)[0] : x.shape.back(); x.shape.back() != known)
      shape_error("an input whose last axis is " + std::to_string(known), x.shape);
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
};

}  // namespace

static std::shared_ptr<LayerBase> implement(DenseOptions options) { return make_layer<DenseLayer>(std::move(options)); }
template class LayerOf<DenseOptions>;

}  // namespace xl
