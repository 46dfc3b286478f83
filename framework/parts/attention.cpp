#include "xlayers/framework/parts/attention.hpp"

#include <algorithm>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/primitive.hpp"
#include "xlayers/framework/parts/attention_head.hpp"
#include "xlayers/framework/parts/shared_work.hpp"

namespace xl {

namespace {

using namespace attention;

class Core final : public PrimitiveLayer {
 public:
  explicit Core(AttentionCore options) : options(std::move(options)) {}

  // It is a part of that layer and speaks in its name.
  std::string_view class_name() const override { return "MultiHeadAttention"; }
  Config get_config() const override { return {}; }
  bool needs_building() const override { return false; }
  Masking masking() const override { return Masking::uses; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    const Shape &query = inputs[0].shape, &key = inputs[1].shape, &value = inputs[2].shape;
    if (!Shape{key[1]}.compatible({value[1]}))
      throw ShapeError(label() + "expected a key with as many steps as the value, got " + std::to_string(key[1]) +
                       " and " + std::to_string(value[1]));
    const bool batched = std::any_of(inputs.begin(), inputs.end(), [](const TensorSpec& x) { return x.batched; });
    const Dim batch = batched ? None : 1, T = query[1], N = query[2], S = value[1] == None ? key[1] : value[1];
    if (options.attention_mask) check_attention_mask(inputs[3].shape, N, T, S);
    for (std::size_t i = 0; i < 3; ++i) {
      const Shape expected{None, i == 0 ? T : S};
      const std::optional<Shape>& mask = inputs[i].mask;
      if (mask && !mask->compatible(expected)) shape_error("a mask " + to_string(expected), *mask);
    }
    TensorSpecs outputs{{{batch, T, N, value[3]}, DType::float32, batched}};
    if (options.scores) outputs.push_back({{batch, N, T, S}, DType::float32, batched});
    return outputs;
  }

  Memory memory(const TensorSpecs& inputs, bool) const override {
    const Sizes size(inputs[0].shape.sample(), inputs[2].shape.sample());
    return {.saved_per_sample = saved_floats(options, size), .scratch_per_sample = Scratch(size).floats};
  }

  // For each head:  P = softmax(Q K^T / sqrt(H)) over the keys that are seen,  O = P V
  void forward(const ForwardCall& call) const override {
    if (options.scores) std::fill_n(call.output(1).data, call.output(1).size(), 0.0f);
    const Sizes size = sizes(call);
    const std::int64_t ranges = (size.T + size.queries() - 1) / size.queries();
    shared_for(call.samples * size.N * ranges, products(call, size), [&](std::int64_t index) {
      const std::int64_t begin = index % ranges * size.queries(), head = index / ranges;
      Head(options, call, size, head / size.N, head % size.N).forward(begin, std::min(size.T, begin + size.queries()));
    });
  }

  // dV = P^T dO,  dP = dO V^T
  // dS = P * (dP - rowsum(dP * P)) / sqrt(H),  where rowsum(dP * P) = rowsum(dO * O)
  // dQ = dS K,  dK = dS^T Q
  // The gradient G of scores that were given out is added to dP, and rowsum(G * P) to the sum. With dropout, the first line has
  // P D in the place of P and dP D in that of dP, where D is 0 for what was dropped and 1 / (1 - rate) for what was not.
  void backward(const BackwardCall& call) const override {
    for (std::size_t i = 3; i < call.input_gradients.size(); ++i)  // an attention mask has no slope
      if (const Block* dx = call.input_gradient(i)) std::fill_n(dx->data, dx->size(), 0.0f);
    const Sizes size = sizes(call);
    shared_for(call.samples * size.N, 2.5 * products(call, size),
               [&](std::int64_t index) { Head(options, call, size, index / size.N, index % size.N).backward(call); });
  }

  const AttentionCore options;

 private:
  static Sizes sizes(const ForwardCall& call) { return {*call.input(0).sample, *call.input(2).sample}; }
  static double products(const ForwardCall& call, const Sizes& size) {
    return static_cast<double>(call.samples * size.N) * static_cast<double>(size.T) * static_cast<double>(size.S) *
           static_cast<double>(size.H + size.V);
  }

  void check_attention_mask(const Shape& mask, Dim N, Dim T, Dim S) const {
    const auto fits = [](Dim extent, Dim wanted) { return extent == 1 || Shape{extent}.compatible({wanted}); };
    const std::size_t rank = mask.rank();
    if ((rank == 3 || (rank == 4 && fits(mask[1], N))) && fits(mask[rank - 2], T) && fits(mask[rank - 1], S)) return;
    shape_error("an attention_mask that broadcasts to " + to_string(Shape{None, T, S}) + " or, one for each head, to " +
                    to_string(Shape{None, N, T, S}),
                mask);
  }
};

}  // namespace

Layer attention_core(AttentionCore options) { return Layer(make_layer<Core>(std::move(options))); }

}  // namespace xl
