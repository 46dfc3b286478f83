#include "xlayers/models/training/scores.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"

namespace xl {

double Scores::operator[](std::string_view name) const {
  const auto found = std::find(names_->begin(), names_->end(), name);
  if (found != names_->end()) return values_[static_cast<std::size_t>(found - names_->begin())];
  throw ValueError("no score is named '" + std::string(name) + "'; there are " + joined(*names_));
}

std::ostream& operator<<(std::ostream& out, const Scores& scores) {
  for (std::size_t i = 0; i < scores.names().size(); ++i) {
    const double value = scores.values()[i];
    char text[32];
    std::snprintf(text, sizeof text, std::abs(value) > 1e-3 ? "%.4f" : "%.4e", value);
    out << (i == 0 ? "" : " - ") << scores.names()[i] << ": " << text;
  }
  return out;
}

}  // namespace xl
