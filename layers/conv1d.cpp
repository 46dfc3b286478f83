#include "xlayers/layers/conv1d.hpp"

#include <algorithm>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/parallel.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/framework/parts/shared_work.hpp"
#include "xlayers/layers/conv1d_impl.hpp"

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
    if (options.padding == "valid" && steps != None && steps < reach())
      shape_error(
          "an input of " + std::to_string(reach()) + " steps or more (the kernel's window, with padding \"valid\")",
          x.shape);
    if (options.padding == "circular" && steps != None) {
      const Conv1DWindows::Padding around = Conv1DWindows::padding(options, steps);
      if (const std::int64_t most = std::max(around.left, around.right); most > steps)
        shape_error("an input of " + std::to_string(most) +
                        " steps or more (with padding \"circular\" a window goes round once at most)",
                    x.shape);
    }
    TensorSpec y = x;
    y.shape[1] = steps == None ? None : Conv1DWindows::new_steps(options, steps);
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
  bool may_go_wide(bool) const override { return true; }

  // Saved: the padded input, and z if the activation's gradient is a function of it.
  Memory memory(const TensorSpecs& inputs, bool) const override {
    const Conv1DWindows w = windows(inputs[0].shape.sample());
    return {.saved_per_sample = w.padded_size + (options.activation.keeps_input() ? w.z_size : 0),
            .scratch_per_sample = w.padded_size + (options.activation.halves() ? w.z_size : 0)};
  }

  // With the input padded, x',
  //
  //   z[t] = sum over taps j of x'[t * strides + j * dilation_rate] W[j] + b,   y = activation(z)
  void forward(const ForwardCall& call) const override {
    const Block &x = call.input(), &y = call.output();
    const Conv1DWindows w = windows(*x.sample);
    for_each_sample(call, [&](std::int64_t sample) {
      const float* padded = w.pad(x.data + sample * x.sample_size(), call.saved + sample * w.padded_size);
      float* z =
          (options.activation.keeps_input() ? call.saved + call.samples * w.padded_size : y.data) + sample * w.z_size;
      w.for_each_product([&](std::int64_t source, std::int64_t kernel, std::int64_t filter, bool first, bool last) {
        product({.m = w.windows,
                 .n = w.group_filters,
                 .k = w.tap_size,
                 .a = padded + source,
                 .a_row = options.strides * w.channels,
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
        activate(options.activation, w.windows, options.filters, z, y.data + sample * y.sample_size());
    });
  }

  // dz = dy * activation'(z)
  // dW[j] = sum over t of x'[t * strides + j * dilation_rate]^T dz[t],  db = sum over t of dz[t]
  // dx'[t * strides + j * dilation_rate] += dz[t] W[j]^T;  dx is dx' without the padding, to which the padding's
  // own is added where it was a copy ("circular")
  void backward(const BackwardCall& call) const override {
    const Block &x = call.input(), &y = call.output();
    const Conv1DWindows w = windows(*x.sample);
    float* const dz =
        options.activation.halves() ? call.scratch + call.samples * w.padded_size : call.output_gradient().data;
    if (!options.activation.is_linear())
      activate_backward(options.activation, call.samples * w.windows, options.filters,
                        call.saved + call.samples * w.padded_size, y.data, call.output_gradient().data, dz);
    if (float* db = options.use_bias ? call.weight_gradient(1) : nullptr)
      add_column_sums(call.samples * w.windows, options.filters, dz, db);
    if (float* dW = call.weight_gradient(0))
      w.for_each_product([&](std::int64_t source, std::int64_t kernel, std::int64_t filter, bool, bool) {
        product({.m = w.tap_size,
                 .n = w.group_filters,
                 .k = w.windows,
                 .a = (pads() ? call.saved : x.data) + source,
                 .a_row = 1,
                 .a_col = options.strides * w.channels,
                 .b = dz + filter,
                 .b_row = options.filters,
                 .c = dW + kernel,
                 .c_row = options.filters,
                 .accumulate = true,
                 .terms = call.samples,
                 .a_term = pads() ? w.padded_size : x.sample_size(),
                 .b_term = w.z_size});
      });
    if (const Block* dx = call.input_gradient())
      for_each_sample(call, [&](std::int64_t sample) {
        float* to = dx->data + sample * x.sample_size();
        float* d_padded = pads() ? call.scratch + sample * w.padded_size : to;
        std::fill_n(d_padded, w.padded_steps * w.channels, 0.0f);
        const Conv1DWindows by_tap = w.tap_by_tap();
        by_tap.for_each_product([&](std::int64_t source, std::int64_t kernel, std::int64_t filter, bool, bool) {
          product({.m = w.windows,
                   .n = by_tap.tap_size,
                   .k = w.group_filters,
                   .a = dz + sample * w.z_size + filter,
                   .a_row = options.filters,
                   .b = call.weights[0] + kernel,
                   .b_row = options.filters,
                   .b_transposed = true,
                   .c = d_padded + source,
                   .c_row = options.strides * w.channels,
                   .accumulate = true});
        });
        if (pads()) w.unpad(d_padded, to);
      });
  }

 private:
  // Where threads are free they take samples, if there are enough of them; else they share each sample's products.
  template <class Visit>
  static void for_each_sample(const ForwardCall& call, Visit visit) {
    constexpr std::int64_t enough = 8;
    if (call.samples >= enough && runs_in_parallel())
      parallel_for(call.samples, [&](std::int64_t sample, int) { visit(sample); });
    else
      for (std::int64_t sample = 0; sample < call.samples; ++sample) visit(sample);
  }

  bool pads() const { return options.padding != "valid"; }
  std::int64_t reach() const { return Conv1DWindows::reach(options); }
  Conv1DWindows windows(const Shape& sample) const { return {options, sample[0], sample[1]}; }
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
