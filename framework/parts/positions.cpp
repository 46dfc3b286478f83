#include "xlayers/framework/parts/positions.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "xlayers/framework/base/aligned_floats.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/primitive.hpp"

namespace xl {

std::int64_t start_index_of(const CallContext& context) {
  std::int64_t start = 0;
  for (const auto& [name, value] : context.arguments.entries()) {
    if (name != "start_index")
      throw ValueError("takes no argument '" + name + "'; known is start_index (positions are an input)");
    start = value.as_int();
  }
  if (start < 0) throw ValueError("expected a start_index of 0 or more, got " + std::to_string(start));
  if (start > std::int64_t{1} << 52)  // further on, neighbours are one number as doubles
    throw ValueError("expected a start_index of at most 2^52, got " + std::to_string(start));
  return start;
}

Config to_arguments(const StartIndex& at) {
  return at.start_index == 0 ? Config() : Config{{"start_index", at.start_index}};
}

namespace {

class Part : public PrimitiveLayer {
 public:
  explicit Part(std::string class_name) : class_name_(std::move(class_name)) {}

  std::string_view class_name() const override { return class_name_; }
  Config get_config() const override { return {}; }
  bool needs_building() const override { return false; }

 private:
  const std::string class_name_;
};

class TableOfSteps final : public Part {
 public:
  TableOfSteps(std::string class_name, SequenceAxes axes, std::function<void(std::int64_t, std::int64_t, float*)> fill)
      : Part(std::move(class_name)), axes_(axes), fill_(std::move(fill)) {}

  bool is_constant() const override { return true; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    const Shape& x = inputs.at(0).shape;
    return {{{1, x[axes_.steps], x[axes_.features]}, DType::float32, false}};
  }
  std::shared_ptr<const float> constant(const TensorSpecs& inputs) const override {
    const std::int64_t steps = inputs[0].shape[axes_.steps], features = inputs[0].shape[axes_.features];
    const auto table = std::make_shared<AlignedFloats>(steps * features);
    fill_(steps, features, table->data());
    return {table, table->data()};
  }
  void forward(const ForwardCall&) const override {}
  void backward(const BackwardCall&) const override {}

 private:
  const SequenceAxes axes_;
  const std::function<void(std::int64_t, std::int64_t, float*)> fill_;
};

class TableOfPositions final : public Part {
 public:
  TableOfPositions(std::string class_name, SequenceAxes axes, Sinusoids sinusoids)
      : Part(std::move(class_name)), axes_(axes), sinusoids_(std::move(sinusoids)) {}

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    const Shape& x = inputs.at(0).shape;
    const TensorSpec& positions = inputs.at(1);
    if (!positions.shape.compatible({None, x[axes_.steps]}))
      shape_error("positions " + to_string(Shape{None, x[axes_.steps]}) + " for an input " + to_string(x),
                  positions.shape);
    if (positions.batched && !inputs[0].batched)
      throw ShapeError(label() + "positions for each sample need an input that has samples");
    return {{{positions.shape[0], x[axes_.steps], x[axes_.features]}, DType::float32, positions.batched}};
  }

  void forward(const ForwardCall& call) const override {
    const Block &positions = call.input(1), &y = call.output();
    for (std::int64_t i = 0; i < sinusoids_.pairs(y.columns()); ++i)
      sinusoids_.write(
          i, y.columns(), positions.size(), [&](std::int64_t t) { return static_cast<double>(positions.data[t]); },
          y.data);
  }

  Memory memory(const TensorSpecs& inputs, bool training) const override {
    return {.scratch_per_sample = training ? 2 * inputs[1].shape.sample().elements() : 0};  // doubles
  }

  // dp = sum over the pairs of frequency (cos(angle) dsin - sin(angle) dcos)
  void backward(const BackwardCall& call) const override {
    if (const Block* dx = call.input_gradient(0)) std::fill_n(dx->data, dx->size(), 0.0f);
    const Block* dp = call.input_gradient(1);
    if (dp == nullptr) return;
    const Block &p = call.input(1), &dy = call.output_gradient();
    const std::int64_t features = dy.columns();
    double* const sums = reinterpret_cast<double*>(call.scratch);
    std::fill_n(sums, dp->size(), 0.0);
    for (std::int64_t i = 0; i < sinusoids_.pairs(features); ++i) {
      const double frequency = sinusoids_.frequency(i, features);
      const std::int64_t sine = sinusoids_.sine(i, features), cosine = sinusoids_.cosine(i);
      for (std::int64_t t = 0; t < p.size(); ++t) {
        const double angle = static_cast<double>(p.data[t]) * frequency;
        const float* row = dy.data + t * features;
        double slope = std::cos(angle) * static_cast<double>(row[sine]);
        if (cosine < features) slope -= std::sin(angle) * static_cast<double>(row[cosine]);
        sums[t] += sinusoids_.factor * frequency * slope;
      }
    }
    std::transform(sums, sums + dp->size(), dp->data, [](double sum) { return static_cast<float>(sum); });
  }

 private:
  const SequenceAxes axes_;
  const Sinusoids sinusoids_;
};

class ToFloats final : public Part {
 public:
  using Part::Part;

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    TensorSpec y = inputs.at(0);
    y.dtype = DType::float32;
    return {y};
  }
  void forward(const ForwardCall& call) const override {
    const Block& x = call.input();
    for (std::int64_t i = 0; i < x.size(); ++i) call.output().data[i] = static_cast<float>(x.integers()[i]);
  }
  void backward(const BackwardCall&) const override {}  // integers have no gradient
};

}  // namespace

Layer table_of_steps(std::string class_name, SequenceAxes axes,
                     std::function<void(std::int64_t, std::int64_t, float*)> fill) {
  return Layer(std::make_shared<TableOfSteps>(std::move(class_name), axes, std::move(fill)));
}

Layer table_of_positions(std::string class_name, SequenceAxes axes, Sinusoids sinusoids) {
  return Layer(std::make_shared<TableOfPositions>(std::move(class_name), axes, std::move(sinusoids)));
}

SymbolicTensor to_floats(const SymbolicTensor& positions) {
  if (positions.dtype() == DType::float32) return positions;
  return Layer(std::make_shared<ToFloats>("ToFloats"))(positions);
}

}  // namespace xl
