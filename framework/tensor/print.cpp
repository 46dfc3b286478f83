// Tensors as text, as xtensor's xio.hpp prints them, which it takes programs long to compile:
//
//     {{ 1. ,  2.5},
//      {-3. ,  4. }}
//
// Numbers of a tensor have one width and as many digits behind the point as the one that needs most, six at most; beyond
// 10^7 and below 10^-5 all have an exponent. Of more than a thousand, the first and the last three of each axis are shown.
// The stream's precision and xtensor's print_options are heeded, its locale is not.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#if __has_include(<xtensor/io/xio.hpp>)
#include <xtensor/io/xio.hpp>
#else
#include <xtensor/xio.hpp>
#endif

#include "xlayers/framework/base/number_text.hpp"
#include "xlayers/framework/tensor/tensor.hpp"

namespace xl {
namespace {

std::string padded(const std::string& text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

std::vector<std::string> texts_of(const std::vector<float>& numbers, int most_digits) {
  bool exponents = false;
  int digits = 0;  // behind the point
  float largest = 0;
  for (const double number : numbers) {
    const double size = std::abs(number);
    if (size == 0 || !std::isfinite(size)) continue;
    const int place = 1 + static_cast<int>(std::log10(size));
    exponents |= place <= -5 || place > 7;
    largest = std::max(largest, static_cast<float>(size));
    for (; digits < most_digits; ++digits)
      if (const double scaled = number * std::pow(10, digits); std::floor(scaled) == scaled) break;
  }
  const int before_point = largest < 1 ? 1 : 1 + static_cast<int>(std::log10(std::floor(largest)));
  const int width = exponents ? most_digits + 7 : 1 + before_point + (digits > 0 ? 1 + digits : 1);
  std::vector<std::string> texts;
  for (const float number : numbers) {
    std::string text = exponents ? scientific_text(number, most_digits) : fixed_text(number, digits);
    if (!exponents && std::isfinite(number)) {
      if (digits == 0) text += '.';
      for (std::size_t i = text.size(); text[i - 1] == '0'; --i) text[i - 1] = ' ';
    }
    texts.push_back(padded(text, static_cast<std::size_t>(width)));
  }
  return texts;
}

std::vector<std::string> texts_of(const std::vector<std::int32_t>& numbers, int) {
  std::size_t digits = 0, sign = 0;
  for (const std::int64_t number : numbers) {
    digits = std::max(digits, std::to_string(std::abs(number)).size());
    if (number < 0) sign = 1;
  }
  std::vector<std::string> texts;
  for (const std::int32_t number : numbers) texts.push_back(padded(std::to_string(number), digits + sign));
  return texts;
}

// Which elements of a tensor are shown, and how they stand.
struct Layout {
  std::vector<std::size_t> shape;
  std::size_t edge;         // of each axis so many at either end; 0: all
  std::size_t line_length;  // characters that the numbers of one line take

  bool cut(std::size_t axis) const { return edge > 0 && shape[axis] > 2 * edge; }
  std::size_t next(std::size_t axis, std::size_t i) const {
    return cut(axis) && i + 1 == edge ? shape[axis] - edge : i + 1;
  }

  template <class T>
  void collect(const T* from, std::size_t axis, std::vector<T>& numbers) const {
    if (axis == shape.size()) return numbers.push_back(*from);
    std::size_t stride = 1;
    for (std::size_t i = axis + 1; i < shape.size(); ++i) stride *= shape[i];
    for (std::size_t i = 0; i < shape[axis]; i = next(axis, i)) collect(from + i * stride, axis + 1, numbers);
  }

  void write(std::string& out, const std::string*& text, std::size_t axis) const {
    if (axis == shape.size()) {
      out += *text++;
      return;
    }
    const bool last_axis = axis + 1 == shape.size();
    const std::size_t a_line = last_axis ? line_length / (text->size() + 2) : 0;
    std::string new_line(axis + 2, ' ');
    new_line[0] = '\n';
    std::size_t on_line = 0;
    out += '{';
    for (std::size_t i = 0; i < shape[axis]; i = next(axis, i)) {
      if (cut(axis) && i == shape[axis] - edge) {
        out += "..., ";
        if (!last_axis) out += new_line;
      }
      if (a_line > 0 && on_line >= a_line) {
        out += new_line;
        on_line = 0;
      }
      write(out, text, axis + 1);
      ++on_line;
      if (i + 1 < shape[axis]) out.append(",").append(last_axis ? " " : new_line);
    }
    out += '}';
  }
};

template <class T>
std::ostream& print(std::ostream& out, const T& tensor) {
  const auto options = xt::get_print_options(out);
  if (tensor.size() == 0) return out << "{}";
  const bool all = tensor.size() <= static_cast<std::size_t>(options.threshold);
  const Layout layout{{tensor.shape().begin(), tensor.shape().end()},
                      all ? 0 : static_cast<std::size_t>(options.edge_items),
                      static_cast<std::size_t>(options.line_width)};
  std::vector<typename T::value_type> numbers;
  const auto* from = tensor.data();
  layout.collect(from, 0, numbers);
  const auto texts = texts_of(numbers, options.precision != -1 ? options.precision : static_cast<int>(out.precision()));
  std::string text;
  const std::string* next = texts.data();
  layout.write(text, next, 0);
  return out << text;
}

}  // namespace
}  // namespace xl

std::ostream& xt::operator<<(std::ostream& out, const xl::Tensor& tensor) { return xl::print(out, tensor); }
std::ostream& xt::operator<<(std::ostream& out, const xl::IntTensor& tensor) { return xl::print(out, tensor); }
