#include "xlayers/layers/global_pooling.hpp"

#include <algorithm>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/framework/kernels/long_sums.hpp"
#include "xlayers/framework/kernels/vector.hpp"

namespace xl {

template <Pooling pooling>
static void serialize(Archive& archive, GlobalPoolingOptions<pooling>& o) {
  archive("data_format", o.data_format);
  archive("keepdims", o.keepdims);
}

namespace {

using kernels::LongSums;

// A sample of (steps, features) or (features, steps), as both are walked through.
struct Sample {
  std::int64_t steps, features;
  std::int64_t step, feature;  // how far apart neighbours are

  std::int64_t place(std::int64_t t, std::int64_t f) const { return t * step + f * feature; }
};

template <Pooling pooling>
class PoolingLayer : public WithOptions<PrimitiveLayer, GlobalPoolingOptions<pooling>> {
 public:
  using WithOptions<PrimitiveLayer, GlobalPoolingOptions<pooling>>::WithOptions;

  bool needs_building() const override { return false; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    TensorSpec y = this->single_input(inputs, 1);
    if (y.shape.rank() != 3)
      this->shape_error(channels_first() ? "an input (batch, features, steps)" : "an input (batch, steps, features)",
                        y.shape);
    const Dim features = y.shape[channels_first() ? 1 : 2], steps = y.shape[channels_first() ? 2 : 1];
    if (this->masking() == Masking::uses && y.mask && !y.mask->compatible({None, steps}))
      this->shape_error("a mask " + to_string(Shape{None, steps}) + " for an input " + to_string(y.shape), *y.mask);
    if (!this->options.keepdims)
      y.shape = {y.shape[0], features};
    else
      y.shape[channels_first() ? 2 : 1] = 1;
    return {y};
  }

 protected:
  bool channels_first() const { return this->options.data_format == "channels_first"; }

  Sample sample(const Block& x) const {
    const Dim rows = (*x.sample)[0], columns = (*x.sample)[1];
    return channels_first() ? Sample{columns, rows, 1, columns} : Sample{rows, columns, columns, 1};
  }
};

class AverageLayer final : public PoolingLayer<Pooling::average> {
 public:
  using PoolingLayer::PoolingLayer;

  Masking masking() const override { return Masking::uses; }

  // y = sum_t m_t x_t / sum_t m_t, with m_t = 1 where there is no mask. A masked x may be anything.
  void forward(const ForwardCall& call) const override {
    const Block &x = call.input(), &y = call.output();
    const Sample s = sample(x);
    for (std::int64_t i = 0; i < call.samples; ++i) {
      const float* from = x.data + i * s.steps * s.features;
      float* to = y.data + i * s.features;
      const Mask mask(call, i, s.steps);
      if (channels_first()) {
        for (std::int64_t f = 0; f < s.features; ++f) {
          double sum = 0.0;
          for (std::int64_t t = 0; t < s.steps; ++t)
            if (mask.counts(t)) sum += from[s.place(t, f)];
          to[f] = static_cast<float>(sum / mask.number);
        }
        continue;
      }
      if (mask.values == nullptr) {
        kernels::column_sums(s.steps, s.features, s.features, from, to, false);
        for (std::int64_t f = 0; f < s.features; ++f) to[f] = static_cast<float>(to[f] / mask.number);
        continue;
      }
      for (std::int64_t first = 0; first < s.features; first += LongSums::columns) {
        const std::int64_t count = std::min(LongSums::columns, s.features - first);
        LongSums sums(count, static_cast<std::int64_t>(mask.number));
        for (std::int64_t t = 0; t < s.steps; ++t)
          if (mask.counts(t)) sums.add(from + t * s.features + first);
        for (std::int64_t f = 0; f < count; ++f) to[first + f] = static_cast<float>(sums.result(f) / mask.number);
      }
    }
  }

  // dx_t = m_t dy / sum_t m_t
  void backward(const BackwardCall& call) const override {
    const Block* dx = call.input_gradient();
    if (dx == nullptr) return;
    const Sample s = sample(*dx);
    for (std::int64_t i = 0; i < call.samples; ++i) {
      float* from = call.output_gradient().data + i * s.features;
      float* to = dx->data + i * s.steps * s.features;
      const Mask mask(call, i, s.steps);
      for (std::int64_t f = 0; f < s.features; ++f) from[f] = static_cast<float>(from[f] / mask.number);
      for (std::int64_t t = 0; t < s.steps; ++t)
        for (std::int64_t f = 0; f < s.features; ++f) to[s.place(t, f)] = mask.counts(t) ? from[f] : 0.0f;
    }
  }

 private:
  // The mask of one sample, and how many steps it counts.
  struct Mask {
    const float* values;
    double number;

    Mask(const ForwardCall& call, std::int64_t i, std::int64_t steps)
        : values(call.input().mask != nullptr ? call.input().mask->data + i * steps : nullptr) {
      std::int64_t sum = values == nullptr ? steps : 0;
      for (std::int64_t t = 0; t < steps && values != nullptr; ++t) sum += counts(t);
      number = static_cast<double>(sum);
    }
    bool counts(std::int64_t t) const { return values == nullptr || values[t] != 0.0f; }
  };
};

class MaxLayer final : public PoolingLayer<Pooling::max> {
 public:
  using PoolingLayer::PoolingLayer;

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    const TensorSpecs y = PoolingLayer::outputs(inputs);
    if (inputs[0].shape[channels_first() ? 2 : 1] == 0) shape_error("an input of at least one step", inputs[0].shape);
    return y;
  }

  Memory memory(const TensorSpecs& inputs, bool training) const override {
    return {.scratch = training ? 2 * inputs[0].shape[channels_first() ? 1 : 2] : 0};  // doubles
  }

  // y = max_t x_t; a NaN is larger than anything
  void forward(const ForwardCall& call) const override {
    const Block &x = call.input(), &y = call.output();
    const Sample s = sample(x);
    for (std::int64_t i = 0; i < call.samples; ++i) {
      const float* from = x.data + i * s.steps * s.features;
      float* to = y.data + i * s.features;
      for (std::int64_t f = 0; f < s.features; ++f) to[f] = from[s.place(0, f)];
      for (std::int64_t t = 1; t < s.steps; ++t)
        for (std::int64_t f = 0; f < s.features; ++f) {
          const float value = from[s.place(t, f)];
          to[f] = to[f] > value || to[f] != to[f] ? to[f] : value;
        }
    }
  }

  // dx_t = dy / n where x_t is one of n that are largest, else 0
  void backward(const BackwardCall& call) const override {
    const Block* dx = call.input_gradient();
    if (dx == nullptr) return;
    const Sample s = sample(*dx);
    for (std::int64_t i = 0; i < call.samples; ++i) {
      const float* x = call.input().data + i * s.steps * s.features;
      const float* y = call.output().data + i * s.features;
      float* dy = call.output_gradient().data + i * s.features;
      float* to = dx->data + i * s.steps * s.features;
      double* largest = reinterpret_cast<double*>(call.scratch);  // how many of a feature there are
      std::fill_n(largest, s.features, 0.0);
      for (std::int64_t t = 0; t < s.steps; ++t)
        for (std::int64_t f = 0; f < s.features; ++f) largest[f] += x[s.place(t, f)] == y[f] ? 1.0 : 0.0;
      for (std::int64_t f = 0; f < s.features; ++f) dy[f] = static_cast<float>(dy[f] / largest[f]);
      for (std::int64_t t = 0; t < s.steps; ++t)
        for (std::int64_t f = 0; f < s.features; ++f) to[s.place(t, f)] = x[s.place(t, f)] == y[f] ? dy[f] : 0.0f;
    }
  }
};

template <Pooling pooling>
GlobalPoolingOptions<pooling> checked(GlobalPoolingOptions<pooling> o) {
  check_known(error_label(o.class_name, o.name), "data_format", o.data_format, {"channels_last", "channels_first"});
  return o;
}

}  // namespace

static std::shared_ptr<LayerBase> implement(GlobalAveragePooling1D::Options options) {
  return make_layer<AverageLayer>(checked(std::move(options)));
}
template class LayerOf<GlobalPoolingOptions<Pooling::average>>;

static std::shared_ptr<LayerBase> implement(GlobalMaxPooling1D::Options options) {
  return make_layer<MaxLayer>(checked(std::move(options)));
}
template class LayerOf<GlobalPoolingOptions<Pooling::max>>;

}  // namespace xl
