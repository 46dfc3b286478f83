#include "xlayers/framework/tensor/data.hpp"

#include <algorithm>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/whole_number.hpp"

namespace xl {

Array::Array(std::shared_ptr<const Tensor> tensor)
    : owner_(tensor), data_(tensor->data()), shape_(xl::shape(*tensor)), dtype_(DType::float32) {}
Array::Array(std::shared_ptr<const IntTensor> tensor)
    : owner_(tensor), data_(tensor->data()), shape_(xl::shape(*tensor)), dtype_(DType::int32) {}

namespace {

template <class To, class From>
To copy(const Shape& shape, const From* from) {
  To tensor = To::from_shape(std::vector<std::size_t>(shape.begin(), shape.end()));
  std::copy_n(from, tensor.size(), tensor.data());
  return tensor;
}

}  // namespace

Array Array::kept() const {
  if (empty() || owner_.use_count() > 0) return *this;
  return dtype_ == DType::float32 ? Array(copy<Tensor>(shape_, data())) : Array(copy<IntTensor>(shape_, integers()));
}

Array Array::as(DType dtype) const {
  if (dtype == dtype_) return *this;
  if (dtype == DType::float32) return copy<Tensor>(shape_, integers());
  const float* end = data() + shape_.elements();
  if (const float* wrong = std::find_if_not(data(), end, is_int32); wrong != end)
    throw ValueError("expected whole numbers of 32 bits for an int32 input, got " + std::to_string(*wrong));
  return copy<IntTensor>(shape_, data());
}

Data Data::kept() const {
  Data result = *this;
  for (std::size_t i = 0; i < size(); ++i) result[i] = result[i].kept();
  return result;
}

}  // namespace xl
