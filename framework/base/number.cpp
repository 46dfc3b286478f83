#include "xlayers/framework/base/number.hpp"

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/number_text.hpp"

namespace xl::detail {

void not_whole(double number, int bits) {
  throw ValueError("expected a whole number of " + std::to_string(bits) + " bits, got " + number_text(number));
}

void too_large(double number) { throw ValueError("expected a number that fits a float, got " + number_text(number)); }

}  // namespace xl::detail
