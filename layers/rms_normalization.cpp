#include "xlayers/layers/rms_normalization.hpp"

#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/parts/normalization.hpp"

namespace xl {

static void serialize(Archive& archive, RMSNormalizationOptions& o) {
  archive("axis", o.axis);
  archive("epsilon", o.epsilon);
}

namespace {

class RMSNormalizationLayer final : public NormalizationLayer<RMSNormalizationOptions> {
 public:
  explicit RMSNormalizationLayer(RMSNormalizationOptions o) : NormalizationLayer(std::move(o), false) {}

  void make_weights(const TensorSpecs& inputs) override {
    add_weight("scale", normalized_shape(options.axis, inputs[0].shape), "ones");
  }

  // n = x / sqrt(mean(x^2) + epsilon),  y = scale * n
  void forward(const ForwardCall& call) const override { along(call).forward(call, call.weights[0], nullptr); }

  // h = dy * scale
  // dx = (h - n * mean(h * n)) / sqrt(mean(x^2) + epsilon),  dscale = sum(dy * n)
  void backward(const BackwardCall& call) const override {
    along(call).backward(call, call.weights[0], call.weight_gradient(0), nullptr);
  }
};

}  // namespace

static std::shared_ptr<LayerBase> implement(RMSNormalizationOptions options) {
  return make_layer<RMSNormalizationLayer>(std::move(options));
}
template class LayerOf<RMSNormalizationOptions>;

}  // namespace xl
