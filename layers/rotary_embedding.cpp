#include "xlayers/layers/rotary_embedding.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/composite.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/graph/primitive.hpp"

namespace xl {

static void serialize(Archive& archive, RotaryEmbeddingOptions& o) {
  archive("max_wavelength", o.max_wavelength);
  archive("scaling_factor", o.scaling_factor);
  archive("rope_type", o.rope_type);
  archive("beta_fast", o.beta_fast);
  archive("beta_slow", o.beta_slow);
  archive("original_max_position_embeddings", o.original_max_position_embeddings);
  archive("truncate", o.truncate);
  archive("sequence_axis", o.sequence_axis);
  archive("feature_axis", o.feature_axis);
  archive("denominator_dim", o.denominator_dim);
}

namespace {

// The angle by which pair i of n / 2 turns from one position to the next.
double frequency(const RotaryEmbeddingOptions& o, std::int64_t i, std::int64_t n) {
  const double base = static_cast<double>(o.max_wavelength), s = static_cast<double>(o.scaling_factor);
  const auto features = static_cast<double>(n);
  const bool yarn = o.rope_type == "yarn";
  const double denominator = o.denominator_dim && !yarn ? static_cast<double>(*o.denominator_dim) : features;
  const double w = std::pow(base, -static_cast<double>(2 * i) / denominator);
  if (o.rope_type == "linear") return w / s;
  if (o.rope_type == "dynamic") return w / std::pow(s, features / std::max(1.0, features - 2));
  // The pair that turns so often over the positions of training.
  const auto pair_of = [&](double turns) {
    const double positions = static_cast<double>(o.original_max_position_embeddings);
    return features * std::log(positions / (turns * 2 * std::numbers::pi)) / (2 * std::log(base));
  };
  double low = pair_of(static_cast<double>(o.beta_fast)), high = pair_of(static_cast<double>(o.beta_slow));
  if (o.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, features - 1);
  const double slow = std::clamp((static_cast<double>(i) - low) / std::max(high - low, 0.001), 0.0, 1.0);
  return w / s * slow + w * (1 - slow);
}

// x, and a table (batch or 1, steps, features) of cosines and then sines -> x, turned.
class Rotation final : public PrimitiveLayer {
 public:
  explicit Rotation(SequenceAxes axes) : axes_(axes) {}

  // It is a part of the layer below and speaks in its name.
  std::string_view class_name() const override { return "RotaryEmbedding"; }
  Config get_config() const override { return {}; }
  bool needs_building() const override { return false; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override { return {inputs.at(0)}; }

  // The gradient of a table that is not the same for all, in doubles.
  Memory memory(const TensorSpecs& inputs, bool training) const override {
    return {.scratch_per_sample = training && inputs[1].batched ? 2 * inputs[1].shape.sample().elements() : 0};
  }

  // y1 = x1 cos - x2 sin,  y2 = x2 cos + x1 sin
  void forward(const ForwardCall& call) const override {
    const float *x = call.input().data, *table = call.input(1).data;
    float* y = call.output().data;
    for_each_pair(call, [=](std::int64_t first, std::int64_t second, std::int64_t cosine, std::int64_t sine) {
      const float c = table[cosine], s = table[sine], x1 = x[first], x2 = x[second];
      y[first] = x1 * c - x2 * s;
      y[second] = x2 * c + x1 * s;
    });
  }

  // dx1 = dy1 cos + dy2 sin,  dx2 = dy2 cos - dy1 sin
  // dcos = dy1 x1 + dy2 x2,  dsin = dy2 x1 - dy1 x2, summed over what the table's row is for
  void backward(const BackwardCall& call) const override {
    const float *x = call.input().data, *table = call.input(1).data, *dy = call.output_gradient().data;
    if (const Block* gradient = call.input_gradient(1)) {
      double* dtable = reinterpret_cast<double*>(call.scratch);
      std::fill_n(dtable, gradient->size(), 0.0);
      for_each_pair(call, [=](std::int64_t first, std::int64_t second, std::int64_t cosine, std::int64_t sine) {
        dtable[cosine] += static_cast<double>(dy[first] * x[first] + dy[second] * x[second]);
        dtable[sine] += static_cast<double>(dy[second] * x[first] - dy[first] * x[second]);
      });
      std::transform(dtable, dtable + gradient->size(), gradient->data,
                     [](double sum) { return static_cast<float>(sum); });
    }
    if (const Block* gradient = call.input_gradient(0)) {
      float* dx = gradient->data;
      for_each_pair(call, [=](std::int64_t first, std::int64_t second, std::int64_t cosine, std::int64_t sine) {
        const float c = table[cosine], s = table[sine], dy1 = dy[first], dy2 = dy[second];
        dx[first] = dy1 * c + dy2 * s;
        dx[second] = dy2 * c - dy1 * s;
      });
    }
  }

 private:
  // visit(the elements of a pair, its cosine, its sine). Axes of a sample: all but the features are walked through, the
  // last one fastest.
  template <class Visit>
  void for_each_pair(const ForwardCall& call, Visit visit) const {
    const Block &x = call.input(), &table = call.input(1);
    const Shape& sample = *x.sample;
    const std::size_t steps = axes_.steps - 1, features = axes_.features - 1;
    if (x.size() == 0) return;
    std::array<std::int64_t, Shape::max_rank> strides{}, at{};
    std::int64_t stride = 1;
    for (std::size_t axis = sample.rank(); axis-- > 0; stride *= sample[axis]) strides[axis] = stride;
    const std::int64_t half = sample[features] / 2, apart = strides[features];
    const std::int64_t rows = x.sample_size() / sample[features];
    for (std::int64_t i = 0; i < x.samples; ++i) {
      const std::int64_t angles = (table.samples == 1 ? 0 : i) * table.sample_size();
      std::int64_t offset = i * x.sample_size();
      for (std::int64_t row = 0; row < rows; ++row) {
        const std::int64_t cosines = angles + at[steps] * 2 * half;
        if (apart == 1)
          for (std::int64_t k = 0; k < half; ++k) visit(offset + k, offset + half + k, cosines + k, cosines + half + k);
        else
          for (std::int64_t k = 0; k < half; ++k)
            visit(offset + k * apart, offset + (half + k) * apart, cosines + k, cosines + half + k);
        for (std::size_t axis = sample.rank(); axis-- > 0;) {
          if (axis == features) continue;
          offset += strides[axis];
          if (++at[axis] < sample[axis]) break;
          offset -= sample[axis] * strides[axis];
          at[axis] = 0;
        }
      }
    }
  }

  const SequenceAxes axes_;
};

class RotaryEmbeddingLayer final : public WithOptions<CompositeLayer, RotaryEmbeddingOptions> {
 public:
  using WithOptions::WithOptions;

  bool needs_building() const override { return false; }
  std::vector<std::string> input_arguments() const override { return {"inputs", "", "positions"}; }

  SymbolicTensors call(const SymbolicTensors& inputs, const CallContext& context) const override {
    if (inputs.empty() || inputs.size() > 2)
      throw ShapeError(label() + "takes an input, and perhaps positions, got " + std::to_string(inputs.size()));
    const Shape x = single_input({inputs[0].spec()}, 3).shape;
    const SequenceAxes axes = axes_of(x);
    if (x[axes.features] == None || x[axes.features] % 2 != 0)
      shape_error("an input with an even number of features, on axis " + std::to_string(axes.features), x);
    const std::int64_t start = start_index_of(context);
    const Layer table = inputs.size() == 1 ? of_steps(axes, start) : table_of_positions(name_of_class, axes, turns());
    const Layer rotation(std::make_shared<Rotation>(axes));
    table.base().set_name(name());
    rotation.base().set_name(name());
    const SymbolicTensor angles = inputs.size() == 1 ? table(inputs[0]) : table({inputs[0], to_floats(inputs[1])});
    return {rotation({inputs[0], angles})};
  }

 private:
  static constexpr const char* name_of_class = "RotaryEmbedding";

  SequenceAxes axes_of(const Shape& x) const {
    const auto rank = static_cast<std::int64_t>(x.rank());
    const std::int64_t steps = options.sequence_axis + (options.sequence_axis < 0 ? rank : 0);
    const std::int64_t features = options.feature_axis + (options.feature_axis < 0 ? rank : 0);
    if (steps < 0 || steps >= rank || features < 0 || features >= rank)
      shape_error("an input that has the axes sequence_axis = " + std::to_string(options.sequence_axis) +
                      " and feature_axis = " + std::to_string(options.feature_axis),
                  x);
    if (steps == features || steps == 0 || features == 0)
      shape_error("an input whose sequence_axis = " + std::to_string(options.sequence_axis) + " and feature_axis = " +
                      std::to_string(options.feature_axis) + " are two axes, and none of them the batch",
                  x);
    return {static_cast<std::size_t>(steps), static_cast<std::size_t>(features)};
  }

  Sinusoids turns() const {
    const auto scale = static_cast<double>(options.scaling_factor);
    return {.frequency = [o = options](std::int64_t i, std::int64_t n) { return frequency(o, i, n); },
            .interleaved = false,
            .factor = options.rope_type == "yarn" ? 0.1 * std::log(scale) + 1 : 1.0};
  }

  Layer of_steps(SequenceAxes axes, std::int64_t start) const {
    const auto fill = [turns = turns(), start](std::int64_t steps, std::int64_t features, float* out) {
      for (std::int64_t i = 0; i < turns.pairs(features); ++i)
        turns.write(
            i, features, steps, [start](std::int64_t t) { return static_cast<double>(start + t); }, out);
    };
    return table_of_steps(name_of_class, axes, fill);
  }
};

RotaryEmbeddingOptions checked(RotaryEmbeddingOptions o) {
  const std::string label = error_label("RotaryEmbedding", o.name);
  const auto positive = [&](const char* what, float value) {
    if (!(value > 0 && std::isfinite(value)))
      throw ValueError(label + "expected a " + what + " above 0, got " + to_value(value).to_text());
  };
  positive("max_wavelength", o.max_wavelength);
  positive("scaling_factor", o.scaling_factor);
  positive("beta_fast", o.beta_fast);
  positive("beta_slow", o.beta_slow);
  check_known(label, "rope_type", o.rope_type, {"linear", "dynamic", "yarn"});
  if (o.rope_type == "yarn" && o.max_wavelength <= 1)
    throw ValueError(label + "expected a max_wavelength above 1 for rope_type yarn, got " +
                     to_value(o.max_wavelength).to_text());
  if (o.original_max_position_embeddings < 1 || o.denominator_dim.value_or(1) < 1)
    throw ValueError(label + "expected original_max_position_embeddings and denominator_dim of 1 or more, got " +
                     std::to_string(o.original_max_position_embeddings) + " and " +
                     to_value(o.denominator_dim).to_text());
  return o;
}

}  // namespace

static std::shared_ptr<LayerBase> implement(RotaryEmbeddingOptions options) {
  return make_layer<RotaryEmbeddingLayer>(checked(std::move(options)));
}
template class LayerOf<RotaryEmbeddingOptions, void, PositionsLayer>;

}  // namespace xl
