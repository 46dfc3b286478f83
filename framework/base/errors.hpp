#pragma once

#include <stdexcept>
#include <string>

namespace xl {

/// The root of the error family. Every error that xlayers throws is an `xl::Error`, and each kind is
/// also the standard exception that fits it, so both `catch (const xl::Error&)` and
/// `catch (const std::exception&)` see it.
///
/// The text names the layer, what came, what was expected and the rule:
/// `[Dense 'dense_1'] expected an input whose last axis is 64, got (None, 100, 63)`.
class Error {
 public:
  virtual ~Error() = default;
  /// The text of the error.
  virtual const char* what() const noexcept = 0;
};

/// A tensor has a rank or an axis that does not fit. Also a `std::invalid_argument`.
class ShapeError : public Error, public std::invalid_argument {
 public:
  explicit ShapeError(const std::string& text) : std::invalid_argument(text) {}
  const char* what() const noexcept override { return std::invalid_argument::what(); }
};

/// A value is outside of what is allowed: an option, a name, an index. Also a `std::invalid_argument`.
class ValueError : public Error, public std::invalid_argument {
 public:
  explicit ValueError(const std::string& text) : std::invalid_argument(text) {}
  const char* what() const noexcept override { return std::invalid_argument::what(); }
};

/// Something cannot be written or read: a config, an archive, a file. Also a `std::runtime_error`.
class SerializationError : public Error, public std::runtime_error {
 public:
  explicit SerializationError(const std::string& text) : std::runtime_error(text) {}
  const char* what() const noexcept override { return std::runtime_error::what(); }
};

}  // namespace xl
