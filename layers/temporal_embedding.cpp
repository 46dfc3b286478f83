#include "xlayers/layers/temporal_embedding.hpp"

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/parts/look_up.hpp"
#include "xlayers/framework/parts/row_sum.hpp"

namespace xl {

static void serialize(Archive& archive, TemporalEmbeddingOptions& o) {
  archive("d_model", o.d_model);
  archive("embed_type", o.embed_type);
  archive("freq", o.freq);
  archive("minute_size", o.minute_size);
  archive("layout", o.layout);
}

namespace {

// How many columns of [month, day, weekday, hour, minute, second] a freq takes; 0 for an unknown one.
int columns_of(const std::string& freq) {
  if (freq == "m" || freq == "w") return 1;
  if (freq == "d" || freq == "b") return 3;
  if (freq == "h") return 4;
  if (freq == "t") return 5;
  return freq == "s" ? 6 : 0;
}

RowSum::Options tables(const TemporalEmbeddingOptions& o) {
  const RowSum::Table every[] = {{"second_embed", "second", 60, 5}, {"minute_embed", "minute", o.minute_size, 4},
                                 {"hour_embed", "hour", 24, 3},     {"weekday_embed", "weekday", 7, 2},
                                 {"day_embed", "day", 32, 1},       {"month_embed", "month", 13, 0}};
  RowSum::Options options{.class_name = "TemporalEmbedding",
                          .d_model = o.d_model,
                          .kind = o.embed_type == "fixed" ? RowSum::Kind::frozen : RowSum::Kind::trained,
                          .layout = o.layout};
  for (const RowSum::Table& table : every)
    if (table.column < columns_of(o.freq)) options.tables.push_back(table);
  return options;
}

class TemporalEmbeddingLayer final : public LookUpLayer<TemporalEmbeddingOptions> {
 public:
  explicit TemporalEmbeddingLayer(TemporalEmbeddingOptions o)
      : LookUpLayer(o, to_indices("TemporalEmbedding"), std::make_shared<RowSum>(tables(o))) {}
};

TemporalEmbeddingOptions checked(TemporalEmbeddingOptions o) {
  const std::string label = error_label("TemporalEmbedding", o.name);
  if (o.d_model < 1 || o.minute_size < 1)
    throw ValueError(label + "expected d_model and minute_size of 1 or more, got " + std::to_string(o.d_model) +
                     " and " + std::to_string(o.minute_size));
  check_known(label, "embed_type", o.embed_type, {"fixed", "learned"});
  if (columns_of(o.freq) == 0) throw ValueError(label + "unknown freq '" + o.freq + "'; known are s, t, h, d, b, w, m");
  check_known(label, "layout", o.layout, {"interleaved", "halves"});
  return o;
}

}  // namespace

static std::shared_ptr<LayerBase> implement(TemporalEmbeddingOptions options) {
  return make_layer<TemporalEmbeddingLayer>(checked(std::move(options)));
}
template class LayerOf<TemporalEmbeddingOptions>;

}  // namespace xl
