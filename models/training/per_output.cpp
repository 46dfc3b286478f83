#include "xlayers/models/training/per_output.hpp"

#include "xlayers/models/training/options.hpp"

namespace xl {

template <class T>
PerOutput<T>::PerOutput() = default;
template <class T>
PerOutput<T>::PerOutput(const PerOutput&) = default;
template <class T>
PerOutput<T>::PerOutput(PerOutput&&) noexcept = default;
template <class T>
PerOutput<T>& PerOutput<T>::operator=(const PerOutput&) = default;
template <class T>
PerOutput<T>& PerOutput<T>::operator=(PerOutput&&) noexcept = default;
template <class T>
PerOutput<T>::~PerOutput() = default;

template <class T>
PerOutput<T>::PerOutput(std::initializer_list<T> values) : values_(values) {}
template <class T>
PerOutput<T>::PerOutput(std::vector<T> values) : values_(std::move(values)) {}
template <class T>
PerOutput<T>::PerOutput(std::initializer_list<std::pair<const std::string, T>> named) {
  for (const auto& [name, value] : named) add(name, value);
}
template <class T>
PerOutput<T>::PerOutput(const std::map<std::string, T>& named) {
  for (const auto& [name, value] : named) add(name, value);
}

template <class T>
void PerOutput<T>::add(const std::string& name, const T& value) {
  names_.push_back(name);
  values_.push_back(value);
}

template class PerOutput<Loss>;
template class PerOutput<double>;
template class PerOutput<MetricList>;

}  // namespace xl
