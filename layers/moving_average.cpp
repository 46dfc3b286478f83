#include "xlayers/layers/moving_average.hpp"

#include <algorithm>

#include "xlayers/framework/base/checked.hpp"
#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/implement.hpp"
#include "xlayers/framework/graph/primitive.hpp"

namespace xl {

static void serialize(Archive& archive, MovingAverageOptions& o) { archive("kernel_size", o.kernel_size); }

namespace {

// Gives emit(t, sums) the sum of the rows t - before, ..., t + behind for every t < count; rows[r] begins at rows + r columns,
// and beyond the first and the last one there is nothing.
//
// The rows stand in blocks of `width` = before + 1 + behind. Each window is the end of one block and the beginning of the next:
// the sums from r to the end of a block are made once, backward, and the beginning grows by a row a step. So a row is added
// twice, whatever the width; and since nothing is ever subtracted, a huge value or a NaN leaves no trace outside its windows.
template <class Emit>
void sliding_sums(const float* rows, std::int64_t count, std::int64_t before, std::int64_t behind, std::int64_t columns,
                  double* scratch, Emit emit) {
  before = std::min(before, count - 1);  // further there is nothing
  behind = std::min(behind, count - 1);
  const std::int64_t width = before + 1 + behind;
  const auto add_row = [&](std::int64_t r, double* sums) {
    if (r >= 0 && r < count)
      for (std::int64_t c = 0; c < columns; ++c) sums[c] += rows[r * columns + c];
  };
  double* const sums = scratch;                 // of the window
  double* const beginning = scratch + columns;  // of the next block
  double* const ends = scratch + 2 * columns;   // [r]: of this block, from r on
  for (std::int64_t block = 0; block < count; block += width) {
    const std::int64_t first = block - before, windows = std::min(width, count - block);
    std::fill_n(sums, columns, 0.0);
    for (std::int64_t r = width - 1; r >= 0; --r) {
      add_row(first + r, sums);
      if (r < windows) std::copy_n(sums, columns, ends + r * columns);
    }
    std::fill_n(beginning, columns, 0.0);
    for (std::int64_t r = 0; r < windows; ++r) {
      for (std::int64_t c = 0; c < columns; ++c) sums[c] = ends[r * columns + c] + beginning[c];
      emit(block + r, sums);
      if (r + 1 < windows) add_row(first + width + r, beginning);
    }
  }
}

class MovingAverageLayer final : public WithOptions<PrimitiveLayer, MovingAverageOptions> {
 public:
  using WithOptions::WithOptions;

  bool needs_building() const override { return false; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    const TensorSpec& x = single_input(inputs, 3);
    if (x.shape.rank() != 3) shape_error("an input (batch, steps, features)", x.shape);
    return {x};
  }

  Memory memory(const TensorSpecs& inputs, bool) const override {
    const std::int64_t steps = inputs[0].shape[1], columns = inputs[0].shape[2];
    return {.scratch = 2 * checked_mul(2 + std::min<std::int64_t>(steps, options.kernel_size), columns)};  // doubles
  }

  // y[t] = (x[t - p] + ... + x[t - p + k - 1]) / k with p = (k - 1) / 2, where x[t] is x[0] before the beginning and the
  // last one after the end. p steps are repeated on each side; so if k is even, the last window is one short.
  void forward(const ForwardCall& call) const override {
    const Window w(call.input(), options.kernel_size);
    for (std::int64_t i = 0; i < call.samples; ++i) {
      const float* x = call.input().data + i * w.steps * w.columns;
      float* y = call.output().data + i * w.steps * w.columns;
      sliding_sums(x, w.steps, w.before, w.behind, w.columns, scratch(call), [&](std::int64_t t, double* sums) {
        const double share = 1.0 / w.elements(t);
        const double on_first = w.on_first(t), on_last = w.on_last(t);
        for (std::int64_t c = 0; c < w.columns; ++c) {
          // Only what there is, since 0 times infinity is none.
          if (on_first > 0) sums[c] += on_first * x[c];
          if (on_last > 0) sums[c] += on_last * x[(w.steps - 1) * w.columns + c];
          y[t * w.columns + c] = static_cast<float>(sums[c] * share);
        }
      });
    }
  }

  // Step t gives g[t] = dy[t] / k (of the last, short window: / (k - 1)) to each element of its window. So
  //   dx[i] = g[i + p - k + 1] + ... + g[i + p], with zeros beyond the ends,
  // and besides the first and the last step take what falls on their repetitions.
  void backward(const BackwardCall& call) const override {
    if (call.input_gradient() == nullptr) return;
    const Window w(call.input(), options.kernel_size);
    for (std::int64_t i = 0; i < call.samples; ++i) {
      float* g = call.output_gradient().data + i * w.steps * w.columns;
      float* dx = call.input_gradient()->data + i * w.steps * w.columns;
      for (std::int64_t t = 0; t < w.steps; ++t) {
        const double share = 1.0 / w.elements(t);
        for (std::int64_t c = 0; c < w.columns; ++c)
          g[t * w.columns + c] = static_cast<float>(g[t * w.columns + c] * share);
      }
      sliding_sums(g, w.steps, w.behind, w.before, w.columns, scratch(call), [&](std::int64_t t, const double* sums) {
        for (std::int64_t c = 0; c < w.columns; ++c) dx[t * w.columns + c] = static_cast<float>(sums[c]);
      });
      add_ends(w, g, scratch(call), dx);
    }
  }

 private:
  struct Window {
    Window(const Block& x, std::int64_t kernel_size)
        : steps((*x.sample)[0]),
          columns((*x.sample)[1]),
          size(kernel_size),
          before((kernel_size - 1) / 2),
          behind(size - 1 - before) {}

    std::int64_t steps, columns, size;
    std::int64_t before, behind;  // steps of a window before its own, and behind it; `before` are repeated on each side
    // How many elements window t has.
    double elements(std::int64_t t) const { return static_cast<double>(std::min(size, steps + 2 * before - t)); }
    // How many of them are the first step's repetitions, and the last one's.
    double on_first(std::int64_t t) const { return static_cast<double>(std::max<std::int64_t>(0, before - t)); }
    double on_last(std::int64_t t) const {
      return static_cast<double>(std::max<std::int64_t>(0, std::min(t + size, steps + 2 * before) - (before + steps)));
    }
  };

  static double* scratch(const ForwardCall& call) { return reinterpret_cast<double*>(call.scratch); }

  // Of window t, the elements before the first step and those after the last one.
  static void add_ends(const Window& w, const float* g, double* scratch, float* dx) {
    if (w.steps == 0) return;
    double* const first = scratch;
    double* const last = scratch + w.columns;
    std::fill_n(scratch, 2 * w.columns, 0.0);
    for (std::int64_t t = 0; t < w.steps; ++t) {
      const double on_first = w.on_first(t), on_last = w.on_last(t);
      for (std::int64_t c = 0; c < w.columns; ++c) {
        first[c] += g[t * w.columns + c] * on_first;
        last[c] += g[t * w.columns + c] * on_last;
      }
    }
    for (std::int64_t c = 0; c < w.columns; ++c) {
      dx[c] += static_cast<float>(first[c]);
      dx[(w.steps - 1) * w.columns + c] += static_cast<float>(last[c]);
    }
  }
};

MovingAverageOptions checked(MovingAverageOptions o) {
  if (o.kernel_size < 1)
    throw ValueError(error_label("MovingAverage", o.name) + "expected a kernel_size of 1 or more, got " +
                     std::to_string(o.kernel_size));
  return o;
}

}  // namespace

static std::shared_ptr<LayerBase> implement(MovingAverageOptions options) {
  return make_layer<MovingAverageLayer>(checked(std::move(options)));
}
template class LayerOf<MovingAverageOptions>;

}  // namespace xl
