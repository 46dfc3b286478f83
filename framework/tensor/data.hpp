#pragma once

#include <concepts>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "xlayers/framework/tensor/tensor.hpp"

namespace xl {

/// Numbers with a shape that go into a layer or a model: floats, or whole numbers such as indices. An array owns what it
/// holds: a copy of a tensor with a name of its own, a temporary itself, what any other xtensor expression comes to.
///
/// Whole numbers of any width and doubles may be given. As floats they are rounded to float32; as indices they have to fit
/// into 32 bits.
class Array {
 public:
  Array();
  Array(const Array&);
  Array(Array&&) noexcept;
  Array& operator=(const Array&);
  Array& operator=(Array&&) noexcept;
  ~Array();

  template <class T>
  requires AnyTensor<std::remove_cvref_t<T>> Array(T&& tensor) : Array(owning(std::forward<T>(tensor))) {}
  template <class E>
  requires(!AnyTensor<E>) Array(const xt::xexpression<E>& expression) {
    using T = typename E::value_type;
    if constexpr (std::is_floating_point_v<T>)
      *this = Array(Tensor(expression));
    else if constexpr (sizeof(T) < 4 || std::is_same_v<T, std::int32_t>)
      *this = Array(IntTensor(expression));
    else if constexpr (std::is_signed_v<T> || sizeof(T) < 8)
      *this = of_whole_numbers(WholeNumbers<std::int64_t>(expression));
    else
      *this = of_whole_numbers(WholeNumbers<std::uint64_t>(expression));
    from_doubles_ = std::is_floating_point_v<T> && sizeof(T) > 4;
  }
  /// An array that only refers to `tensor`, which has to outlive it and every copy of it.
  static Array referring_to(const Tensor& tensor);
  static Array referring_to(const IntTensor& tensor);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  /// The elements; those of an int32 array lie behind the same pointer. Throws ValueError if the whole numbers that were
  /// given do not fit into 32 bits: those go only `as` floats.
  const float* data() const { return static_cast<const float*>(elements()); }
  const std::int32_t* integers() const { return static_cast<const std::int32_t*>(elements()); }
  /// True for what no tensor was given for.
  bool empty() const { return data_ == nullptr; }
  /// True if the elements are those of this tensor.
  bool lies_in(const Tensor& tensor) const { return data_.get() == tensor.data(); }

  /// False if it holds whole numbers that do not fit into 32 bits; misfit() is the text of the error.
  bool fits() const { return too_wide_ == nullptr; }
  std::string misfit() const;

  /// A copy as a tensor, so that one can be made of it: `xl::Tensor x = xl::load_npy("x.npy")`. Throw as `as`.
  operator Tensor() const;
  operator IntTensor() const;

  /// The same, as an array owns what it holds.
  Array kept() const { return *this; }
  /// The same numbers as another dtype. Throws ValueError for indices that are not whole numbers of 32 bits, or doubles
  /// that float32 cannot tell from their neighbours.
  Array as(DType dtype) const;

 private:
  template <class T>
  using WholeNumbers = xt::xarray<T, xt::layout_type::row_major, std::allocator<T>>;
  template <class T>
  static Array of_whole_numbers(const WholeNumbers<T>& numbers);
  static Array owning(const Tensor& tensor);
  static Array owning(Tensor&& tensor);
  static Array owning(const IntTensor& tensor);
  static Array owning(IntTensor&& tensor);
  explicit Array(std::shared_ptr<const Tensor> tensor);
  explicit Array(std::shared_ptr<const IntTensor> tensor);

  const void* elements() const {
    if (!fits()) refuse();
    return data_.get();
  }
  [[noreturn]] void refuse() const;

  std::shared_ptr<const void> data_;  // the first element; owns the tensor, unless it is only referred to
  Shape shape_;
  DType dtype_ = DType::float32;
  bool from_doubles_ = false;  // rounded
  // A whole number that does not fit into an index. The elements are then floats already, which an index never sees.
  std::shared_ptr<const std::string> too_wide_;
};

template <class T>
concept AnyArray = AnyTensor<T> || std::same_as<T, Array>;

/// What goes into a layer or a model, or is compared with what comes out: one tensor; several, `{a, b}`, in the order of
/// the inputs; several by name, `{{"series", a}, {"mark", b}}`; or one tensor of numbers as they stand there,
/// `{{1, 2}, {3, 4}}`. A Data owns what it holds, as an Array does. Calls take a DataRef, which copies nothing.
class Data {
 public:
  Data();
  Data(const Data&);
  Data(Data&&) noexcept;
  Data& operator=(const Data&);
  Data& operator=(Data&&) noexcept;
  ~Data();

  template <class T>
  requires(!std::same_as<std::remove_cvref_t<T>, Data> && std::is_constructible_v<Array, T&&>) Data(T&& tensor)
      : Data({Array(std::forward<T>(tensor))}) {}
  Data(std::initializer_list<Array> arrays);
  Data(std::initializer_list<std::pair<const std::string, Array>> named);
  template <Arithmetic T>
  Data(std::initializer_list<T> numbers) : Data(detail::nested(numbers)) {}
  template <Arithmetic T>
  Data(std::initializer_list<std::initializer_list<T>> numbers) : Data(detail::nested(numbers)) {}
  template <Arithmetic T>
  Data(std::initializer_list<std::initializer_list<std::initializer_list<T>>> numbers)
      : Data(detail::nested(numbers)) {}
  template <AnyArray T>
  Data(const std::vector<T>& arrays) {
    for (const T& array : arrays) push_back(array);
  }
  template <AnyArray T>
  Data(std::vector<T>&& arrays) {
    for (T& array : arrays) push_back(std::move(array));
  }
  template <AnyArray T>
  Data(const std::map<std::string, T>& named) {
    for (const auto& [name, array] : named) add(name, array);
  }
  template <AnyArray T>
  Data(std::map<std::string, T>&& named) {
    for (auto& [name, array] : named) add(name, std::move(array));
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size() == 0; }
  const Array& operator[](std::size_t i) const { return i == 0 ? first_ : more_[i - 1]; }
  Array& operator[](std::size_t i) { return i == 0 ? first_ : more_[i - 1]; }
  void push_back(Array array);
  void add(std::string name, Array array);
  /// The same, as Data owns what it holds.
  Data kept() const { return *this; }
  /// The names, one for each tensor; none if there are none.
  const std::vector<std::string>& names() const { return names_; }

 private:
  Array first_;  // one tensor takes no allocation
  std::vector<Array> more_;
  std::size_t size_ = 0;
  std::vector<std::string> names_;
};

using KeptData = Data;

}  // namespace xl
