#include "xlayers/layers/fixed_embedding.hpp"

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/number_text.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/parts/look_up.hpp"
#include "xlayers/framework/parts/row_sum.hpp"

namespace xl {

static void serialize(Archive& archive, FixedEmbeddingOptions& o) {
  archive("n_features", o.n_features);
  archive("d_model", o.d_model);
  archive("layout", o.layout);
  archive("max_wavelength", o.max_wavelength);
  archive("table_as_weight", o.table_as_weight);
}

namespace {

class FixedEmbeddingLayer final : public LookUpLayer<FixedEmbeddingOptions> {
 public:
  explicit FixedEmbeddingLayer(FixedEmbeddingOptions o)
      : LookUpLayer(o, to_indices("FixedEmbedding"),
                    std::make_shared<RowSum>(
                        RowSum::Options{.class_name = "FixedEmbedding",
                                        .tables = {{.name = "embeddings", .index = "index", .rows = o.n_features}},
                                        .columns = false,
                                        .d_model = o.d_model,
                                        .kind = o.table_as_weight ? RowSum::Kind::frozen : RowSum::Kind::constant,
                                        .layout = o.layout,
                                        .max_wavelength = o.max_wavelength})) {}
};

FixedEmbeddingOptions checked(FixedEmbeddingOptions o) {
  const std::string label = error_label("FixedEmbedding", o.name);
  if (o.n_features < 1 || o.d_model < 1)
    throw ValueError(label + "expected n_features and d_model of 1 or more, got " + std::to_string(o.n_features) +
                     " and " + std::to_string(o.d_model));
  if (o.n_features > 1 << 24)
    throw ValueError(label + "expected n_features of at most 2^24 = 16777216, got " + std::to_string(o.n_features));
  check_known(label, "layout", o.layout, {"interleaved", "halves"});
  if (!(o.max_wavelength >= 1 && o.max_wavelength <= 1e30f))
    throw ValueError(label + "expected a max_wavelength from 1 to 1e30, got " + number_text(o.max_wavelength));
  return o;
}

}  // namespace

static std::shared_ptr<LayerBase> implement(FixedEmbeddingOptions options) {
  return make_layer<FixedEmbeddingLayer>(checked(std::move(options)));
}
template class LayerOf<FixedEmbeddingOptions>;

}  // namespace xl
