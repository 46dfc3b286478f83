#include "xlayers/layers/transformer_encoder.hpp"

#include <algorithm>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/number_text.hpp"
#include "xlayers/framework/graph/call.hpp"
#include "xlayers/framework/graph/composite.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/graph/names.hpp"
#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/dropout.hpp"
#include "xlayers/layers/layer_normalization.hpp"
#include "xlayers/layers/merging.hpp"
#include "xlayers/layers/multi_head_attention.hpp"
#include "xlayers/layers/reshaping.hpp"

namespace xl {

static void serialize(Archive& archive, TransformerEncoderOptions& o) {
  archive("intermediate_dim", o.intermediate_dim);
  archive("num_heads", o.num_heads);
  archive("dropout", o.dropout);
  archive("activation", o.activation);
  archive("layer_norm_epsilon", o.layer_norm_epsilon);
  archive("kernel_initializer", o.kernel_initializer);
  archive("bias_initializer", o.bias_initializer);
  archive("normalize_first", o.normalize_first);
}

namespace {

// padding (batch, steps) and attention (batch, steps, steps) -> (batch, steps, steps), 1 where neither is 0
class BothMasks final : public PrimitiveLayer {
 public:
  explicit BothMasks(DType padding, DType attention) : padding_(padding), attention_(attention) {}

  std::string_view class_name() const override { return "BothMasks"; }
  Config get_config() const override { return {}; }
  bool needs_building() const override { return false; }
  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    const bool batched = inputs[0].batched || inputs[1].batched;
    return {{inputs[1].shape.sample().with_batch(batched ? None : 1), DType::float32, batched}};
  }

  void forward(const ForwardCall& call) const override {
    const Block &padding = call.input(0), &attention = call.input(1), &both = call.output();
    // One without a batch is the same for every sample.
    const auto sample_of = [](const Block& mask, std::int64_t sample) { return mask.samples == 1 ? 0 : sample; };
    for (std::int64_t i = 0; i < both.size(); ++i) {
      const std::int64_t sample = i / both.sample_size(), place = i % both.sample_size(), step = i % both.columns();
      both.data[i] = is_set(padding, padding_, sample_of(padding, sample) * padding.columns() + step) &&
                     is_set(attention, attention_, sample_of(attention, sample) * both.sample_size() + place);
    }
  }
  // A mask has no slope.
  void backward(const BackwardCall& call) const override {
    for (const Block* gradient : call.input_gradients)
      if (gradient != nullptr) std::fill_n(gradient->data, gradient->size(), 0.0f);
  }

 private:
  static bool is_set(const Block& mask, DType dtype, std::int64_t i) {
    return dtype == DType::int32 ? mask.integers()[i] != 0 : mask.data[i] != 0.0f;
  }

  const DType padding_, attention_;
};

// The inputs of a call are the input, and masks: a padding mask is one of rank 2, an attention mask one of rank 3.
class TransformerEncoderLayer final : public WithOptions<CompositeLayer, TransformerEncoderOptions> {
 public:
  explicit TransformerEncoderLayer(TransformerEncoderOptions o)
      : WithOptions(o),
        attention_dropout_({.rate = o.dropout, .name = "self_attention_dropout"}),
        attention_add_({.name = "self_attention_add"}),
        attention_norm_({.epsilon = o.layer_norm_epsilon, .name = "self_attention_layer_norm"}),
        feedforward_norm_({.epsilon = o.layer_norm_epsilon, .name = "feedforward_layer_norm"}),
        intermediate_({.units = o.intermediate_dim,
                       .activation = o.activation,
                       .kernel_initializer = o.kernel_initializer,
                       .bias_initializer = o.bias_initializer,
                       .name = "feedforward_intermediate_dense"}),
        feedforward_dropout_({.rate = o.dropout, .name = "feedforward_dropout"}),
        feedforward_add_({.name = "feedforward_add"}),
        for_every_query_({.target_shape = {1, -1}, .name = "for_every_query"}) {}

  Masking masking() const override { return Masking::keeps; }
  std::vector<std::string> input_arguments() const override { return {"inputs"}; }
  std::vector<std::string> named_inputs() const override { return {"padding_mask", "attention_mask"}; }
  std::string input_name(const TensorSpec& mask) const override {
    return mask.shape.rank() == 2 ? "padding_mask" : "attention_mask";
  }

  // In the order of Keras' weights, not of the calls.
  std::vector<Layer> children() const override {
    if (CompositeLayer::children().empty()) return {};
    return {sized_->attention, attention_dropout_, attention_add_,       attention_norm_, feedforward_norm_,
            intermediate_,     sized_->output,     feedforward_dropout_, feedforward_add_};
  }

  SymbolicTensors call(const SymbolicTensors& inputs, const CallContext& context) const override {
    for (const auto& [argument, value] : context.arguments.entries())
      if (argument != "return_attention_scores" && !named_input(context.arguments, argument))
        value_error("unknown argument '" + argument + "'; known is return_attention_scores");
    const std::optional<SymbolicTensor> mask = attention_mask(inputs);
    const Sized layers = sized_for(inputs[0].shape());

    const bool first = options.normalize_first;
    const SymbolicTensor& x = inputs[0];
    const SymbolicTensor query = first ? attention_norm_(x) : x;
    SymbolicTensors attention_inputs{query, query};
    if (mask) attention_inputs.insert(attention_inputs.end(), {query, *mask});
    Config arguments;
    if (const Value* scores = context.arguments.find("return_attention_scores"))
      arguments.set("return_attention_scores", *scores);
    SymbolicTensors attended = layers.attention.call(attention_inputs, arguments);
    const SymbolicTensor sum = attention_add_(SymbolicTensors{x, attention_dropout_(attended[0])});
    const SymbolicTensor h = first ? sum : attention_norm_(sum);
    const SymbolicTensor f = layers.output(intermediate_(first ? feedforward_norm_(h) : h));
    const SymbolicTensor last = feedforward_add_(SymbolicTensors{h, feedforward_dropout_(f)});
    attended[0] = first ? last : feedforward_norm_(last);
    return attended;
  }

 private:
  // The layers whose size is that of the input, which is not known before.
  struct Sized {
    int features;
    MultiHeadAttention attention;
    Dense output;
  };

  void build_weights(const TensorSpecs& inputs, const CallContext& context) override {
    sized_ = sized_for(inputs.at(0).shape);
    CompositeLayer::build_weights(inputs, context);
  }

  Sized sized_for(const Shape& x) const {
    if (x.rank() != 3 || x.back() == None || x.back() < options.num_heads)
      shape_error("an input (batch, steps, features) of at least as many features as heads, " +
                      std::to_string(options.num_heads),
                  x);
    const auto features = static_cast<int>(x.back());
    if (sized_ && sized_->features == features) return *sized_;
    if (built()) shape_error("an input whose last axis is " + std::to_string(sized_->features), x);
    return {features,
            MultiHeadAttention({.num_heads = options.num_heads,
                                .key_dim = features / options.num_heads,
                                .dropout = options.dropout,
                                .kernel_initializer = options.kernel_initializer,
                                .bias_initializer = options.bias_initializer,
                                .name = "self_attention_layer"}),
            Dense({.units = features,
                   .kernel_initializer = options.kernel_initializer,
                   .bias_initializer = options.bias_initializer,
                   .name = "feedforward_output_dense"})};
  }

  // What the masks among the inputs say together, (batch, steps or 1, steps); nothing if there are none.
  std::optional<SymbolicTensor> attention_mask(const SymbolicTensors& inputs) const {
    std::optional<SymbolicTensor> padding, attention;
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      std::optional<SymbolicTensor>& mask = inputs[i].shape().rank() == 2 ? padding : attention;
      if (mask || inputs[i].shape().rank() > 3 || inputs[i].shape().rank() < 2)
        shape_error("an input and at most one padding mask (batch, steps) and one attention mask (batch, steps, steps)",
                    inputs[i].shape());
      mask = inputs[i];
    }
    if (inputs.empty()) throw ShapeError(label() + "takes one input and its masks, got none");
    const Shape& x = inputs[0].shape();
    if (x.rank() != 3) return attention;  // which is an error of its own
    if (padding && !padding->shape().compatible({None, x[1]}))
      shape_error("a padding mask (batch, steps) for an input " + to_string(x), padding->shape());
    if (attention && !attention->shape().compatible({None, x[1], x[1]}))
      shape_error("an attention mask (batch, steps, steps) for an input " + to_string(x), attention->shape());
    if (!padding) return attention;
    if (!attention) return for_every_query_(*padding);
    const auto both = std::make_shared<BothMasks>(padding->dtype(), attention->dtype());
    name_layer(*both, name() + "_mask", true);
    return call_layer(both, {*padding, *attention})[0];
  }

  Dropout attention_dropout_;
  Add attention_add_;
  LayerNormalization attention_norm_, feedforward_norm_;
  Dense intermediate_;
  Dropout feedforward_dropout_;
  Add feedforward_add_;
  Reshape for_every_query_;  // (batch, steps) -> (batch, 1, steps)
  std::optional<Sized> sized_;
};

TransformerEncoderOptions checked(TransformerEncoderOptions o) {
  const std::string label = error_label("TransformerEncoder", o.name);
  if (o.intermediate_dim < 1 || o.num_heads < 1)
    throw ValueError(label + "expected intermediate_dim and num_heads of 1 or more, got " +
                     std::to_string(o.intermediate_dim) + " and " + std::to_string(o.num_heads));
  if (!(o.dropout >= 0 && o.dropout <= 1))
    throw ValueError(label + "expected a dropout from 0 to 1, got " + number_text(o.dropout));
  if (!(o.layer_norm_epsilon >= 0))
    throw ValueError(label + "expected a layer_norm_epsilon of 0 or more, got " + number_text(o.layer_norm_epsilon));
  return o;
}

}  // namespace

static std::shared_ptr<LayerBase> implement(TransformerEncoderOptions options) {
  return make_layer<TransformerEncoderLayer>(checked(std::move(options)));
}
template class LayerOf<TransformerEncoderOptions, TransformerEncoder>;

// ---- the ways to call it

namespace {

std::vector<Tensor> call(const TransformerEncoder& layer, const Array& input, const EncoderOptions& options,
                         Config arguments) {
  Data inputs{input};
  for (const Array& mask : {options.padding_mask, options.attention_mask})
    if (!mask.empty()) inputs.push_back(mask);
  return layer.call(inputs, {.training = options.training, .arguments = std::move(arguments)});
}

SymbolicTensors call(const TransformerEncoder& layer, const SymbolicTensor& input,
                     const SymbolicEncoderOptions& options, const Config& arguments) {
  SymbolicTensors inputs{input};
  for (const std::optional<SymbolicTensor>& mask : {options.padding_mask, options.attention_mask})
    if (mask) inputs.push_back(*mask);
  return layer.call(inputs, arguments);
}

}  // namespace

Tensor TransformerEncoder::operator()(ArrayRef input, const EncoderOptions& options) const {
  return xl::call(*this, input.get(), options, {})[0];
}
SymbolicTensor TransformerEncoder::operator()(const SymbolicTensor& input,
                                              const SymbolicEncoderOptions& options) const {
  return xl::call(*this, input, options, {})[0];
}
std::pair<Tensor, Tensor> TransformerEncoder::with_scores(ArrayRef input, const EncoderOptions& options) const {
  std::vector<Tensor> outputs = xl::call(*this, input.get(), options, {{"return_attention_scores", true}});
  return {std::move(outputs[0]), std::move(outputs[1])};
}
std::pair<SymbolicTensor, SymbolicTensor> TransformerEncoder::with_scores(const SymbolicTensor& input,
                                                                          const SymbolicEncoderOptions& options) const {
  const SymbolicTensors outputs = xl::call(*this, input, options, {{"return_attention_scores", true}});
  return {outputs[0], outputs[1]};
}

}  // namespace xl
