#include "xlayers/layers/dense.hpp"

#include "xlayers/framework/error_text.hpp"
#include "xlayers/framework/errors.hpp"
#include "xlayers/framework/kernels/gemm.hpp"
#include "xlayers/framework/kernels/vector.hpp"
#include "xlayers/framework/primitive.hpp"

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

  // relu and no activation at all happen in the product's registers. Others need z = x W + b: forward keeps
  // it if their gradient is a function of z, and else writes y over it.
  bool adds() const override { return options.activation.is_linear(); }

  Memory memory(const TensorSpecs& inputs, bool) const override {
    const std::int64_t z = rows(inputs[0]) * options.units;
    return {.saved_per_sample = options.activation.keeps_input() ? z : 0,
            .scratch_per_sample = options.activation.halves() ? z : 0};
  }

  // z = x W + b,  y = activation(z)
  void forward(const ForwardCall& call) const override {
    const Block& x = call.input();
    const std::int64_t units = options.units, features = x.columns();
    float* z = options.activation.keeps_input() ? call.saved : call.output().data;
    // One product over all samples; or one a sample if each has the same tensor to add.
    const std::int64_t products = call.addend == nullptr ? 1 : call.samples;
    const std::int64_t all_rows = call.output().rows(), rows = all_rows / products;
    for (std::int64_t i = 0; i < products; ++i)
      kernels::gemm({.m = rows,
                     .n = units,
                     .k = features,
                     .a = x.data + i * rows * features,
                     .a_row = features,
                     .b = call.weights[0],
                     .b_row = units,
                     .c = z + i * rows * units,
                     .c_row = units,
                     .bias = options.use_bias ? call.weights[1] : nullptr,
                     .addend = call.addend,
                     .addend_row = units,
                     .relu = options.activation.is_relu()});
    if (!options.activation.fuses()) options.activation.forward(all_rows, units, z, call.output().data);
  }

  // dz = dy * activation'(z)
  // dW = x^T dz,  db = the sum of dz over the rows,  dx = dz W^T
  void backward(const BackwardCall& call) const override {
    const Block& x = call.input();
    const Block& y = call.output();
    const std::int64_t rows = y.rows(), units = options.units, features = x.columns();
    float* dz = call.output_gradient().data;
    if (!options.activation.is_linear()) {
      const float* dy = dz;
      if (options.activation.halves()) dz = call.scratch;
      options.activation.backward(rows, units, call.saved, y.data, dy, dz);
    }
    if (float* dW = call.weight_gradient(0))
      kernels::gemm({.m = features,
                     .n = units,
                     .k = rows,
                     .a = x.data,
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

 private:
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
