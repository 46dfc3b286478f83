#include "xlayers/layers/activation.hpp"

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/primitive.hpp"

#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/framework/graph/with_options.hpp"

namespace xl {

static void serialize(Archive& archive, Activation::Options& o) {
  archive.optional("activity_regularizer", o.activity_regularizer);
  archive("activation", o.activation);
}

namespace {

class ActivationLayer final : public WithOptions<PrimitiveLayer, Activation::Options> {
 public:
  using WithOptions::WithOptions;

  std::string_view class_name() const override { return "Activation"; }
  std::string_view package() const override { return "keras"; }
  Masking masking() const override { return Masking::keeps; }
  bool needs_building() const override { return false; }
  const Regularizer* activity_regularizer() const override {
    return options.activity_regularizer ? &options.activity_regularizer : nullptr;
  }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    TensorSpec y = single_input(inputs, 2);
    if (y.shape.back() != None) y.shape.back() = options.activation->output_columns(y.shape.back());
    return {y};
  }

  // y = f(x)
  void forward(const ForwardCall& call) const override {
    const Block& x = call.input();
    options.activation->forward(x.rows(), x.columns(), x.data, call.output().data);
  }

  // dx = dy * f'(x)
  void backward(const BackwardCall& call) const override {
    const Block& x = call.input();
    if (const Block* dx = call.input_gradient())
      options.activation->backward(x.rows(), x.columns(), x.data, call.output().data, call.output_gradient().data,
                                   dx->data);
  }
};

Activation::Options checked(Activation::Options options) {
  if (!options.activation) throw ValueError("[Activation] expected the name of an activation, got none");
  return options;
}

}  // namespace

Activation::Activation(Options options) : Layer(make_layer<ActivationLayer>(checked(std::move(options)))) {}
Activation Activation::from_config(const Config& config) {
  return Activation(options_from_config<Options>(config, "Activation"));
}

namespace detail {
void register_activation() { register_layer("Activation", Activation::from_config); }
}  // namespace detail

}  // namespace xl
