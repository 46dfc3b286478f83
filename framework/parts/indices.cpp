#include "xlayers/framework/parts/indices.hpp"

#include <algorithm>
#include <utility>

#include "xlayers/framework/base/whole_number.hpp"
#include "xlayers/framework/graph/primitive.hpp"

namespace xl {

namespace {

class ToIndices final : public PrimitiveLayer {
 public:
  ToIndices(std::string class_name, Fraction fraction) : class_name_(std::move(class_name)), fraction_(fraction) {}

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
      if (!(fraction_ == Fraction::dropped ? fits_int32(value) : is_int32(value)))
        value_error(std::string("expected ") +
                    (fraction_ == Fraction::dropped ? "an index of 32 bits" : "whole numbers of 32 bits as indices") +
                    ", got " + to_value(value).to_text());
      call.output().integers()[i] = static_cast<std::int32_t>(value);
    }
  }

  // An index has no slope.
  void backward(const BackwardCall& call) const override {
    if (const Block* dx = call.input_gradient()) std::fill_n(dx->data, dx->size(), 0.0f);
  }

 private:
  const std::string class_name_;
  const Fraction fraction_;
};

}  // namespace

Layer to_indices(std::string class_name, Fraction fraction) {
  return Layer(std::make_shared<ToIndices>(std::move(class_name), fraction));
}

}  // namespace xl
