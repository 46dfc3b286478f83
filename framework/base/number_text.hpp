#pragma once

#include <string>

namespace xl {

// Numbers as text: with a point and no groups of digits, whatever the locale says.

/// The shortest text that reads back as the same number: "0.1", "1e-05".
std::string number_text(float number);
std::string number_text(double number);
/// The inverse of the second one, of NaN and infinities too. Throws ValueError for what is no number.
double number_of(const std::string& text);
/// With so many digits behind the point, as printf's %.*f: "0.1000".
std::string fixed_text(double number, int digits);
/// The same with an exponent, as printf's %.*e: "1.0000e-01".
std::string scientific_text(double number, int digits);

}  // namespace xl
