#include "xlayers/framework/tensor/data.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/number_text.hpp"
#include "xlayers/framework/base/whole_number.hpp"

namespace xl {

Array::Array(std::shared_ptr<const Tensor> tensor)
    : data_(tensor, tensor->data()), shape_(xl::shape(*tensor)), dtype_(DType::float32) {}
Array::Array(std::shared_ptr<const IntTensor> tensor)
    : data_(tensor, tensor->data()), shape_(xl::shape(*tensor)), dtype_(DType::int32) {}

namespace {

template <class To, class From>
To copy(const Shape& shape, const From* from) {
  To tensor = To::from_shape(std::vector<std::size_t>(shape.begin(), shape.end()));
  std::transform(from, from + tensor.size(), tensor.data(),
                 [](From number) { return static_cast<typename To::value_type>(number); });
  return tensor;
}

}  // namespace

template <class T>
Array Array::of_whole_numbers(const WholeNumbers<T>& numbers) {
  const Shape shape(numbers.shape().begin(), numbers.shape().end());
  const T* end = numbers.data() + numbers.size();
  const T* wrong = std::find_if_not(numbers.data(), end, [](T number) { return std::in_range<std::int32_t>(number); });
  if (wrong == end) return Array(copy<IntTensor>(shape, numbers.data()));
  Array array(copy<Tensor>(shape, numbers.data()));
  array.dtype_ = DType::int32;
  array.too_wide_ = std::make_shared<const std::string>(std::to_string(*wrong));
  return array;
}
template Array Array::of_whole_numbers(const WholeNumbers<std::int64_t>&);
template Array Array::of_whole_numbers(const WholeNumbers<std::uint64_t>&);

namespace {

std::string misfit_text(const std::string& number) {
  return "expected whole numbers of 32 bits for an int32 input, got " + number;
}

}  // namespace

std::string Array::misfit() const { return misfit_text(*too_wide_); }
void Array::refuse() const { throw ValueError(misfit()); }

Array Array::as(DType dtype) const {
  if (dtype == dtype_ && !too_wide_) return *this;
  if (dtype == DType::int32) {
    // Doubles are floats by now: beyond 2^24 a float may be one of several whole numbers.
    const float most = from_doubles_ ? 0x1p24f : std::numeric_limits<float>::infinity();
    const float* end = data() + shape_.elements();
    const float* wrong = std::find_if_not(data(), end, [&](float x) { return is_int32(x) && std::abs(x) < most; });
    if (wrong != end) throw ValueError(misfit_text(number_text(*wrong)));
    return copy<IntTensor>(shape_, data());
  }
  if (!too_wide_) return copy<Tensor>(shape_, integers());
  Array floats = *this;
  floats.dtype_ = DType::float32;
  floats.too_wide_ = nullptr;
  return floats;
}

}  // namespace xl
