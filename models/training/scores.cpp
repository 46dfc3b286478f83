#include "xlayers/models/training/scores.hpp"

#include <algorithm>
#include <cmath>
#include <ostream>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/number_text.hpp"

namespace xl {

double Scores::operator[](TextView name) const {
  const auto found = std::find(names_->begin(), names_->end(), name);
  if (found != names_->end()) return values_[static_cast<std::size_t>(found - names_->begin())];
  throw ValueError("no score is named '" + std::string(name) + "'; there are " + joined(*names_));
}

std::ostream& operator<<(std::ostream& out, const Scores& scores) {
  for (std::size_t i = 0; i < scores.names().size(); ++i) {
    const double value = scores.values()[i];
    out << (i == 0 ? "" : " - ") << scores.names()[i] << ": "
        << (std::abs(value) > 1e-3 ? fixed_text(value, 4) : scientific_text(value, 4));
  }
  return out;
}

}  // namespace xl
