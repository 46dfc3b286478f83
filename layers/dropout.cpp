#include "xlayers/layers/dropout.hpp"

#include <algorithm>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/ops/broadcast.hpp"
#include "xlayers/framework/parts/dropout.hpp"

namespace xl {

static void serialize(Archive& archive, DropoutOptions& o) {
  std::optional<std::vector<std::optional<Dim>>> noise_shape;
  if (!o.noise_shape.empty()) noise_shape.emplace();
  for (const Dim dim : o.noise_shape) noise_shape->push_back(dim == None ? std::nullopt : std::optional(dim));
  archive.optional("activity_regularizer", o.activity_regularizer);
  archive("rate", o.rate);
  archive("seed", o.seed);
  archive("noise_shape", noise_shape);
  o.noise_shape.clear();
  if (noise_shape)
    for (const std::optional<Dim> dim : *noise_shape) o.noise_shape.push_back(dim.value_or(None));
}

namespace {

class DropoutLayer final : public WithOptions<PrimitiveLayer, DropoutOptions> {
 public:
  using WithOptions::WithOptions;

  Masking masking() const override { return Masking::keeps; }
  bool needs_building() const override { return false; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    const TensorSpec& x = single_input(inputs, 1);
    const Shape noise(options.noise_shape.begin(), options.noise_shape.end());
    bool fits = noise.empty() || noise.rank() == x.shape.rank();
    for (std::size_t axis = 1; axis < noise.rank() && fits; ++axis)
      fits = noise[axis] == 1 || noise[axis] == None || x.shape[axis] == None || noise[axis] == x.shape[axis];
    if (!fits) shape_error("an input that the noise_shape " + to_string(noise) + " fits", x.shape);
    return {x};
  }

  // The factors of a noise_shape: for each sample, or for all of them.
  Memory memory(const TensorSpecs& inputs, bool training) const override {
    if (options.noise_shape.empty() || !training) return {};
    const std::int64_t factors = noise_of(inputs[0].shape.sample()).elements();
    return {.scratch_per_sample = one_for_all_samples() ? 0 : factors, .scratch = one_for_all_samples() ? factors : 0};
  }

  // y = x * factor, where a factor is 0 or 1 / (1 - rate)
  void forward(const ForwardCall& call) const override { drop(call, call.input(), call.output()); }

  // dx = dy * factor
  void backward(const BackwardCall& call) const override {
    if (const Block* dx = call.input_gradient()) drop(call, call.output_gradient(), *dx);
  }

 private:
  void drop(const ForwardCall& call, const Block& x, const Block& y) const {
    const std::uint64_t seed = dropout_seed(call, options.seed);
    if (!call.training || options.rate == 0) {
      std::copy_n(x.data, x.size(), y.data);
    } else if (options.noise_shape.empty()) {
      const std::int64_t first = call.first_sample * x.sample_size();
      dropout(seed, static_cast<std::uint64_t>(first), options.rate, x.size(), x.data, y.data);
    } else {
      const Shape sample = noise_of(*x.sample);
      const Block factors{call.scratch, &sample, one_for_all_samples() ? 1 : call.samples};
      const std::int64_t first = one_for_all_samples() ? 0 : call.first_sample * factors.sample_size();
      std::fill_n(factors.data, factors.size(), 1.0f);
      dropout(seed, static_cast<std::uint64_t>(first), options.rate, factors.size(), factors.data, factors.data);
      elementwise(y, x, factors, [](float value, float factor) { return factor == 0 ? 0.0f : value * factor; });
    }
  }

  bool one_for_all_samples() const { return options.noise_shape[0] == 1; }

  Shape noise_of(const Shape& sample) const {
    Shape noise = sample;
    for (std::size_t axis = 0; axis < sample.rank(); ++axis)
      if (options.noise_shape[axis + 1] == 1) noise[axis] = 1;
    return noise;
  }
};

DropoutOptions checked(DropoutOptions o) {
  const std::string label = error_label("Dropout", o.name);
  if (!(o.rate >= 0 && o.rate <= 1))
    throw ValueError(label + "expected a rate from 0 to 1, got " + to_value(o.rate).to_text());
  for (const Dim dim : o.noise_shape)
    if (dim < 1 && dim != None)
      throw ValueError(label + "expected extents of 1 or more, or None, in noise_shape, got " + std::to_string(dim));
  if (o.noise_shape.size() > Shape::max_rank)
    throw ValueError(label + "expected a noise_shape of at most " + std::to_string(Shape::max_rank) + " axes, got " +
                     std::to_string(o.noise_shape.size()));
  return o;
}

}  // namespace

static std::shared_ptr<LayerBase> implement(DropoutOptions options) {
  return make_layer<DropoutLayer>(checked(std::move(options)));
}
template class LayerOf<DropoutOptions, Dropout>;

}  // namespace xl
