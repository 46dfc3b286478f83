#pragma once

#include <concepts>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "xlayers/framework/tensor/data.hpp"

// What a call is given: data that is referred to for as long as the call lasts.

namespace xl {

/// An Array as the parameter of a call: tensors are referred to, not copied. It lives as long as the call and goes nowhere
/// else: it is neither copied nor moved. A function of a program that passes arrays on takes `const xl::Array&`.
class ArrayRef {
 public:
  template <AnyTensor T>
  ArrayRef(const T& tensor) : array_(Array::referring_to(tensor)) {}
  template <class E>
  requires(!AnyTensor<E>) ArrayRef(const xt::xexpression<E>& expression) : array_(expression) {}
  template <std::same_as<Array> T>
  ArrayRef(const T& array) : array_(array) {}
  ArrayRef(const ArrayRef&) = delete;
  ArrayRef& operator=(const ArrayRef&) = delete;

  /// What the call sees; not to be kept.
  const Array& get() const { return array_; }

 private:
  Array array_;
};

/// Data as the parameter of a call, in all the forms that Data has: tensors are referred to, not copied. As an ArrayRef it
/// goes nowhere else; a function of a program that passes data on takes `const xl::Data&`.
class DataRef {
 public:
  DataRef() = default;
  DataRef(const Data& data) : given_(&data) {}
  template <class T>
  requires(!std::same_as<std::remove_cvref_t<T>, DataRef> && std::is_constructible_v<ArrayRef, T&&>) DataRef(T&& tensor)
      : data_(ArrayRef(std::forward<T>(tensor)).get()) {}
  DataRef(std::initializer_list<ArrayRef> arrays) {
    for (const ArrayRef& array : arrays) data_.push_back(array.get());
  }
  DataRef(std::initializer_list<std::pair<const std::string, ArrayRef>> named) {
    for (const auto& [name, array] : named) data_.add(name, array.get());
  }
  template <Arithmetic T>
  DataRef(std::initializer_list<T> numbers) : data_(numbers) {}
  template <Arithmetic T>
  DataRef(std::initializer_list<std::initializer_list<T>> numbers) : data_(numbers) {}
  template <Arithmetic T>
  DataRef(std::initializer_list<std::initializer_list<std::initializer_list<T>>> numbers) : data_(numbers) {}
  template <AnyArray T>
  DataRef(const std::vector<T>& arrays) {
    for (const T& array : arrays) data_.push_back(ArrayRef(array).get());
  }
  template <AnyArray T>
  DataRef(const std::map<std::string, T>& named) {
    for (const auto& [name, array] : named) data_.add(name, ArrayRef(array).get());
  }
  DataRef(const DataRef&) = delete;
  DataRef& operator=(const DataRef&) = delete;

  /// What the call sees; not to be kept.
  const Data& get() const { return given_ != nullptr ? *given_ : data_; }

 private:
  const Data* given_ = nullptr;
  Data data_;
};

}  // namespace xl
