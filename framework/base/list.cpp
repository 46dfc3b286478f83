#include "xlayers/framework/base/list.hpp"

#include <string>

#include "xlayers/framework/base/errors.hpp"

namespace xl {

std::size_t detail::index_in_list(std::int64_t i, std::size_t size) {
  const auto count = static_cast<std::int64_t>(size);
  if (i < -count || i >= count)
    throw ValueError("there is no item " + std::to_string(i) + " in a list of " + std::to_string(size));
  return static_cast<std::size_t>(i < 0 ? i + count : i);
}

}  // namespace xl
