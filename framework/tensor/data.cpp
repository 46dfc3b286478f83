#include "xlayers/framework/tensor/data.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/number_text.hpp"
#include "xlayers/framework/base/whole_number.hpp"

namespace xl {

Array::Array() = default;
Array::Array(const Array&) = default;
Array::Array(Array&&) noexcept = default;
Array& Array::operator=(const Array&) = default;
Array& Array::operator=(Array&&) noexcept = default;
Array::~Array() = default;

Array Array::owning(const Tensor& tensor) { return Array(std::make_shared<const Tensor>(tensor)); }
Array Array::owning(Tensor&& tensor) { return Array(std::make_shared<const Tensor>(std::move(tensor))); }
Array Array::owning(const IntTensor& tensor) { return Array(std::make_shared<const IntTensor>(tensor)); }
Array Array::owning(IntTensor&& tensor) { return Array(std::make_shared<const IntTensor>(std::move(tensor))); }

Array Array::referring_to(const Tensor& tensor) {
  return Array(std::shared_ptr<const Tensor>(std::shared_ptr<void>(), &tensor));
}
Array Array::referring_to(const IntTensor& tensor) {
  return Array(std::shared_ptr<const IntTensor>(std::shared_ptr<void>(), &tensor));
}

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

Array::operator Tensor() const {
  const Array floats = as(DType::float32);
  return copy<Tensor>(shape_, floats.data());
}

Array::operator IntTensor() const {
  const Array integers = as(DType::int32);
  return copy<IntTensor>(shape_, integers.integers());
}

// ---- Data

Data::Data() = default;
Data::Data(const Data&) = default;
Data::Data(Data&&) noexcept = default;
Data& Data::operator=(const Data&) = default;
Data& Data::operator=(Data&&) noexcept = default;
Data::~Data() = default;

Data::Data(std::initializer_list<Array> arrays) {
  for (const Array& array : arrays) push_back(array);
}
Data::Data(std::initializer_list<std::pair<const std::string, Array>> named) {
  for (const auto& [name, array] : named) add(name, array);
}

void Data::push_back(Array array) {
  if (size_++ == 0)
    first_ = std::move(array);
  else
    more_.push_back(std::move(array));
}

void Data::add(std::string name, Array array) {
  names_.push_back(std::move(name));
  push_back(std::move(array));
}

}  // namespace xl
