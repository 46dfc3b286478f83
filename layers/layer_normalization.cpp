#include "xlayers/layers/layer_normalization.hpp"

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/parts/normalization.hpp"

#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/framework/graph/with_options.hpp"

namespace xl {

static void serialize(Archive& archive, LayerNormalization::Options& o) {
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

class LayerNormalizationLayer final : public WithOptions<PrimitiveLayer, LayerNormalization::Options> {
 public:
  using WithOptions::WithOptions;

  std::string_view class_name() const override { return "LayerNormalization"; }
  std::string_view package() const override { return "keras"; }
  Masking masking() const override { return Masking::keeps; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    const TensorSpec& x = single_input(inputs, 2);
    const Shape features = normalized_shape(options.axis, x.shape);
    if (built() && !weights().empty() && features != shape(weight(0).value))
      shape_error("an input whose normalized axes are " + to_string(shape(weight(0).value)), x.shape);
    return {x};
  }

  void make_weights(const TensorSpecs& inputs) override {
    const Shape features = normalized_shape(options.axis, inputs[0].shape);
    if (options.scale)
      add_weight("gamma", features, options.gamma_initializer, options.gamma_regularizer, options.gamma_constraint);
    if (options.center)
      add_weight("beta", features, options.beta_initializer, options.beta_regularizer, options.beta_constraint);
  }

  Memory memory(const TensorSpecs& inputs, bool) const override { return normalization(inputs[0].shape).memory(); }

  // rstd = 1 / sqrt(variance + epsilon),  n = (x - mean) * rstd,  y = gamma * n + beta
  void forward(const ForwardCall& call) const override {
    normalization(call).forward(call, options.scale ? call.weights[0] : nullptr,
                                options.center ? call.weights[beta()] : nullptr);
  }

  // h = dy * gamma
  // dx = rstd * (h - mean(h) - n * mean(h * n)),  dgamma = sum(dy * n),  dbeta = sum(dy)
  void backward(const BackwardCall& call) const override {
    normalization(call).backward(call, options.scale ? call.weights[0] : nullptr,
                                 options.scale ? call.weight_gradient(0) : nullptr,
                                 options.center ? call.weight_gradient(beta()) : nullptr);
  }

 private:
  std::size_t beta() const { return options.scale ? 1 : 0; }

  NormalizationAlong normalization(const Shape& input) const {
    return {options.axis, input, {.centered = true, .epsilon = options.epsilon}};
  }
  NormalizationAlong normalization(const ForwardCall& call) const {
    return normalization(call.input().sample->with_batch(call.samples));
  }
};

LayerNormalization::Options checked(LayerNormalization::Options options) {
  if (!(options.epsilon >= 0))
    throw ValueError(error_label("LayerNormalization", options.name) + "expected an epsilon of 0 or more, got " +
                     to_value(options.epsilon).to_text());
  options.axis = options.axis.sorted();
  return options;
}

}  // namespace

LayerNormalization::LayerNormalization(Options options)
    : Layer(make_layer<LayerNormalizationLayer>(checked(std::move(options)))) {}
LayerNormalization LayerNormalization::from_config(const Config& config) {
  return LayerNormalization(options_from_config<Options>(config, "LayerNormalization"));
}

namespace detail {
void register_layer_normalization() { register_layer("LayerNormalization", LayerNormalization::from_config); }
}  // namespace detail

}  // namespace xl
