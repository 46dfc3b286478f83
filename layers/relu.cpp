#include "xlayers/layers/relu.hpp"

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/framework/options/activation.hpp"

#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/framework/graph/with_options.hpp"

namespace xl {

static void serialize(Archive& archive, ReLU::Options& o) {
  archive.optional("activity_regularizer", o.activity_regularizer);
  archive("max_value", o.max_value);
  archive("negative_slope", o.negative_slope);
  archive("threshold", o.threshold);
}

static void serialize(Archive& archive, LeakyReLU::Options& o) {
  archive.optional("activity_regularizer", o.activity_regularizer);
  archive("negative_slope", o.negative_slope);
  if (!archive.writing()) archive("alpha", o.negative_slope);
}

namespace {

ActivationFunction function(const ReLU::Options& o) {
  return activations::relu({.negative_slope = o.negative_slope, .max_value = o.max_value, .threshold = o.threshold});
}
ActivationFunction function(const LeakyReLU::Options& o) { return activations::leaky_relu(o.negative_slope); }

constexpr std::string_view name_of(const ReLU::Options&) { return "ReLU"; }
constexpr std::string_view name_of(const LeakyReLU::Options&) { return "LeakyReLU"; }

template <class Options>
class RectifierLayer final : public WithOptions<PrimitiveLayer, Options> {
 public:
  explicit RectifierLayer(Options options)
      : WithOptions<PrimitiveLayer, Options>(std::move(options)), function_(function(this->options)) {}

  std::string_view class_name() const override { return name_of(this->options); }
  std::string_view package() const override { return "keras"; }
  Masking masking() const override { return Masking::keeps; }
  bool needs_building() const override { return false; }
  const Regularizer* activity_regularizer() const override {
    return this->options.activity_regularizer ? &this->options.activity_regularizer : nullptr;
  }

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
    throw ValueError(error_label(name_of(options), options.name) + text.substr(text.find(']') + 2));
  }
  return make_layer<RectifierLayer<Options>>(std::move(options));
}

}  // namespace

ReLU::ReLU(Options options) : Layer(make(std::move(options))) {}
ReLU ReLU::from_config(const Config& config) { return ReLU(options_from_config<Options>(config, "ReLU")); }

LeakyReLU::LeakyReLU(Options options) : Layer(make(std::move(options))) {}
LeakyReLU LeakyReLU::from_config(const Config& config) {
  return LeakyReLU(options_from_config<Options>(config, "LeakyReLU"));
}

namespace detail {
void register_relu() {
  register_layer("ReLU", ReLU::from_config);
  register_layer("LeakyReLU", LeakyReLU::from_config);
}
}  // namespace detail

}  // namespace xl
