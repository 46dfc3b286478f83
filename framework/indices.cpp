#include "xlayers/framework/indices.hpp"

#include <algorithm>
#include <utility>

#include "xlayers/framework/primitive.hpp"

namespace xl {

namespace {

class ToIndices final : public PrimitiveLayer {
 public:
  explicit ToIndices(std::string class_name) : class_name_(std::move(class_name)) {}

  std::string_view class_name() const override { return class_name_; }
  Config get_config() const override { return {}; }
  bool needs_building() const override { return false; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override {
    TensorSpec y = single_input(inputs, 1);
    y.dtype = DType::int32;
    return {y};
  }

  void forward(const ForwardCall& call) const override {
    const Block& x = call.input();
    for (std::int64_t i = 0; i < x.size(); ++i) {
      const float value = x.data[i];
      const bool fits = value >= -0x1p31f && value < 0x1p31f;
      if (!fits || value != static_cast<float>(static_cast<std::int32_t>(value)))
        value_error("expected whole numbers of 32 bits as indices, got " + to_value(value).to_text());
      call.output().integers()[i] = static_cast<std::int32_t>(value);
    }
  }

  // An index has no slope.
  void backward(const BackwardCall& call) const override {
    if (const Block* dx = call.input_gradient()) std::fill_n(dx->data, dx->size(), 0.0f);
  }

 private:
  const std::string class_name_;
};

}  // namespace

Layer to_indices(std::string class_name) { return Layer(std::make_shared<ToIndices>(std::move(class_name))); }

}  // namespace xl
