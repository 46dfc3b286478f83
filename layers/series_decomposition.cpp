#include "xlayers/layers/series_decomposition.hpp"

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/composite.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/layers/merging.hpp"
#include "xlayers/layers/moving_average.hpp"

namespace xl {

static void serialize(Archive& archive, SeriesDecompositionOptions& o) { archive("kernel_size", o.kernel_size); }

namespace {

class SeriesDecompositionLayer final : public WithOptions<CompositeLayer, SeriesDecompositionOptions> {
 public:
  explicit SeriesDecompositionLayer(SeriesDecompositionOptions o)
      : WithOptions(o),
        moving_avg_({.kernel_size = o.kernel_size, .name = "moving_avg"}),
        seasonal_({.name = "seasonal"}) {}

  bool needs_building() const override { return false; }

  SymbolicTensors call(const SymbolicTensors& inputs, const CallContext&) const override {
    const Shape x = single_input(specs(inputs), 3).shape;
    if (x.rank() != 3) shape_error("an input (batch, steps, features)", x);
    const SymbolicTensor trend = moving_avg_(inputs[0]);
    return {seasonal_(SymbolicTensors{inputs[0], trend}), trend};
  }

 private:
  MovingAverage moving_avg_;
  Subtract seasonal_;
};

SeriesDecompositionOptions checked(SeriesDecompositionOptions o) {
  if (o.kernel_size < 1)
    throw ValueError(error_label("SeriesDecomposition", o.name) + "expected a kernel_size of 1 or more, got " +
                     std::to_string(o.kernel_size));
  return o;
}

}  // namespace

static std::shared_ptr<LayerBase> implement(SeriesDecompositionOptions options) {
  return make_layer<SeriesDecompositionLayer>(checked(std::move(options)));
}
template class LayerOf<SeriesDecompositionOptions, SeriesDecomposition>;

std::pair<SymbolicTensor, SymbolicTensor> SeriesDecomposition::operator()(const SymbolicTensor& input) const {
  const SymbolicTensors parts = call(SymbolicTensors{input});
  return {parts[0], parts[1]};
}
std::pair<Tensor, Tensor> SeriesDecomposition::operator()(DataRef input, const CallOptions& options) const {
  std::vector<Tensor> parts = call(input.get(), options);
  return {std::move(parts[0]), std::move(parts[1])};
}

}  // namespace xl
