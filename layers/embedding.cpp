#include "xlayers/layers/embedding.hpp"

#include <algorithm>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/parallel.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/framework/parts/look_up.hpp"
#include "xlayers/framework/parts/row_gradients.hpp"

namespace xl {

static void serialize(Archive& archive, EmbeddingOptions& o) {
  archive("input_dim", o.input_dim);
  archive("output_dim", o.output_dim);
  archive("embeddings_initializer", o.embeddings_initializer);
  archive("embeddings_regularizer", o.embeddings_regularizer);
  archive("activity_regularizer", o.activity_regularizer);
  archive("embeddings_constraint", o.embeddings_constraint);
  archive("mask_zero", o.mask_zero);
  archive.ignore("quantization_config");
}

namespace {

// Indices, int32 -> the rows of the table.
class Rows final : public PrimitiveLayer {
 public:
  explicit Rows(EmbeddingOptions o) : options(std::move(o)) {}

  // It is a part of the layer below and speaks in its name.
  std::string_view class_name() const override { return "Embedding"; }
  Config get_config() const override { return {}; }
  Masking masking() const override { return options.mask_zero ? Masking::makes : Masking::ends; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    const TensorSpec& x = inputs.at(0);
    TensorSpec y{x.shape, DType::float32, x.batched};
    y.shape.push_back(options.output_dim);
    if (options.mask_zero) y.mask = x.shape;
    return {y};
  }

  void make_weights(const TensorSpecs&) override {
    add_weight("embeddings", {options.input_dim, options.output_dim}, options.embeddings_initializer,
               options.embeddings_regularizer, options.embeddings_constraint);
  }

  Memory memory(const TensorSpecs& inputs, bool training) const override {
    return {.scratch_per_sample = training ? RowGradients::scratch(inputs[0].shape.sample().elements()) : 0};
  }

  bool may_go_wide(bool backward) const override { return backward; }  // forward reads the rows that are looked up

  // y_i = row x_i of the table,  mask_i = x_i != 0
  void forward(const ForwardCall& call) const override {
    const Block& x = call.input();
    const std::int64_t columns = options.output_dim;
    parallel_ranges(x.size(), look_ups_at_once, [&](std::int64_t first, std::int64_t end) {
      for (std::int64_t i = first; i < end; ++i)
        std::copy_n(call.weights[0] + row(x.integers()[i]) * columns, columns, call.output().data + i * columns);
    });
    if (const Block* mask = call.output().mask)
      for (std::int64_t i = 0; i < x.size(); ++i) mask->data[i] = x.integers()[i] == 0 ? 0.0f : 1.0f;
  }

  // dtable[x_i] = dtable[x_i] + dy_i
  void backward(const BackwardCall& call) const override {
    const Block& x = call.input();
    float* const table = call.weight_gradient(0);
    if (table == nullptr) return;
    RowGradients gradients(call.scratch);
    for (std::int64_t i = 0; i < x.size(); ++i) gradients.look_up(row(x.integers()[i]));
    gradients.add(options.output_dim, call.output_gradient().data, table);
  }

 private:
  std::int64_t row(std::int64_t index) const {
    const std::int64_t rows = options.input_dim;
    if (index < -rows || index >= rows)
      value_error("index " + std::to_string(index) + " is not in the table of input_dim = " + std::to_string(rows) +
                  " rows");
    return index < 0 ? index + rows : index;
  }

  static constexpr std::int64_t look_ups_at_once = 128;

  const EmbeddingOptions options;
};

class EmbeddingLayer final : public LookUpLayer<EmbeddingOptions> {
 public:
  explicit EmbeddingLayer(EmbeddingOptions o)
      : LookUpLayer(o, to_indices("Embedding", Fraction::dropped), std::make_shared<Rows>(o)) {}

  Masking masking() const override { return options.mask_zero ? Masking::makes : Masking::ends; }

 protected:
  void check(const Shape& x) const override {
    if (x.empty() || x.rank() == Shape::max_rank)
      shape_error("an input of 1 to " + std::to_string(Shape::max_rank - 1) + " axes (batch axis included)", x);
  }
};

EmbeddingOptions checked(EmbeddingOptions o) {
  if (o.input_dim < 1 || o.output_dim < 1)
    throw ValueError(error_label("Embedding", o.name) + "expected input_dim and output_dim of 1 or more, got " +
                     std::to_string(o.input_dim) + " and " + std::to_string(o.output_dim));
  return o;
}

}  // namespace

static std::shared_ptr<LayerBase> implement(EmbeddingOptions options) {
  return make_layer<EmbeddingLayer>(checked(std::move(options)));
}
template class LayerOf<EmbeddingOptions>;

}  // namespace xl
