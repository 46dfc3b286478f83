#include "xlayers/framework/arithmetic.hpp"

#include <algorithm>

#include "xlayers/framework/errors.hpp"

namespace xl {

namespace {

// How one operand of a broadcast is walked through: the extents of the result's axes, batch axis first, and
// the operand's strides, 0 where it is repeated.
struct Walk {
  Shape extents;
  std::array<std::int64_t, Shape::max_rank> strides{};

  Walk(const Block& result, const Block& operand) : extents(result.sample->with_batch(result.samples)) {
    const Shape own = operand.sample->with_batch(operand.samples);
    const std::size_t missing = extents.rank() - own.rank();
    std::int64_t stride = 1;
    for (std::size_t axis = own.rank(); axis-- > 0;) {
      // The batch axis of an operand of lower rank still is its first: it lines up with the result's first
      // axis only if no axis is missing.
      strides[axis + missing] = own[axis] == 1 ? 0 : stride;
      stride *= own[axis];
    }
  }

  bool contiguous_last() const { return strides[extents.rank() - 1] == 1; }
};

// Calls row(result offset, operand offset) for every vector along the last axis.
template <class Row>
void for_each_row(const Walk& walk, Row row) {
  const std::size_t last = walk.extents.rank() - 1;
  std::array<Dim, Shape::max_rank> at{};
  std::int64_t result = 0, operand = 0;
  while (true) {
    row(result, operand);
    result += walk.extents[last];
    std::size_t axis = last;
    while (axis > 0) {
      --axis;
      operand += walk.strides[axis];
      if (++at[axis] < walk.extents[axis]) break;
      operand -= walk.strides[axis] * walk.extents[axis];
      at[axis] = 0;
      if (axis == 0) return;
    }
    if (last == 0) return;
  }
}

// y = a + b, with broadcasting.
class Add final : public PrimitiveLayer {
 public:
  std::string_view class_name() const override { return "Add"; }
  std::string_view package() const override { return "keras"; }
  Config get_config() const override { return {{"name", name()}}; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    if (inputs.size() != 2) throw ShapeError(label() + "takes two inputs, got " + std::to_string(inputs.size()));
    if (inputs[0].dtype != DType::float32 || inputs[1].dtype != DType::float32)
      throw ShapeError(label() + "adds float32 tensors");
    if (inputs[0].shape.rank() != inputs[1].shape.rank())
      shape_error("two inputs of equal rank; one is " + to_string(inputs[0].shape), inputs[1].shape);
    const bool batched = inputs[0].batched || inputs[1].batched;
    Shape sum;
    try {
      sum = broadcast(inputs[0].shape, inputs[1].shape);
    } catch (const ShapeError& error) {
      throw ShapeError(label() + error.what());
    }
    if (batched) sum[0] = None;
    return {{sum, DType::float32, batched}};
  }

  // y = a + b
  void forward(const ForwardCall& call) const override {
    const Block& y = call.output();
    if (y.size() == 0) return;
    for (std::size_t i = 0; i < 2; ++i) {
      const Walk walk(y, call.input(i));
      for_each_row(walk, [&](std::int64_t result, std::int64_t operand) {
        float* to = y.data + result;
        const float* from = call.input(i).data + operand;
        const std::int64_t step = walk.contiguous_last() ? 1 : 0;
        if (i == 0)
          for (Dim j = 0; j < y.columns(); ++j) to[j] = from[j * step];
        else
          for (Dim j = 0; j < y.columns(); ++j) to[j] += from[j * step];
      });
    }
  }

  // da = dy and db = dy, each summed over the axes along which it was repeated
  void backward(const BackwardCall& call) const override {
    const Block& dy = call.output_gradient();
    for (std::size_t i = 0; i < 2; ++i) {
      const Block* dx = call.input_gradient(i);
      if (dx == nullptr) continue;
      std::fill_n(dx->data, dx->size(), 0.0f);
      if (dy.size() == 0) continue;
      const Walk walk(dy, *dx);
      for_each_row(walk, [&](std::int64_t result, std::int64_t operand) {
        const float* from = dy.data + result;
        float* to = dx->data + operand;
        const std::int64_t step = walk.contiguous_last() ? 1 : 0;
        for (Dim j = 0; j < dy.columns(); ++j) to[j * step] += from[j];
      });
    }
  }
};

}  // namespace

bool is_addition(const PrimitiveLayer& layer) { return dynamic_cast<const Add*>(&layer) != nullptr; }

SymbolicTensor operator+(const SymbolicTensor& a, const SymbolicTensor& b) {
  auto layer = std::make_shared<Add>();
  name_layer(*layer, "", true);
  return call_layer(layer, {a, b})[0];
}

}  // namespace xl
