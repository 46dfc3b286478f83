#pragma once

// What the program made from a documentation page calls: std::cout is captured, and each statement
// of the page that documents a result is compared with what really happened. A failure names the
// page, the line, what was expected and what came; the program then exits with 1.

#include <exception>
#include <sstream>
#include <string>
#include <type_traits>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/tensor/tensor.hpp"

namespace xl_docs {

/// Starts the page: captures std::cout. `page` is how messages name it.
void begin(const char* page);
/// Starts and ends a block. `text` is the ```text block that follows, or null.
void begin_block(int line);
void end_block(int text_line, const char* text);
/// The statement on this line printed something, whose last line is `expected` or ends with it.
void printed(int line, const char* expected);
/// The variable `name` has this shape or value.
void equal(int line, const char* name, const std::string& got, const char* expected);
/// Something else is wrong.
void fail(int line, const std::string& text);
/// Ends the page. Returns the exit code.
int finish();
/// An exception left the block that began last. Returns the exit code.
int escaped(const char* what);

bool matches(const std::string& text, const std::string& pattern);

/// The shape of a tensor or of a symbolic tensor.
template <class T>
std::string shape_of(const T& tensor) {
  if constexpr (std::is_same_v<std::decay_t<decltype(tensor.shape())>, xl::Shape>) {
    return to_string(tensor.shape());
  } else {
    return to_string(xl::shape(tensor));
  }
}

template <class T>
std::string value_of(const T& value) {
  std::ostringstream out;
  out << std::boolalpha << value;
  return out.str();
}

/// The statement throws an E whose text is `expected`.
template <class E, class Statement>
void throws(int line, const char* type, const char* expected, Statement&& statement) {
  const std::string wanted = std::string(type) + ": " + expected;
  try {
    statement();
  } catch (const E& error) {
    if (!matches(error.what(), expected)) {
      fail(line, "expected " + wanted + "\n  but the text is: " + error.what());
    }
    return;
  } catch (const std::exception& error) {
    return fail(line, "expected " + wanted + "\n  but another error came: " + error.what());
  }
  fail(line, "expected " + wanted + "\n  but nothing was thrown");
}

}  // namespace xl_docs
