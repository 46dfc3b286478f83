#include "xlayers/layers/token_embedding.hpp"

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/composite.hpp"
#include "xlayers/layers/conv1d.hpp"

#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/framework/graph/with_options.hpp"

namespace xl {

static void serialize(Archive& archive, TokenEmbedding::Options& o) {
  archive("c_in", o.c_in);
  archive("d_model", o.d_model);
  archive("padding", o.padding);
  archive("kernel_initializer", o.kernel_initializer);
  archive("use_bias", o.use_bias);
}

namespace {

class TokenEmbeddingLayer final : public WithOptions<CompositeLayer, TokenEmbedding::Options> {
 public:
  explicit TokenEmbeddingLayer(TokenEmbedding::Options o)
      : WithOptions(o),
        conv_({.filters = o.d_model,
               .kernel_size = 3,
               .padding = o.padding,
               .use_bias = o.use_bias,
               .kernel_initializer = o.kernel_initializer}) {}

  std::string_view class_name() const override { return "TokenEmbedding"; }

  SymbolicTensors call(const SymbolicTensors& inputs, const CallContext&) const override {
    const Shape x = single_input(specs(inputs), 3).shape;
    if (x.rank() != 3 || x.back() != options.c_in)
      shape_error("an input (batch, steps, c_in = " + std::to_string(options.c_in) + ")", x);
    return {conv_(inputs[0])};
  }

 private:
  Conv1D conv_;
};

TokenEmbedding::Options checked(TokenEmbedding::Options o) {
  const std::string label = error_label("TokenEmbedding", o.name);
  if (o.c_in < 1 || o.d_model < 1)
    throw ValueError(label + "expected c_in and d_model of 1 or more, got " + std::to_string(o.c_in) + " and " +
                     std::to_string(o.d_model));
  check_known(label, "padding", o.padding, {"same", "causal", "circular"});
  return o;
}

}  // namespace

TokenEmbedding::TokenEmbedding(Options options) : Layer(make_layer<TokenEmbeddingLayer>(checked(std::move(options)))) {}
TokenEmbedding TokenEmbedding::from_config(const Config& config) {
  return TokenEmbedding(options_from_config<Options>(config, "TokenEmbedding"));
}

namespace detail {
void register_token_embedding() { register_layer("TokenEmbedding", TokenEmbedding::from_config); }
}  // namespace detail

}  // namespace xl
