#include "xlayers/layers/activation.hpp"

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/graph/primitive.hpp"

namespace xl {

static void serialize(Archive& archive, ActivationOptions& o) {
  archive.optional("activity_regularizer", o.activity_regularizer);
  archive("activation", o.activation);
}

namespace {

class ActivationLayer final : public WithOptions<PrimitiveLayer, ActivationOptions> {
 public:
  using WithOptions::WithOptions;

  Masking masking() const override { return Masking::keeps; }
  bool needs_building() const override { return false; }

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

ActivationOptions checked(ActivationOptions options) {
  if (!options.activation) throw ValueError("[Activation] expected the name of an activation, got none");
  return options;
}

}  // namespace

static std::shared_ptr<LayerBase> implement(ActivationOptions options) {
  return make_layer<ActivationLayer>(checked(std::move(options)));
}
template class LayerOf<ActivationOptions, Activation>;

}  // namespace xl
