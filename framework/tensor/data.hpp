#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "xlayers/framework/tensor/tensor.hpp"

namespace xl {

/// A tensor that is given to a call, of floats or of indices. A tensor with a name of its own is only referred to and has
/// to outlive the call; a temporary is taken over; any other xtensor expression is computed.
class Array {
 public:
  Array() = default;
  Array(const Tensor& tensor) : Array(std::shared_ptr<const Tensor>(std::shared_ptr<void>(), &tensor)) {}
  Array(Tensor&& tensor) : Array(std::make_shared<const Tensor>(std::move(tensor))) {}
  Array(const IntTensor& tensor) : Array(std::shared_ptr<const IntTensor>(std::shared_ptr<void>(), &tensor)) {}
  Array(IntTensor&& tensor) : Array(std::make_shared<const IntTensor>(std::move(tensor))) {}
  template <class E>
  Array(const xt::xexpression<E>& expression) {
    if constexpr (std::is_integral_v<typename E::value_type>)
      *this = Array(IntTensor(expression));
    else
      *this = Array(Tensor(expression));
  }

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  /// The elements; those of an int32 tensor lie behind the same pointer.
  const float* data() const { return static_cast<const float*>(data_); }
  const std::int32_t* integers() const { return static_cast<const std::int32_t*>(data_); }
  /// True for what no tensor was given for.
  bool empty() const { return data_ == nullptr; }

  /// The same elements, which this array owns.
  Array kept() const;
  /// The same numbers as another dtype. Throws ValueError for a float that is not a whole number of 32 bits.
  Array as(DType dtype) const;

 private:
  explicit Array(std::shared_ptr<const Tensor> tensor);
  explicit Array(std::shared_ptr<const IntTensor> tensor);

  std::shared_ptr<const void> owner_;  // none for a tensor that is only referred to
  const void* data_ = nullptr;
  Shape shape_;
  DType dtype_ = DType::float32;
};

/// What goes into a layer or a model, or is compared with what comes out: one tensor; several, `{a, b}`, in the order of
/// the inputs; or several by name, `{{"series", a}, {"mark", b}}`.
class Data {
 public:
  Data() = default;
  template <class T>
  requires(!std::is_same_v<std::remove_cvref_t<T>, Data> && std::is_constructible_v<Array, T&&>) Data(T&& tensor)
      : first_(std::forward<T>(tensor)), size_(1) {}
  Data(std::initializer_list<Array> arrays) { assign(arrays.begin(), arrays.end()); }
  Data(std::initializer_list<std::pair<const std::string, Array>> named) { assign_named(named.begin(), named.end()); }
  Data(const std::vector<Tensor>& tensors) { assign(tensors.begin(), tensors.end()); }
  Data(const std::vector<Array>& arrays) { assign(arrays.begin(), arrays.end()); }
  Data(const std::map<std::string, Tensor>& named) { assign_named(named.begin(), named.end()); }
  Data(const std::map<std::string, Array>& named) { assign_named(named.begin(), named.end()); }

  std::size_t size() const { return size_; }
  bool empty() const { return size() == 0; }
  const Array& operator[](std::size_t i) const { return i == 0 ? first_ : more_[i - 1]; }
  Array& operator[](std::size_t i) { return i == 0 ? first_ : more_[i - 1]; }
  void push_back(const Array& array) {
    if (size_++ == 0)
      first_ = array;
    else
      more_.push_back(array);
  }
  /// The names, one for each tensor; none if there are none.
  const std::vector<std::string>& names() const { return names_; }

  /// The same data, owned.
  Data kept() const;

 private:
  template <class Iterator>
  void assign(Iterator first, Iterator last) {
    for (; first != last; ++first) push_back(Array(*first));
  }
  template <class Iterator>
  void assign_named(Iterator first, Iterator last) {
    for (; first != last; ++first) {
      names_.push_back(first->first);
      push_back(Array(first->second));
    }
  }

  Array first_;  // one tensor takes no allocation
  std::vector<Array> more_;
  std::size_t size_ = 0;
  std::vector<std::string> names_;
};

/// Data that is kept: a copy of what has a name of its own.
class KeptData : public Data {
 public:
  KeptData() = default;
  template <class T>
  requires(!std::is_same_v<std::remove_cvref_t<T>, KeptData> && std::is_constructible_v<Data, T&&>) KeptData(T&& data)
      : Data(Data(std::forward<T>(data)).kept()) {}
  KeptData(std::initializer_list<Array> arrays) : Data(Data(arrays).kept()) {}
  KeptData(std::initializer_list<std::pair<const std::string, Array>> named) : Data(Data(named).kept()) {}
};

}  // namespace xl
