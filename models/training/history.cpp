#include "xlayers/models/training/history.hpp"

#include <ostream>
#include <utility>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/config.hpp"

namespace xl {

const std::vector<double>& EpochValues::at(const Text& name) const& {
  const auto found = find(name);
  if (found != end()) return found->second;
  throw ValueError(
      "[History] there is no '" + name + "'; " +
      (empty() ? "no epoch was run" : "there are " + joined(*this, [](const auto& item) { return item.first; })));
}
std::vector<double>& EpochValues::at(const Text& name) & {
  return const_cast<std::vector<double>&>(std::as_const(*this).at(name));
}
std::vector<double> EpochValues::at(const Text& name) && { return std::as_const(*this).at(name); }

std::ostream& operator<<(std::ostream& out, const History& history) {
  Config values;
  for (const auto& [name, of_epochs] : history.history) values.set(name, to_value(of_epochs));
  return out << Value(std::move(values)).to_text();
}

}  // namespace xl
