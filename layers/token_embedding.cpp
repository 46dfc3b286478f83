#include "xlayers/layers/token_embedding.hpp"

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/composite.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/layers/conv1d.hpp"

namespace xl {

static void serialize(Archive& archive, TokenEmbeddingOptions& o) {
  archive("c_in", o.c_in);
  archive("d_model", o.d_model);
  archive("padding", o.padding);
  archive("kernel_initializer", o.kernel_initializer);
  archive("use_bias", o.use_bias);
}

namespace {

class TokenEmbeddingLayer final : public WithOptions<CompositeLayer, TokenEmbeddingOptions> {
 public:
  explicit TokenEmbeddingLayer(TokenEmbeddingOptions o)
      : WithOptions(o),
        conv_({.filters = o.d_model,
               .kernel_size = 3,
               .padding = o.padding,
               .use_bias = o.use_bias,
               .kernel_initializer = o.kernel_initializer}) {
    conv_.base().set_name("conv");  // it has counted as Keras' does, and has a name that others can rely on
  }

  SymbolicTensors call(const SymbolicTensors& inputs, const CallContext&) const override {
    const Shape x = single_input(specs(inputs), 3).shape;
    if (x.rank() != 3 || x.back() != options.c_in)
      shape_error("an input (batch, steps, c_in = " + std::to_string(options.c_in) + ")", x);
    return {conv_(inputs[0])};
  }

 private:
  Conv1D conv_;
};

TokenEmbeddingOptions checked(TokenEmbeddingOptions o) {
  const std::string label = error_label("TokenEmbedding", o.name);
  if (o.c_in < 1 || o.d_model < 1)
    throw ValueError(label + "expected c_in and d_model of 1 or more, got " + std::to_string(o.c_in) + " and " +
                     std::to_string(o.d_model));
  check_known(label, "padding", o.padding, {"same", "causal", "circular"});
  return o;
}

}  // namespace

static std::shared_ptr<LayerBase> implement(TokenEmbeddingOptions options) {
  return make_layer<TokenEmbeddingLayer>(checked(std::move(options)));
}
template class LayerOf<TokenEmbeddingOptions>;

}  // namespace xl
