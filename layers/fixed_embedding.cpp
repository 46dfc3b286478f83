#include "xlayers/layers/fixed_embedding.hpp"

#include "xlayers/framework/composite.hpp"
#include "xlayers/framework/error_text.hpp"
#include "xlayers/framework/errors.hpp"
#include "xlayers/framework/indices.hpp"
#include "xlayers/framework/row_sum.hpp"

namespace xl {

static void serialize(Archive& archive, FixedEmbedding::Options& o) {
  archive("n_features", o.n_features);
  archive("d_model", o.d_model);
  archive("layout", o.layout);
  archive("max_wavelength", o.max_wavelength);
  archive("table_as_weight", o.table_as_weight);
}

namespace {

class FixedEmbeddingLayer final : public WithOptions<CompositeLayer, FixedEmbedding::Options> {
 public:
  explicit FixedEmbeddingLayer(FixedEmbedding::Options o)
      : WithOptions(o),
        to_indices_(to_indices("FixedEmbedding")),
        rows_(std::make_shared<RowSum>(
            RowSum::Options{.class_name = "FixedEmbedding",
                            .tables = {{.name = "embeddings", .index = "index", .rows = o.n_features}},
                            .columns = false,
                            .d_model = o.d_model,
                            .kind = o.table_as_weight ? RowSum::Kind::frozen : RowSum::Kind::constant,
                            .layout = o.layout,
                            .max_wavelength = o.max_wavelength})) {}

  std::string_view class_name() const override { return "FixedEmbedding"; }
  void set_name(const std::string& name) override {
    CompositeLayer::set_name(name);
    to_indices_.base().set_name(name);
    rows_.base().set_name(name);
  }

  SymbolicTensors call(const SymbolicTensors& inputs, const CallContext&) const override {
    if (inputs.size() != 1) throw ShapeError(label() + "takes one input, got " + std::to_string(inputs.size()));
    return {rows_(inputs[0].dtype() == DType::int32 ? inputs[0] : to_indices_(inputs[0]))};
  }

 private:
  Layer to_indices_, rows_;
};

FixedEmbedding::Options checked(FixedEmbedding::Options o) {
  const std::string label = error_label("FixedEmbedding", o.name);
  if (o.n_features < 1 || o.d_model < 1)
    throw ValueError(label + "expected n_features and d_model of 1 or more, got " + std::to_string(o.n_features) +
                     " and " + std::to_string(o.d_model));
  if (o.n_features > 1 << 24)
    throw ValueError(label + "expected n_features of at most 2^24 = 16777216, got " + std::to_string(o.n_features));
  check_known(label, "layout", o.layout, {"interleaved", "halves"});
  if (!(o.max_wavelength >= 1 && o.max_wavelength <= 1e30f))
    throw ValueError(label + "expected a max_wavelength from 1 to 1e30, got " + std::to_string(o.max_wavelength));
  return o;
}

}  // namespace

FixedEmbedding::FixedEmbedding(Options options) : Layer(make_layer<FixedEmbeddingLayer>(checked(std::move(options)))) {}
FixedEmbedding FixedEmbedding::from_config(const Config& config) {
  return FixedEmbedding(options_from_config<Options>(config, "FixedEmbedding"));
}

namespace detail {
void register_fixed_embedding() {
  register_layer("FixedEmbedding", FixedEmbedding::from_config, {{"layout", "halves"}, {"table_as_weight", true}});
}
}  // namespace detail

}  // namespace xl
