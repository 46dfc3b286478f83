#pragma once

#include <cstdint>
#include <span>

#include "xlayers/framework/base/few.hpp"
#include "xlayers/framework/engine/executor.hpp"
#include "xlayers/framework/tensor/data.hpp"
#include "xlayers/models/training/compiled_outputs.hpp"

// Internal: data as training and evaluation see it, checked against a model.

namespace xl {

/// What goes into a model: an array for each input, of its dtype.
struct Inputs {
  std::int64_t count = 0;  ///< samples
  Few<Array> arrays;
  Few<Shape> shapes;  ///< of one sample each

  /// Throws ShapeError or ValueError unless `x` fits the model's inputs, or if there are no samples.
  Inputs(const Signature& model, const Data& x);
  /// Where sample `first` of each input is.
  Few<const float*> from(std::int64_t first) const;
};

/// What the output of a model is compared with.
struct Target {
  Array array;                    ///< float32; empty for an output that has no loss
  Array weight;                   ///< what the samples count, or their rows; or empty
  std::int64_t rows = 1;          ///< of the output for one sample: all axes but the last
  std::int64_t features = 1;      ///< of an output's row
  std::int64_t row_features = 1;  ///< of a target's row
  std::int64_t weights = 1;       ///< for one sample

  const float* data(std::int64_t sample) const { return array.data() + sample * rows * row_features; }
};

/// Samples and their targets. `first` and `count` say which of them are meant.
struct Samples {
  Inputs inputs;
  Few<Target> targets;
  std::int64_t first = 0, count = 0;

  /// Throws ShapeError or ValueError unless the data fits the model and one another.
  Samples(const Signature& model, const Executor& executor, const CompiledOutputs& outputs, const Data& x,
          const Data& y, const Data& weight, const std::map<int, float>& class_weight = {});
  /// `count` samples from `first` on.
  Samples part(std::int64_t first, std::int64_t count) const;
};

/// `count` samples that go through a model together.
struct Batch {
  const Samples& samples;
  const std::int64_t* order = nullptr;  ///< none: as they stand
  std::int64_t first = 0, count = 0;

  /// Where each input's data is, and the run over it.
  Few<const float*> inputs() const;
  Run run(std::span<const float* const> inputs) const;
  /// Where number i of the batch stands in the data.
  std::int64_t sample(std::int64_t i) const { return order == nullptr ? samples.first + first + i : order[first + i]; }
};

}  // namespace xl
