#include "xlayers/layers/conv1d.hpp"

#include <algorithm>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/framework/kernels/gemm.hpp"
#include "xlayers/framework/kernels/vector.hpp"

namespace xl {

namespace {

// Keras stores the extents of a window as lists of one number.
struct OneInteger {
  int& value;
};
Value to_value(const OneInteger& one) { return Value::List{one.value}; }
void from_value(const Value& value, OneInteger& one) {
  const Value* number = &value;
  if (value.is_list()) {
    if (value.as_list().size() != 1) throw ValueError("expected one number, got " + value.to_text());
    number = &value.as_list()[0];
  }
  from_value(*number, one.value);
}

}  // namespace

static void serialize(Archive& archive, Conv1DOptions& o) {
  OneInteger kernel_size{o.kernel_size}, strides{o.strides}, dilation_rate{o.dilation_rate};
  std::string data_format = "channels_last";
  // Keras writes it here if it is set, and else further down.
  const bool first = !archive.writing() || static_cast<bool>(o.activity_regularizer);
  if (first) archive("activity_regularizer", o.activity_regularizer);
  archive("filters", o.filters);
  archive("kernel_size", kernel_size);
  archive("strides", strides);
  archive("padding", o.padding);
  archive("data_format", data_format);
  archive("dilation_rate", dilation_rate);
  archive("groups", o.groups);
  archive("activation", o.activation);
  archive("use_bias", o.use_bias);
  archive("kernel_initializer", o.kernel_initializer);
  archive("bias_initializer", o.bias_initializer);
  archive("kernel_regularizer", o.kernel_regularizer);
  archive("bias_regularizer", o.bias_regularizer);
  if (!first) archive("activity_regularizer", o.activity_regularizer);
  archive("kernel_constraint", o.kernel_constraint);
  archive("bias_constraint", o.bias_constraint);
  if (data_format != "channels_last")
    throw ValueError("[Conv1D] expected data_format \"channels_last\", got \"" + data_format + "\"");
}

namespace {

class Conv1DLayer final : public WithOptions<PrimitiveLayer, Conv1DOptions> {
 public:
  using WithOptions::WithOptions;

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    const TensorSpec& x = single_input(inputs, 3);
    const Dim steps = x.shape[1], channels = x.shape.back();
    if (x.shape.rank() != 3) shape_error("an input (batch, steps, channels)", x.shape);
    if (channels == None) shape_error("an input whose last axis is known", x.shape);
    if (channels % options.groups != 0)
      shape_error("an input whose channels are a multiple of groups = " + std::to_string(options.groups), x.shape);
    if (built() && channels != shape(weight(0).value)[1] * options.groups)
      shape_error("an input whose last axis is " + std::to_string(shape(weight(0).value)[1] * options.groups), x.shape);
    if (options.padding == "valid" && steps != None && steps < window())
      shape_error(
          "an input of " + std::to_string(window()) + " steps or more (the kernel's window, with padding \"valid\")",
          x.shape);
    if (options.padding == "circular" && steps != None && std::max(padding(steps).left, padding(steps).right) > steps)
      shape_error("an input of " + std::to_string(std::max(padding(steps).left, padding(steps).right)) +
                      " steps or more (with padding \"circular\" a window goes round once at most)",
                  x.shape);
    TensorSpec y = x;
    y.shape[1] = steps == None ? None : new_steps(steps);
    y.shape[2] = options.activation.output_columns(options.filters);
    return {y};
  }

  void make_weights(const TensorSpecs& inputs) override {
    add_weight("kernel", {options.kernel_size, inputs[0].shape.back() / options.groups, options.filters},
               options.kernel_initializer, options.kernel_regularizer, options.kernel_constraint);
    if (options.use_bias)
      add_weight("bias", {options.filters}, options.bias_initializer, options.bias_regularizer,
                 options.bias_constraint);
  }

  bool adds() const override { return options.activation.is_linear(); }

  // Saved: the padded input, and z if the activation's gradient is a function of it.
  Memory memory(const TensorSpecs& inputs, bool) const override {
    const Dim steps = inputs[0].shape[1], channels = inputs[0].shape[2];
    const std::int64_t padded = pads() ? padded_steps(steps) * channels : 0;
    const std::int64_t z = new_steps(steps) * options.filters;
    return {.saved_per_sample = padded + (options.activation.keeps_input() ? z : 0),
            .scratch_per_sample = padded + (options.activation.halves() ? z : 0)};
  }

  // With the input padded, x', every output step is a matrix product over windows that overlap: row t of A
  // begins at x'[t * strides]. Without dilation a window is contiguous, and one product does it all; else one
  // for each tap of the kernel, and for each group.
  //
  //   z[t] = sum over taps j of x'[t * strides + j * dilation_rate] W[j] + b,   y = activation(z)
  void forward(const ForwardCall& call) const override {
    const Block& x = call.input();
    const Block& y = call.output();
    const Geometry g = geometry(x);
    for (std::int64_t sample = 0; sample < call.samples; ++sample) {
      const float* padded = pad(g, x.data + sample * g.steps * g.channels, call.saved + sample * g.padded_size);
      float* z =
          (options.activation.keeps_input() ? call.saved + call.samples * g.padded_size : y.data) + sample * g.z_size;
      for_each_tap(g, [&](std::int64_t source, std::int64_t kernel, std::int64_t filter, bool first, bool last) {
        kernels::gemm({.m = g.new_steps,
                       .n = g.group_filters,
                       .k = g.tap_size,
                       .a = padded + source,
                       .a_row = options.strides * g.channels,
                       .b = call.weights[0] + kernel,
                       .b_row = options.filters,
                       .c = z + filter,
                       .c_row = options.filters,
                       .accumulate = !first,
                       .bias = first && options.use_bias ? call.weights[1] + filter : nullptr,
                       .addend = first && call.addend != nullptr ? call.addend + filter : nullptr,
                       .addend_row = options.filters,
                       .relu = last && options.activation.is_relu()});
      });
      if (!options.activation.fuses())
        options.activation.forward(g.new_steps, options.filters, z, y.data + sample * g.y_size);
    }
  }

  // dz = dy * activation'(z)
  // dW[j] = sum over t of x'[t * strides + j * dilation_rate]^T dz[t],  db = sum over t of dz[t]
  // dx'[t * strides + j * dilation_rate] += dz[t] W[j]^T;  dx is dx' without the padding, to which the padding's
  // own is added where it was a copy ("circular")
  void backward(const BackwardCall& call) const override {
    const Block& x = call.input();
    const Geometry g = geometry(x);
    for (std::int64_t sample = 0; sample < call.samples; ++sample) {
      const float* padded = pads() ? call.saved + sample * g.padded_size : x.data + sample * g.steps * g.channels;
      const float* z = call.saved + call.samples * g.padded_size + sample * g.z_size;
      float* dz = call.output_gradient().data + sample * g.y_size;
      if (!options.activation.is_linear()) {
        const float* dy = dz;
        if (options.activation.halves()) dz = call.scratch + call.samples * g.padded_size + sample * g.z_size;
        options.activation.backward(g.new_steps, options.filters, z, call.output().data + sample * g.y_size, dy, dz);
      }
      if (float* dW = call.weight_gradient(0))
        for_each_tap(g, [&](std::int64_t source, std::int64_t kernel, std::int64_t filter, bool, bool) {
          kernels::gemm({.m = g.tap_size,
                         .n = g.group_filters,
                         .k = g.new_steps,
                         .a = padded + source,
                         .a_row = 1,
                         .a_col = options.strides * g.channels,
                         .b = dz + filter,
                         .b_row = options.filters,
                         .c = dW + kernel,
                         .c_row = options.filters,
                         .accumulate = true});
        });
      if (float* db = options.use_bias ? call.weight_gradient(1) : nullptr)
        kernels::column_sums(g.new_steps, options.filters, options.filters, dz, db, true);
      if (const Block* dx = call.input_gradient()) {
        float* to = dx->data + sample * g.steps * g.channels;
        float* d_padded = pads() ? call.scratch + sample * g.padded_size : to;
        std::fill_n(d_padded, g.padded_steps * g.channels, 0.0f);
        // One tap at a time, so that no two rows of a product are the same step.
        Geometry taps = g;
        taps.split();
        for_each_tap(taps, [&](std::int64_t source, std::int64_t kernel, std::int64_t filter, bool, bool) {
          kernels::gemm({.m = g.new_steps,
                         .n = taps.tap_size,
                         .k = g.group_filters,
                         .a = dz + filter,
                         .a_row = options.filters,
                         .b = call.weights[0] + kernel,
                         .b_row = options.filters,
                         .b_transposed = true,
                         .c = d_padded + source,
                         .c_row = options.strides * g.channels,
                         .accumulate = true});
        });
        if (pads()) unpad(g, d_padded, to);
      }
    }
  }

 private:
  struct Padding {
    std::int64_t left = 0, right = 0;
  };

  // The numbers of one call. Sizes are those of a sample, in floats.
  struct Geometry {
    std::int64_t steps = 0, channels = 0, new_steps = 0, padded_steps = 0;
    Padding padding;
    std::int64_t padded_size = 0;  // 0 if nothing is padded
    std::int64_t z_size = 0, y_size = 0;
    std::int64_t group_channels = 0, group_filters = 0, groups = 1;
    std::int64_t taps = 1;      // products for each group
    std::int64_t tap_size = 0;  // what one of them sums over
    std::int64_t kernel_size = 0, dilation_rate = 1;

    void split() {
      taps = kernel_size;
      tap_size = group_channels;
    }
  };

  bool pads() const { return options.padding != "valid"; }

  std::int64_t window() const { return static_cast<std::int64_t>(options.kernel_size - 1) * options.dilation_rate + 1; }

  Padding padding(std::int64_t steps) const {
    if (options.padding == "valid") return {};
    if (options.padding == "causal") return {window() - 1, 0};
    const std::int64_t outputs = (steps + options.strides - 1) / options.strides;
    const std::int64_t total = std::max<std::int64_t>(0, (outputs - 1) * options.strides + window() - steps);
    return {total / 2, total - total / 2};
  }

  std::int64_t padded_steps(std::int64_t steps) const { return steps + padding(steps).left + padding(steps).right; }

  std::int64_t new_steps(std::int64_t steps) const {
    return steps == 0 ? 0 : (padded_steps(steps) - window()) / options.strides + 1;
  }

  Geometry geometry(const Block& x) const {
    Geometry g;
    g.steps = (*x.sample)[0];
    g.channels = (*x.sample)[1];
    g.padding = padding(g.steps);
    g.padded_steps = padded_steps(g.steps);
    g.new_steps = new_steps(g.steps);
    g.padded_size = pads() ? g.padded_steps * g.channels : 0;
    g.z_size = g.new_steps * options.filters;
    g.y_size = options.activation.halves() ? g.z_size / 2 : g.z_size;
    g.groups = options.groups;
    g.group_channels = g.channels / options.groups;
    g.group_filters = options.filters / options.groups;
    g.kernel_size = options.kernel_size;
    g.dilation_rate = options.dilation_rate;
    g.tap_size = g.kernel_size * g.channels;
    if (g.groups > 1 || g.dilation_rate > 1) g.split();
    return g;
  }

  // Calls product(offset in the padded input, offset in the kernel, filter, first of its group, last of it).
  template <class Product>
  void for_each_tap(const Geometry& g, Product product) const {
    for (std::int64_t group = 0; group < g.groups; ++group)
      for (std::int64_t tap = 0; tap < g.taps; ++tap)
        product(tap * g.dilation_rate * g.channels + group * g.group_channels,
                tap * g.group_channels * options.filters + group * g.group_filters, group * g.group_filters, tap == 0,
                tap + 1 == g.taps);
  }

  // The padded input of one sample; the input itself if nothing is padded.
  const float* pad(const Geometry& g, const float* x, float* padded) const {
    if (!pads()) return x;
    const std::int64_t left = g.padding.left * g.channels, right = g.padding.right * g.channels;
    const std::int64_t size = g.steps * g.channels;
    std::copy_n(x, size, padded + left);
    if (options.padding == "circular") {
      std::copy_n(x + size - left, left, padded);
      std::copy_n(x, right, padded + left + size);
    } else {
      std::fill_n(padded, left, 0.0f);
      std::fill_n(padded + left + size, right, 0.0f);
    }
    return padded;
  }

  void unpad(const Geometry& g, const float* padded, float* x) const {
    const std::int64_t left = g.padding.left * g.channels, right = g.padding.right * g.channels;
    const std::int64_t size = g.steps * g.channels;
    std::copy_n(padded + left, size, x);
    if (options.padding == "circular") {
      kernels::add(left, padded, x + size - left);
      kernels::add(right, padded + left + size, x);
    }
  }
};

Conv1DOptions checked(Conv1DOptions o) {
  const std::string label = error_label("Conv1D", o.name);
  const auto at_least_one = [&](const char* option, int value) {
    if (value < 1) throw ValueError(label + "expected " + option + " of 1 or more, got " + std::to_string(value));
  };
  at_least_one("filters", o.filters);
  at_least_one("kernel_size", o.kernel_size);
  at_least_one("strides", o.strides);
  at_least_one("dilation_rate", o.dilation_rate);
  at_least_one("groups", o.groups);
  if (o.filters % o.groups != 0)
    throw ValueError(label + "expected filters to be a multiple of groups, got filters = " + std::to_string(o.filters) +
                     ", groups = " + std::to_string(o.groups));
  if (o.strides > 1 && o.dilation_rate > 1)
    throw ValueError(label + "expected strides or dilation_rate to be 1, got " + std::to_string(o.strides) + " and " +
                     std::to_string(o.dilation_rate));
  check_known(label, "padding", o.padding, {"valid", "same", "causal", "circular"});
  return o;
}

}  // namespace

static std::shared_ptr<LayerBase> implement(Conv1DOptions options) {
  return make_layer<Conv1DLayer>(checked(std::move(options)));
}
template class LayerOf<Conv1DOptions>;

}  // namespace xl
