#include "xlayers/layers/sine_position_encoding.hpp"

#include <cmath>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/composite.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/ops/add_reduced.hpp"
#include "xlayers/framework/parts/positional_encoding.hpp"

namespace xl {

static void serialize(Archive& archive, SinePositionEncodingOptions& o) { archive("max_wavelength", o.max_wavelength); }

namespace {

// x (batch, ..., steps, features) and a table (batch or 1, steps, features) -> the table, repeated to the shape of x.
class Repetition final : public PrimitiveLayer {
 public:
  std::string_view class_name() const override { return "SinePositionEncoding"; }
  Config get_config() const override { return {}; }
  bool needs_building() const override { return false; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override { return {inputs.at(0)}; }

  // y = table
  void forward(const ForwardCall& call) const override {
    elementwise(call.output(), call.input(1), [](float value) { return value; });
  }

  // dtable = dy, summed over the axes along which it was repeated; x does not count
  void backward(const BackwardCall& call) const override {
    if (const Block* dx = call.input_gradient(0)) set_zero(*dx);
    if (const Block* table = call.input_gradient(1)) {
      set_zero(*table);
      add_reduced(*table, call.output_gradient(), [](float value) { return value; });
    }
  }
};

class SinePositionEncodingLayer final : public WithOptions<CompositeLayer, SinePositionEncodingOptions> {
 public:
  explicit SinePositionEncodingLayer(SinePositionEncodingOptions o)
      : WithOptions(o), repetition_(std::make_shared<Repetition>()) {}

  bool needs_building() const override { return false; }
  std::vector<std::string> input_arguments() const override { return {"inputs", "", "positions"}; }

  SymbolicTensors call(const SymbolicTensors& inputs, const CallContext& context) const override {
    if (inputs.empty() || inputs.size() > 2)
      throw ShapeError(label() + "takes an input, and perhaps positions, got " + std::to_string(inputs.size()));
    const Shape x = single_input({inputs[0].spec()}, 3).shape;
    const SequenceAxes axes{x.rank() - 2, x.rank() - 1};
    const std::int64_t start = start_index_of(context);
    const Layer table = inputs.size() == 1 ? of_steps(axes, start) : of_positions(axes);
    table.base().set_name(name());
    const SymbolicTensor encoding = inputs.size() == 1 ? table(inputs[0]) : table({inputs[0], to_floats(inputs[1])});
    return {repetition_({inputs[0], encoding})};
  }

 private:
  Layer of_steps(SequenceAxes axes, std::int64_t start) const {
    const double max_wavelength = static_cast<double>(options.max_wavelength);
    return table_of_steps("SinePositionEncoding", axes, [=](std::int64_t steps, std::int64_t features, float* out) {
      positional_encoding({out, static_cast<std::size_t>(steps * features)},
                          {.start = start, .length = steps, .d_model = features, .max_wavelength = max_wavelength});
    });
  }

  Layer of_positions(SequenceAxes axes) const {
    const double log_wavelength = std::log(static_cast<double>(options.max_wavelength));
    const auto frequency = [=](std::int64_t i, std::int64_t features) {
      return std::exp(-log_wavelength * static_cast<double>(2 * i) / static_cast<double>(features));
    };
    return table_of_positions("SinePositionEncoding", axes, {.frequency = frequency});
  }

  Layer repetition_;
};

SinePositionEncodingOptions checked(SinePositionEncodingOptions o) {
  if (!(o.max_wavelength >= 1 && o.max_wavelength <= 1e30f))
    throw ValueError(error_label("SinePositionEncoding", o.name) + "expected a max_wavelength from 1 to 1e30, got " +
                     to_value(o.max_wavelength).to_text());
  return o;
}

}  // namespace

static std::shared_ptr<LayerBase> implement(SinePositionEncodingOptions options) {
  return make_layer<SinePositionEncodingLayer>(checked(std::move(options)));
}
template class LayerOf<SinePositionEncodingOptions, void, PositionsLayer>;

}  // namespace xl
