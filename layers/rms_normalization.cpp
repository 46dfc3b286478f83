#include "xlayers/layers/rms_normalization.hpp"

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/parts/normalization.hpp"

namespace xl {

static void serialize(Archive& archive, RMSNormalizationOptions& o) {
  archive("axis", o.axis);
  archive("epsilon", o.epsilon);
}

namespace {

class RMSNormalizationLayer final : public WithOptions<PrimitiveLayer, RMSNormalizationOptions> {
 public:
  using WithOptions::WithOptions;

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    const TensorSpec& x = single_input(inputs, 2);
    const Shape features = normalized_shape(options.axis, x.shape);
    if (built() && features != shape(weight(0).value))
      shape_error("an input whose normalized axes are " + to_string(shape(weight(0).value)), x.shape);
    return {x};
  }

  void make_weights(const TensorSpecs& inputs) override {
    add_weight("scale", normalized_shape(options.axis, inputs[0].shape), "ones");
  }

  Memory memory(const TensorSpecs& inputs, bool) const override { return normalization(inputs[0].shape).memory(); }

  // r = 1 / sqrt(mean(x^2) + epsilon),  n = x * r,  y = scale * n
  void forward(const ForwardCall& call) const override { normalization(call).forward(call, call.weights[0], nullptr); }

  // h = dy * scale
  // dx = r * (h - n * mean(h * n)),  dscale = sum(dy * n)
  void backward(const BackwardCall& call) const override {
    normalization(call).backward(call, call.weights[0], call.weight_gradient(0), nullptr);
  }

 private:
  NormalizationAlong normalization(const Shape& input) const {
    return {options.axis, input, {.centered = false, .epsilon = options.epsilon}};
  }
  NormalizationAlong normalization(const ForwardCall& call) const {
    return normalization(call.input().sample->with_batch(call.samples));
  }
};

RMSNormalizationOptions checked(RMSNormalizationOptions options) {
  if (!(options.epsilon >= 0))
    throw ValueError(error_label("RMSNormalization", options.name) + "expected an epsilon of 0 or more, got " +
                     to_value(options.epsilon).to_text());
  options.axis = options.axis.sorted();
  return options;
}

}  // namespace

static std::shared_ptr<LayerBase> implement(RMSNormalizationOptions options) {
  return make_layer<RMSNormalizationLayer>(checked(std::move(options)));
}
template class LayerOf<RMSNormalizationOptions>;

}  // namespace xl
