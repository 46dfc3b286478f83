#include "xlayers/framework/parts/row_sum.hpp"

#include <algorithm>

#include "xlayers/framework/kernels/vector.hpp"
#include "xlayers/framework/parts/positional_encoding.hpp"
#include "xlayers/framework/parts/row_gradients.hpp"

namespace xl {

TensorSpecs RowSum::outputs(const TensorSpecs& inputs) const {
  TensorSpec y = inputs.at(0);
  y.dtype = DType::float32;
  if (options_.columns) {
    int columns = 0;
    for (const Table& table : options_.tables) columns = std::max(columns, table.column + 1);
    if (y.shape.rank() < 2 || y.shape.back() == None || y.shape.back() < columns)
      shape_error("an input (batch, ..., " + std::to_string(columns) + " or more columns)", y.shape);
    y.shape.back() = options_.d_model;
  } else {
    if (y.shape.rank() == Shape::max_rank)
      shape_error("an input of rank " + std::to_string(Shape::max_rank - 1) + " or less", y.shape);
    y.shape.push_back(options_.d_model);
  }
  return {y};
}

void RowSum::make_weights(const TensorSpecs&) {
  const auto fill = [&](float* to, const Table& table) {
    positional_encoding({to, static_cast<std::size_t>(table.rows) * options_.d_model},
                        {.length = table.rows,
                         .d_model = options_.d_model,
                         .layout = options_.layout,
                         .max_wavelength = options_.max_wavelength});
  };
  constant_.clear();
  for (const Table& table : options_.tables) {
    const std::size_t size = static_cast<std::size_t>(table.rows) * options_.d_model;
    switch (options_.kind) {
      case Kind::constant:
        constant_.resize(constant_.size() + size);
        fill(constant_.data() + constant_.size() - size, table);
        break;
      case Kind::frozen:
        add_weight(table.name, {table.rows, options_.d_model}, "zeros", {}, {}, false);
        fill(weights().back()->value.data(), table);
        break;
      case Kind::trained:
        add_weight(table.name, {table.rows, options_.d_model}, "uniform");
        break;
    }
  }
}

Memory RowSum::memory(const TensorSpecs& inputs, bool training) const {
  const Shape sample = inputs[0].shape.sample();
  const std::int64_t steps = options_.columns ? sample.elements() / sample.back() : sample.elements();
  return {.scratch_per_sample = training && options_.kind == Kind::trained ? RowGradients::scratch(steps) : 0};
}

// y[step] = sum over the tables of table[index[step, column]]
void RowSum::forward(const ForwardCall& call) const {
  const Block &x = call.input(), &y = call.output();
  const std::int64_t width = options_.d_model;
  std::int64_t rows_before = 0;
  for (std::size_t k = 0; k < options_.tables.size(); ++k) {
    const Table& table = options_.tables[k];
    const float* rows = options_.kind == Kind::constant ? constant_.data() + rows_before * width : call.weights[k];
    rows_before += table.rows;
    for (std::int64_t step = 0; step < y.rows(); ++step) {
      const std::int64_t index = x.integers()[step * stride(x) + table.column];
      if (index < 0 || index >= table.rows)
        value_error(table.index + " " + std::to_string(index) + " is not in its table of " +
                    std::to_string(table.rows) + " rows: expected 0 to " + std::to_string(table.rows - 1));
      if (k == 0)
        std::copy_n(rows + index * width, width, y.data + step * width);
      else
        kernels::add(width, rows + index * width, y.data + step * width);
    }
  }
}

// dtable[i] = sum of dy[step] over the steps whose index is i; an index has no slope
void RowSum::backward(const BackwardCall& call) const {
  const Block &x = call.input(), &dy = call.output_gradient();
  const std::int64_t width = options_.d_model;
  RowGradients gradients(call.scratch);
  for (std::size_t k = 0; k < options_.tables.size() && options_.kind == Kind::trained; ++k) {
    float* gradient = call.weight_gradient(k);
    if (gradient == nullptr) continue;
    for (std::int64_t step = 0; step < dy.rows(); ++step)
      gradients.look_up(x.integers()[step * stride(x) + options_.tables[k].column]);
    gradients.add(width, dy.data, gradient);
  }
  if (const Block* dx = call.input_gradient()) std::fill_n(dx->data, dx->size(), 0.0f);
}

}  // namespace xl
