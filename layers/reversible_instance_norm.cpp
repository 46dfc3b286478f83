#include "xlayers/layers/reversible_instance_norm.hpp"

#include <algorithm>
#include <cmath>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/number_text.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/graph/primitive.hpp"

namespace xl {

static void serialize(Archive& archive, ReversibleInstanceNormOptions& o) {
  archive("num_features", o.num_features);
  archive("eps", o.eps);
  archive("affine", o.affine);
  archive("subtract_last", o.subtract_last);
  archive("non_norm", o.non_norm);
}

namespace {

class ReversibleInstanceNormLayer final : public WithOptions<PrimitiveLayer, ReversibleInstanceNormOptions> {
 public:
  using WithOptions::WithOptions;

  TensorSpecs outputs(const TensorSpecs& inputs) const override { return infer(inputs, {}); }

  TensorSpecs infer(const TensorSpecs& inputs, const CallContext& context) const override {
    if (!is_denorm(context) && inputs.size() != 1)
      throw ShapeError(label() + "takes one input in mode norm, got " + std::to_string(inputs.size()));
    if (is_denorm(context) && inputs.size() != 2)
      throw ShapeError(label() + "takes two inputs in mode denorm, of which the second is the series that was " +
                       "normalised, got " + std::to_string(inputs.size()));
    check(inputs);
    return {inputs[0]};
  }

  Memory memory(const TensorSpecs&, bool) const override {
    return {.scratch = 2 * std::int64_t{9} * options.num_features};  // doubles
  }

  void forward(const ForwardCall& call) const override {
    const Block &x = call.input(), &y = call.output();
    if (options.non_norm)
      std::copy_n(x.data, x.size(), y.data);
    else if (is_denorm(*call.context))
      denorm(call);
    else
      norm(call);
  }

  void backward(const BackwardCall& call) const override {
    if (options.non_norm) {
      const Block& dy = call.output_gradient();
      if (const Block* dx = call.input_gradient()) std::copy_n(dy.data, dy.size(), dx->data);
      if (const Block* series = is_denorm(*call.context) ? call.input_gradient(1) : nullptr)
        std::fill_n(series->data, series->size(), 0.0f);
    } else if (is_denorm(*call.context)) {
      denorm_backward(call);
    } else {
      norm_backward(call);
    }
  }

 private:
  // A clone is built for the same inputs, but in no mode.
  void build_weights(const TensorSpecs& inputs, const CallContext& context) override {
    if (is_denorm(context))
      infer(inputs, context);
    else
      check(inputs);
    if (!options.affine) return;
    add_weight("affine_weight", {options.num_features}, "ones");
    add_weight("affine_bias", {options.num_features}, "zeros");
  }

  void check(const TensorSpecs& inputs) const {
    for (const TensorSpec& input : inputs) {
      single_input({input}, 3);
      if (input.shape.rank() != 3 || input.shape.back() != options.num_features || input.batched != inputs[0].batched)
        shape_error("an input (batch, steps, num_features = " + std::to_string(options.num_features) + ")",
                    input.shape);
    }
    if (!inputs.empty() && inputs.back().shape[1] == 0)
      shape_error("a series of one step or more", inputs.back().shape);
  }

  // Of every feature, in the scratch of a call: level m, scale s and mean of a series; w and b; the gradients of m and s, and those of w and
  // b from all samples.
  struct Features {
    std::int64_t count;
    double *m, *s, *mean, *w, *b, *dm, *ds, *dw, *db;
  };

  Features features(const ForwardCall& call) const {
    const std::int64_t n = options.num_features;
    double* p = reinterpret_cast<double*>(call.scratch);
    const Features f{n, p, p + n, p + 2 * n, p + 3 * n, p + 4 * n, p + 5 * n, p + 6 * n, p + 7 * n, p + 8 * n};
    for (std::int64_t c = 0; c < n; ++c) {
      f.w[c] = options.affine ? call.weights[0][c] : 1.0f;
      f.b[c] = options.affine ? call.weights[1][c] : 0.0f;
      f.dw[c] = f.db[c] = 0.0;
    }
    return f;
  }

  // visit(c, i) for the elements i of a series, c being the feature.
  template <class Visit>
  static void for_each(std::int64_t steps, const Features& f, Visit visit) {
    for (std::int64_t t = 0; t < steps; ++t)
      for (std::int64_t c = 0; c < f.count; ++c) visit(c, t * f.count + c);
  }

  // mean = sum(x) / steps,  s = sqrt(sum((x - mean)^2) / steps + eps),  m = mean, or the last x
  void measure(const float* x, std::int64_t steps, const Features& f) const {
    const double share = 1.0 / static_cast<double>(steps);
    std::fill_n(f.mean, f.count, 0.0);
    std::fill_n(f.s, f.count, 0.0);
    for_each(steps, f, [&](std::int64_t c, std::int64_t i) { f.mean[c] += x[i]; });
    for (std::int64_t c = 0; c < f.count; ++c) f.mean[c] *= share;
    for_each(steps, f, [&](std::int64_t c, std::int64_t i) { f.s[c] += (x[i] - f.mean[c]) * (x[i] - f.mean[c]); });
    for (std::int64_t c = 0; c < f.count; ++c) {
      f.s[c] = std::sqrt(f.s[c] * share + options.eps);
      f.m[c] = options.subtract_last ? x[(steps - 1) * f.count + c] : f.mean[c];
    }
  }

  // dx = direct + what comes through s and m. The slope of s is (x - mean) / (s steps); that of m is 1 / steps, or 1 at
  // the last step where that is m.
  template <class Direct>
  void series_gradient(const float* x, float* dx, std::int64_t steps, const Features& f, Direct direct) const {
    const double share = 1.0 / static_cast<double>(steps);
    const std::int64_t last = (steps - 1) * f.count;
    for_each(steps, f, [&](std::int64_t c, std::int64_t i) {
      const double of_m = options.subtract_last ? (i >= last ? f.dm[c] : 0.0) : f.dm[c] * share;
      dx[i] = static_cast<float>(direct(c, i) + (x[i] - f.mean[c]) / f.s[c] * f.ds[c] * share + of_m);
    });
  }

  // n = (x - m) / s,  y = n w + b
  void norm(const ForwardCall& call) const {
    const Features f = features(call);
    const std::int64_t steps = (*call.input().sample)[0];
    for (std::int64_t k = 0; k < call.samples; ++k) {
      const float* x = sample(call.input(), k);
      float* y = sample(call.output(), k);
      measure(x, steps, f);
      for_each(steps, f, [&](std::int64_t c, std::int64_t i) {
        y[i] = static_cast<float>((x[i] - f.m[c]) / f.s[c] * f.w[c] + f.b[c]);
      });
    }
  }

  // dw = sum(dy n),  db = sum(dy);  of x directly dy w / s, and through m and s: dm = -db w / s,  ds = -dw w / s
  void norm_backward(const BackwardCall& call) const {
    const Features f = features(call);
    const std::int64_t steps = (*call.input().sample)[0];
    for (std::int64_t k = 0; k < call.samples; ++k) {
      const float *x = sample(call.input(), k), *dy = sample(call.output_gradient(), k);
      measure(x, steps, f);
      std::fill_n(f.dm, f.count, 0.0);
      std::fill_n(f.ds, f.count, 0.0);
      for_each(steps, f, [&](std::int64_t c, std::int64_t i) {
        f.dm[c] += dy[i];
        f.ds[c] += dy[i] * ((x[i] - f.m[c]) / f.s[c]);
      });
      add(f, f.ds, f.dm);
      if (call.input_gradient() == nullptr) continue;
      for (std::int64_t c = 0; c < f.count; ++c) {
        f.dm[c] *= -f.w[c] / f.s[c];
        f.ds[c] *= -f.w[c] / f.s[c];
      }
      series_gradient(x, sample(*call.input_gradient(), k), steps, f,
                      [&](std::int64_t c, std::int64_t i) { return dy[i] * (f.w[c] / f.s[c]); });
    }
    add_to_weights(call, f);
  }

  // u = (z - b) / w,  y = u s + m
  void denorm(const ForwardCall& call) const {
    const Features f = features(call);
    const std::int64_t steps = (*call.input(0).sample)[0];
    for (std::int64_t k = 0; k < call.samples; ++k) {
      const float* z = sample(call.input(0), k);
      float* y = sample(call.output(), k);
      measure(sample(call.input(1), k), (*call.input(1).sample)[0], f);
      for_each(steps, f, [&](std::int64_t c, std::int64_t i) {
        y[i] = static_cast<float>((z[i] - f.b[c]) / f.w[c] * f.s[c] + f.m[c]);
      });
    }
  }

  // dz = dy s / w;  dm = sum(dy),  ds = sum(dy u);  dw = -ds s / w,  db = -dm s / w
  void denorm_backward(const BackwardCall& call) const {
    const Features f = features(call);
    const std::int64_t steps = (*call.input(0).sample)[0], series_steps = (*call.input(1).sample)[0];
    for (std::int64_t k = 0; k < call.samples; ++k) {
      const float *z = sample(call.input(0), k), *x = sample(call.input(1), k);
      const float* dy = sample(call.output_gradient(), k);
      measure(x, series_steps, f);
      std::fill_n(f.dm, f.count, 0.0);
      std::fill_n(f.ds, f.count, 0.0);
      for_each(steps, f, [&](std::int64_t c, std::int64_t i) {
        f.dm[c] += dy[i];
        f.ds[c] += dy[i] * ((z[i] - f.b[c]) / f.w[c]);
      });
      if (const Block* dx = call.input_gradient(1))
        series_gradient(x, sample(*dx, k), series_steps, f, [](std::int64_t, std::int64_t) { return 0.0; });
      if (const Block* dz = call.input_gradient(0))
        for_each(steps, f, [&](std::int64_t c, std::int64_t i) {
          sample(*dz, k)[i] = static_cast<float>(dy[i] * (f.s[c] / f.w[c]));
        });
      for (std::int64_t c = 0; c < f.count; ++c) {
        f.dm[c] *= -f.s[c] / f.w[c];
        f.ds[c] *= -f.s[c] / f.w[c];
      }
      add(f, f.ds, f.dm);
    }
    add_to_weights(call, f);
  }

  static void add(const Features& f, const double* dw, const double* db) {
    for (std::int64_t c = 0; c < f.count; ++c) {
      f.dw[c] += dw[c];
      f.db[c] += db[c];
    }
  }
  void add_to_weights(const BackwardCall& call, const Features& f) const {
    if (!options.affine || call.weight_gradient(0) == nullptr) return;
    for (std::int64_t c = 0; c < f.count; ++c) {
      call.weight_gradient(0)[c] += static_cast<float>(f.dw[c]);
      call.weight_gradient(1)[c] += static_cast<float>(f.db[c]);
    }
  }

  static float* sample(const Block& x, std::int64_t k) { return x.data + k * x.sample_size(); }

  bool is_denorm(const CallContext& context) const {
    bool denorm = false;
    for (const auto& [key, value] : context.arguments.entries()) {
      if (key != "mode") value_error("unknown argument '" + key + "'; known is mode");
      denorm = value == Value("denorm");
      if (!denorm && value != Value("norm"))
        value_error("unknown mode " + value.to_text() + "; known are norm, denorm");
    }
    return denorm;
  }
};

ReversibleInstanceNormOptions checked(ReversibleInstanceNormOptions o) {
  const std::string label = error_label("ReversibleInstanceNorm", o.name);
  if (o.num_features < 1)
    throw ValueError(label + "expected num_features of 1 or more, got " + std::to_string(o.num_features));
  if (!(o.eps >= 0)) throw ValueError(label + "expected an eps of 0 or more, got " + number_text(o.eps));
  return o;
}

}  // namespace

static std::shared_ptr<LayerBase> implement(ReversibleInstanceNormOptions options) {
  return make_layer<ReversibleInstanceNormLayer>(checked(std::move(options)));
}
template class LayerOf<ReversibleInstanceNormOptions, ReversibleInstanceNorm>;

SymbolicTensor ReversibleInstanceNorm::denorm(const SymbolicTensor& z, const SymbolicTensor& x) const {
  return call({z, x}, {{"mode", "denorm"}})[0];
}
Tensor ReversibleInstanceNorm::denorm(ArrayRef z, ArrayRef x) const {
  return (*this)(Data{z.get(), x.get()}, {.arguments = {{"mode", "denorm"}}});
}

}  // namespace xl
