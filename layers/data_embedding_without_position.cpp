#include "xlayers/layers/data_embedding_without_position.hpp"

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/number_text.hpp"
#include "xlayers/framework/graph/composite.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/layers/dropout.hpp"
#include "xlayers/layers/merging.hpp"
#include "xlayers/layers/temporal_embedding.hpp"
#include "xlayers/layers/token_embedding.hpp"

namespace xl {

static void serialize(Archive& archive, DataEmbeddingWithoutPositionOptions& o) {
  archive("c_in", o.c_in);
  archive("d_model", o.d_model);
  archive("embed_type", o.embed_type);
  archive("freq", o.freq);
  archive("dropout", o.dropout);
  archive("padding", o.padding);
  archive("kernel_initializer", o.kernel_initializer);
  archive("use_bias", o.use_bias);
  archive("minute_size", o.minute_size);
  archive("layout", o.layout);
}

namespace {

class DataEmbeddingWithoutPositionLayer final
    : public WithOptions<CompositeLayer, DataEmbeddingWithoutPositionOptions> {
 public:
  explicit DataEmbeddingWithoutPositionLayer(DataEmbeddingWithoutPositionOptions o)
      : WithOptions(o),
        value_embedding_({.c_in = o.c_in,
                          .d_model = o.d_model,
                          .padding = o.padding,
                          .kernel_initializer = o.kernel_initializer,
                          .use_bias = o.use_bias,
                          .name = "value_embedding"}),
        temporal_embedding_({.d_model = o.d_model,
                             .embed_type = o.embed_type,
                             .freq = o.freq,
                             .minute_size = o.minute_size,
                             .layout = o.layout,
                             .name = "temporal_embedding"}),
        add_({.name = "add"}),
        dropout_({.rate = o.dropout, .name = "dropout"}) {}

  SymbolicTensors call(const SymbolicTensors& inputs, const CallContext&) const override {
    if (inputs.size() != 1 && inputs.size() != 2)
      throw ShapeError(label() + "takes a series and, if there is one, its mark, got " + std::to_string(inputs.size()) +
                       " inputs");
    const Shape& x = inputs[0].shape();
    if (x.rank() != 3 || x.back() != options.c_in)
      shape_error("an input (batch, steps, c_in = " + std::to_string(options.c_in) + ")", x);
    const SymbolicTensor values = value_embedding_(inputs[0]);
    if (inputs.size() == 1) return {dropout_(values)};
    if (built() && !temporal_embedding_.built())
      value_error("was built without a mark, so it has no tables for one: call it with a mark first");
    const Shape& mark = inputs[1].shape();
    if (mark.rank() != 3 || !Shape({x[1]}).compatible({mark[1]}))
      shape_error("a mark (batch, steps, columns) for a series " + to_string(x), mark);
    return {dropout_(add_(SymbolicTensors{values, temporal_embedding_(inputs[1])}))};
  }

 private:
  TokenEmbedding value_embedding_;
  TemporalEmbedding temporal_embedding_;
  Add add_;
  Dropout dropout_;
};

DataEmbeddingWithoutPositionOptions checked(DataEmbeddingWithoutPositionOptions o) {
  const std::string label = error_label("DataEmbeddingWithoutPosition", o.name);
  if (o.c_in < 1 || o.d_model < 1)
    throw ValueError(label + "expected c_in and d_model of 1 or more, got " + std::to_string(o.c_in) + " and " +
                     std::to_string(o.d_model));
  if (!(o.dropout >= 0 && o.dropout <= 1))
    throw ValueError(label + "expected a dropout from 0 to 1, got " + number_text(o.dropout));
  return o;
}

}  // namespace

static std::shared_ptr<LayerBase> implement(DataEmbeddingWithoutPositionOptions options) {
  return make_layer<DataEmbeddingWithoutPositionLayer>(checked(std::move(options)));
}
template class LayerOf<DataEmbeddingWithoutPositionOptions>;

}  // namespace xl
