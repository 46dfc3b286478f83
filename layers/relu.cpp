#include "xlayers/layers/relu.hpp"

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/framework/options/activation.hpp"

namespace xl {

static void serialize(Archive& archive, ReLUOptions& o) {
  archive.optional("activity_regularizer", o.activity_regularizer);
  archive("max_value", o.max_value);
  archive("negative_slope", o.negative_slope);
  archive("threshold", o.threshold);
}

static void serialize(Archive& archive, LeakyReLUOptions& o) {
  archive.optional("activity_regularizer", o.activity_regularizer);
  archive("negative_slope", o.negative_slope);
  if (!archive.writing()) archive("alpha", o.negative_slope);
}

namespace {

ActivationFunction function(const ReLUOptions& o) {
  return activations::relu({.negative_slope = o.negative_slope, .max_value = o.max_value, .threshold = o.threshold});
}
ActivationFunction function(const LeakyReLUOptions& o) { return activations::leaky_relu(o.negative_slope); }

template <class Options>
class RectifierLayer final : public WithOptions<PrimitiveLayer, Options> {
 public:
  explicit RectifierLayer(Options options)
      : WithOptions<PrimitiveLayer, Options>(std::move(options)), function_(function(this->options)) {}

  Masking masking() const override { return Masking::keeps; }
  bool needs_building() const override { return false; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override { return {this->single_input(inputs, 1)}; }

  // y = f(x)
  void forward(const ForwardCall& call) const override {
    const Block& x = call.input();
    function_.forward(x.rows(), x.columns(), x.data, call.output().data);
  }

  // dx = dy * f'(x)
  void backward(const BackwardCall& call) const override {
    const Block& x = call.input();
    if (const Block* dx = call.input_gradient())
      function_.backward(x.rows(), x.columns(), x.data, call.output().data, call.output_gradient().data, dx->data);
  }

 private:
  const ActivationFunction function_;
};

// The activation says what is wrong with a parameter; the name of the layer is put before it.
template <class Options>
std::shared_ptr<LayerBase> make(Options options) {
  try {
    function(options);
  } catch (const ValueError& error) {
    const std::string text = error.what();
    throw ValueError(error_label(Options::class_name, options.name) + text.substr(text.find(']') + 2));
  }
  return make_layer<RectifierLayer<Options>>(std::move(options));
}

}  // namespace

template <class Options>
static std::shared_ptr<LayerBase> implement(Options options) {
  return make(std::move(options));
}
template class LayerOf<ReLUOptions>;
template class LayerOf<LeakyReLUOptions>;

}  // namespace xl
