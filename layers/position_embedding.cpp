#include "xlayers/layers/position_embedding.hpp"

#include <algorithm>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/composite.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/framework/kernels/vector.hpp"
#include "xlayers/framework/parts/indices.hpp"
#include "xlayers/framework/parts/row_gradients.hpp"

namespace xl {

static void serialize(Archive& archive, PositionEmbeddingOptions& o) {
  archive("sequence_length", o.sequence_length);
  archive("initializer", o.initializer);
}

namespace {

// x, and perhaps positions of int32 -> rows of the table.
class PositionRows final : public PrimitiveLayer {
 public:
  explicit PositionRows(PositionEmbeddingOptions o) : options_(std::move(o)) {}

  // It is a part of the layer below and speaks in its name.
  std::string_view class_name() const override { return "PositionEmbedding"; }
  Config get_config() const override { return {}; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override { return infer(inputs, {}); }
  TensorSpecs infer(const TensorSpecs& inputs, const CallContext& context) const override {
    const Shape& x = inputs.at(0).shape;
    const Dim steps = x[x.rank() - 2], rows = options_.sequence_length;
    if (x.back() == None) shape_error("an input whose last axis is known", x);
    if (built() && x.back() != shape(weight(0).value)[1])
      shape_error("an input whose last axis is " + std::to_string(shape(weight(0).value)[1]), x);
    if (inputs.size() == 1) {
      const std::int64_t start = start_index_of(context);
      if (start > rows || (steps != None && steps > rows - start))
        shape_error("at most sequence_length - start_index = " + std::to_string(rows) + " - " + std::to_string(start) +
                        " steps",
                    x);
    } else if (!inputs[1].shape.compatible({None, steps})) {
      shape_error("positions " + to_string(Shape{None, steps}) + " for an input " + to_string(x), inputs[1].shape);
    } else if (inputs[1].batched && !inputs[0].batched) {
      throw ShapeError(label() + "positions for each sample need an input that has samples");
    }
    return {inputs[0]};
  }

  void make_weights(const TensorSpecs& inputs) override {
    add_weight("embeddings", {options_.sequence_length, inputs[0].shape.back()}, options_.initializer);
  }

  Memory memory(const TensorSpecs& inputs, bool training) const override {
    const bool looks_up = training && inputs.size() > 1;
    return {.scratch_per_sample = looks_up ? RowGradients::scratch(rows(inputs[0])) : 0};
  }

  // y_t = row p_t of the table
  void forward(const ForwardCall& call) const override {
    for_each_row(call, [&](std::int64_t offset, std::int64_t row, std::int64_t columns) {
      std::copy_n(call.weights[0] + row, columns, call.output().data + offset);
    });
  }

  // dtable[p_t] = dtable[p_t] + dy_t. The input does not count.
  void backward(const BackwardCall& call) const override {
    if (float* table = call.weight_gradient(0)) {
      const Block& dy = call.output_gradient();
      if (call.inputs.size() > 1) {
        RowGradients gradients(call.scratch);
        for_each_row(call,
                     [&](std::int64_t, std::int64_t row, std::int64_t columns) { gradients.look_up(row / columns); });
        gradients.add(dy.columns(), dy.data, table);
      } else if (const std::int64_t sequence = sequence_size(dy); sequence > 0) {
        kernels::column_sums(dy.size() / sequence, sequence, sequence, dy.data,
                             table + start_index_of(*call.context) * dy.columns(), true);
      }
    }
    if (const Block* dx = call.input_gradient(0)) std::fill_n(dx->data, dx->size(), 0.0f);
  }

 private:
  // visit(where rows of the output begin, where those of the table do, how many floats follow each other in both)
  template <class Visit>
  void for_each_row(const ForwardCall& call, Visit visit) const {
    const Block& y = call.output();
    const std::int64_t columns = y.columns(), sequence = sequence_size(y);
    const bool given = call.inputs.size() > 1;
    const std::int64_t start = given ? 0 : start_index_of(*call.context) * columns;
    if (sequence == 0) return;
    const std::int64_t steps = sequence / columns, sequences = y.sample_size() / sequence;  // of a sample
    for (std::int64_t i = 0; i < y.samples * sequences; ++i) {
      if (!given) {
        visit(i * sequence, start, sequence);
        continue;
      }
      const Block& positions = call.input(1);
      const std::int32_t* p = positions.integers() + (positions.samples == 1 ? 0 : i / sequences) * steps;
      for (std::int64_t t = 0; t < steps; ++t) visit(i * sequence + t * columns, row(p[t]) * columns, columns);
    }
  }

  // The steps and the features that have a table of positions together.
  static std::int64_t sequence_size(const Block& y) {
    const Shape& sample = *y.sample;
    return sample[sample.rank() - 2] * sample.back();
  }

  std::int64_t row(std::int64_t position) const {
    const std::int64_t rows = options_.sequence_length;
    if (position < -rows || position >= rows)
      value_error("position " + std::to_string(position) +
                  " is not in the table of sequence_length = " + std::to_string(rows) + " rows");
    return position < 0 ? position + rows : position;
  }

  const PositionEmbeddingOptions options_;
};

class PositionEmbeddingLayer final : public WithOptions<CompositeLayer, PositionEmbeddingOptions> {
 public:
  explicit PositionEmbeddingLayer(PositionEmbeddingOptions o)
      : WithOptions(o), to_indices_(to_indices("PositionEmbedding")), rows_(std::make_shared<PositionRows>(o)) {}

  std::vector<std::string> input_arguments() const override { return {"inputs", "", "positions"}; }
  void set_name(const std::string& name) override {
    CompositeLayer::set_name(name);
    to_indices_.base().set_name(name);
    rows_.base().set_name(name);
  }

  SymbolicTensors call(const SymbolicTensors& inputs, const CallContext& context) const override {
    if (inputs.empty() || inputs.size() > 2)
      throw ShapeError(label() + "takes an input, and perhaps positions, got " + std::to_string(inputs.size()));
    single_input({inputs[0].spec()}, 3);
    start_index_of(context);  // throws for what is none
    SymbolicTensors arguments = inputs;
    if (inputs.size() == 2 && inputs[1].dtype() != DType::int32) arguments[1] = to_indices_(inputs[1]);
    return rows_.call(arguments, context.arguments);
  }

 private:
  Layer to_indices_, rows_;
};

PositionEmbeddingOptions checked(PositionEmbeddingOptions o) {
  if (o.sequence_length < 1)
    throw ValueError(error_label("PositionEmbedding", o.name) + "expected a sequence_length of 1 or more, got " +
                     std::to_string(o.sequence_length));
  return o;
}

}  // namespace

static std::shared_ptr<LayerBase> implement(PositionEmbeddingOptions options) {
  return make_layer<PositionEmbeddingLayer>(checked(std::move(options)));
}
template class LayerOf<PositionEmbeddingOptions, void, PositionsLayer>;

}  // namespace xl
