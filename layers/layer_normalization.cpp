#include "xlayers/layers/layer_normalization.hpp"

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/parts/normalization.hpp"

namespace xl {

static void serialize(Archive& archive, LayerNormalizationOptions& o) {
  bool rms_scaling = false;
  archive("axis", o.axis);
  archive("epsilon", o.epsilon);
  archive("center", o.center);
  archive("scale", o.scale);
  archive("rms_scaling", rms_scaling);
  archive("beta_initializer", o.beta_initializer);
  archive("gamma_initializer", o.gamma_initializer);
  archive("beta_regularizer", o.beta_regularizer);
  archive("gamma_regularizer", o.gamma_regularizer);
  archive("beta_constraint", o.beta_constraint);
  archive("gamma_constraint", o.gamma_constraint);
  if (rms_scaling)
    throw ValueError(
        "[LayerNormalization] rms_scaling is not supported: in Keras it divides by the deviation and not by the root "
        "mean square; RMSNormalization does what it was meant to do");
}

namespace {

class LayerNormalizationLayer final : public NormalizationLayer<LayerNormalizationOptions> {
 public:
  explicit LayerNormalizationLayer(LayerNormalizationOptions o) : NormalizationLayer(std::move(o), true) {}

  Masking masking() const override { return Masking::keeps; }

  void make_weights(const TensorSpecs& inputs) override {
    const Shape features = normalized_shape(options.axis, inputs[0].shape);
    if (options.scale)
      add_weight("gamma", features, options.gamma_initializer, options.gamma_regularizer, options.gamma_constraint);
    if (options.center)
      add_weight("beta", features, options.beta_initializer, options.beta_regularizer, options.beta_constraint);
  }

  // n = (x - mean) / sqrt(variance + epsilon),  y = gamma * n + beta
  void forward(const ForwardCall& call) const override {
    along(call).forward(call, options.scale ? call.weights[0] : nullptr,
                        options.center ? call.weights[beta()] : nullptr);
  }

  // h = dy * gamma
  // dx = (h - mean(h) - n * mean(h * n)) / sqrt(variance + epsilon),  dgamma = sum(dy * n),  dbeta = sum(dy)
  void backward(const BackwardCall& call) const override {
    along(call).backward(call, options.scale ? call.weights[0] : nullptr,
                         options.scale ? call.weight_gradient(0) : nullptr,
                         options.center ? call.weight_gradient(beta()) : nullptr);
  }

 private:
  std::size_t beta() const { return options.scale ? 1 : 0; }
};

}  // namespace

static std::shared_ptr<LayerBase> implement(LayerNormalizationOptions options) {
  return make_layer<LayerNormalizationLayer>(std::move(options));
}
template class LayerOf<LayerNormalizationOptions>;

}  // namespace xl
