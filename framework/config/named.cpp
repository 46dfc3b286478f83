#include "xlayers/framework/config/named.hpp"

#include <algorithm>

#include "xlayers/framework/base/ascii.hpp"
#include "xlayers/framework/base/error_text.hpp"

namespace xl {

std::string KindOfNames::one() const {
  return (std::string_view("aeio").find(what.front()) == std::string_view::npos ? "a " : "an ") + what;
}

bool KindOfNames::same(std::string_view name, std::string_view known) const {
  if (!any_case) return name == known;
  return std::equal(name.begin(), name.end(), known.begin(), known.end(),
                    [](char a, char b) { return to_lower(a) == to_lower(b); });
}

std::string KindOfNames::text(const char* name) const {
  if (name != nullptr) return name;
  throw ValueError("expected the name of " + one() + ", got a null pointer; what is left out has its default");
}

void KindOfNames::fail_unknown(const std::string& name, const std::vector<std::string>& known) const {
  const std::string how = registrar.empty() ? "" : " (" + one() + " of one's own is made known by " + registrar + ")";
  throw ValueError("unknown " + what + " '" + shortened(name) + "'; known are " + joined(known) + how);
}

}  // namespace xl
