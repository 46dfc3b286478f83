#include "xlayers/layers/transformer_block.hpp"

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/number_text.hpp"
#include "xlayers/framework/graph/composite.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/dropout.hpp"
#include "xlayers/layers/layer_normalization.hpp"
#include "xlayers/layers/merging.hpp"
#include "xlayers/layers/multi_head_attention.hpp"
#include "xlayers/layers/reshaping.hpp"

namespace xl {

static void serialize(Archive& archive, TransformerBlockOptions& o) {
  archive("dim_model", o.dim_model);
  archive("num_heads", o.num_heads);
  archive("ff_units", o.ff_units);
  archive("dropout_rate", o.dropout_rate);
  archive("norm_first", o.norm_first);
}

namespace {

class TransformerBlockLayer final : public WithOptions<CompositeLayer, TransformerBlockOptions> {
 public:
  explicit TransformerBlockLayer(TransformerBlockOptions o)
      : WithOptions(o),
        multihead_attention_({.num_heads = o.num_heads,
                              .key_dim = o.dim_model / o.num_heads,
                              .dropout = o.dropout_rate,
                              .name = "multihead_attention"}),
        dropout1_({.rate = o.dropout_rate, .name = "dropout1"}),
        add1_({.name = "add1"}),
        layer_norm1_({.epsilon = 1e-6f, .name = "layer_norm1"}),
        ff1_({.units = o.ff_units, .activation = "relu", .name = "ff1"}),
        dropout2_({.rate = o.dropout_rate, .name = "dropout2"}),
        ff2_({.units = o.dim_model, .name = "ff2"}),
        add2_({.name = "add2"}),
        layer_norm2_({.epsilon = 1e-6f, .name = "layer_norm2"}),
        to_one_step_({.target_shape = {1, o.dim_model}, .name = "to_one_step"}),
        from_one_step_({.target_shape = {o.dim_model}, .name = "from_one_step"}) {}

  // In the order of Keras' weights, not of the calls.
  std::vector<Layer> children() const override {
    if (CompositeLayer::children().empty()) return {};
    return {multihead_attention_, dropout1_, add1_, layer_norm1_, ff1_, dropout2_, ff2_, add2_, layer_norm2_};
  }

  SymbolicTensors call(const SymbolicTensors& inputs, const CallContext& context) const override {
    for (const auto& [argument, value] : context.arguments.entries())
      if (argument != "use_causal_mask" && argument != "return_attention_scores")
        value_error("unknown argument '" + argument + "'; known are use_causal_mask, return_attention_scores");
    const Shape shape = single_input(specs(inputs), 2).shape;
    if (shape.rank() > 3 || shape.back() != options.dim_model)
      shape_error("an input (batch, steps, dim_model = " + std::to_string(options.dim_model) + ")", shape);

    const bool first = options.norm_first;
    const SymbolicTensor x = shape.rank() == 2 ? to_one_step_(inputs[0]) : inputs[0];
    const SymbolicTensor query = first ? layer_norm1_(x) : x;
    SymbolicTensors attended = multihead_attention_.call({query, query}, context.arguments);
    const SymbolicTensor sum = add1_(SymbolicTensors{x, dropout1_(attended[0])});
    const SymbolicTensor h = first ? sum : layer_norm1_(sum);
    const SymbolicTensor f = ff2_(dropout2_(ff1_(first ? layer_norm2_(h) : h)));
    const SymbolicTensor last = add2_(SymbolicTensors{h, f});
    const SymbolicTensor y = first ? last : layer_norm2_(last);
    attended[0] = shape.rank() == 2 ? from_one_step_(y) : y;
    return attended;
  }

 private:
  MultiHeadAttention multihead_attention_;
  Dropout dropout1_;
  Add add1_;
  LayerNormalization layer_norm1_;
  Dense ff1_;
  Dropout dropout2_;
  Dense ff2_;
  Add add2_;
  LayerNormalization layer_norm2_;
  Reshape to_one_step_, from_one_step_;
};

TransformerBlockOptions checked(TransformerBlockOptions o) {
  const std::string label = error_label("TransformerBlock", o.name);
  if (o.dim_model < 1 || o.num_heads < 1 || o.ff_units < 1)
    throw ValueError(label + "expected dim_model, num_heads and ff_units of 1 or more, got " +
                     std::to_string(o.dim_model) + ", " + std::to_string(o.num_heads) + " and " +
                     std::to_string(o.ff_units));
  if (o.dim_model % o.num_heads != 0)
    throw ValueError(label + "expected num_heads that divide dim_model, got " + std::to_string(o.num_heads) +
                     " heads for " + std::to_string(o.dim_model) + " features");
  if (!(o.dropout_rate >= 0 && o.dropout_rate < 1))
    throw ValueError(label + "expected a dropout_rate from 0 to below 1, got " + number_text(o.dropout_rate));
  return o;
}

}  // namespace

static std::shared_ptr<LayerBase> implement(TransformerBlockOptions options) {
  return make_layer<TransformerBlockLayer>(checked(std::move(options)));
}
template class LayerOf<TransformerBlockOptions, TransformerBlock>;

std::pair<SymbolicTensor, SymbolicTensor> TransformerBlock::with_scores(const SymbolicTensor& input) const {
  const SymbolicTensors outputs = call({input}, {{"return_attention_scores", true}});
  return {outputs[0], outputs[1]};
}
std::pair<Tensor, Tensor> TransformerBlock::with_scores(DataRef input, CallOptions options) const {
  options.arguments.set("return_attention_scores", true);
  std::vector<Tensor> outputs = call(input.get(), options);
  return {std::move(outputs[0]), std::move(outputs[1])};
}

}  // namespace xl
