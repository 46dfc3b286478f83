#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>

#include "xlayers/framework/graph/layer.hpp"

namespace xl {

/// Where a sequence begins: step t of an input has the position start_index + t.
struct StartIndex {
  std::int64_t start_index = 0;
};

/// The argument start_index of a call, 0 if it is not given. Throws ValueError for one that is not from 0 to 2^52, and for any other
/// argument.
std::int64_t start_index_of(const CallContext& context);
/// The arguments that say so.
Config to_arguments(const StartIndex& at);

/// The handle of a layer whose call has a start_index: `layer(x, {.start_index = 96})`.
class PositionsLayer : public Layer {
 public:
  using Layer::Layer;
  using Layer::operator();
  Tensor operator()(DataRef x, const StartIndex& at) const {
    return Layer::operator()(x.get(), {.arguments = to_arguments(at)});
  }
  SymbolicTensor operator()(const SymbolicTensor& x, const StartIndex& at) const {
    return call({x}, to_arguments(at))[0];
  }
};

// ---- parts of layers that encode positions. They speak in the name of the layer, of which they have the class.

/// Which axes of a tensor are its steps and its features, the batch axis counted.
struct SequenceAxes {
  std::size_t steps = 1, features = 2;
};

/// (batch, steps, ..., features) -> (1, steps, features), which has no batch: what `fill(steps, features, out)` writes, once
/// for each shape. The values of the input do not count.
Layer table_of_steps(std::string class_name, SequenceAxes axes,
                     std::function<void(std::int64_t, std::int64_t, float*)> fill);

/// Columns that come in pairs, a sine and a cosine of the same angle: position * frequency of the pair.
struct Sinusoids {
  /// The frequency of pair i where there are `features` columns.
  std::function<double(std::int64_t i, std::int64_t features)> frequency;
  /// sin, cos, sin, cos, ...; an odd number of columns ends with a sine. Else all cosines, then all sines.
  bool interleaved = true;
  double factor = 1;  ///< of every column

  std::int64_t pairs(std::int64_t features) const { return (features + 1) / 2; }
  std::int64_t sine(std::int64_t i, std::int64_t features) const { return interleaved ? 2 * i : features / 2 + i; }
  std::int64_t cosine(std::int64_t i) const { return interleaved ? 2 * i + 1 : i; }

  /// Writes the columns of pair i for `rows` positions, the t-th of which is position(t); row t begins at out + t * features.
  template <class Position>
  void write(std::int64_t i, std::int64_t features, std::int64_t rows, Position position, float* out) const {
    const double turn = frequency(i, features);
    for (std::int64_t t = 0; t < rows; ++t) {
      const double angle = position(t) * turn;
      out[t * features + sine(i, features)] = static_cast<float>(factor * std::sin(angle));
      if (cosine(i) < features) out[t * features + cosine(i)] = static_cast<float>(factor * std::cos(angle));
    }
  }
};

/// (batch, steps, ..., features) and positions (batch, steps) -> (batch, steps, features). The values of the first do not
/// count; positions may be int32.
Layer table_of_positions(std::string class_name, SequenceAxes axes, Sinusoids sinusoids);
SymbolicTensor to_floats(const SymbolicTensor& positions);

}  // namespace xl
