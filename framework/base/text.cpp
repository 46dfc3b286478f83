#include "xlayers/framework/base/text.hpp"

#include "xlayers/framework/base/errors.hpp"

namespace xl {

const char* detail::not_null(const char* text) {
  if (text == nullptr) throw ValueError("expected a text, got a null pointer");
  return text;
}

}  // namespace xl
