#pragma once

#include <span>
#include <string>

namespace xl::fuzz {

/// A reader of what somebody else may have made. Whatever the bytes are, it reads them or throws an xl::Error; here that is
/// caught, and anything else is a fault.
struct Reader {
  const char* name;
  void (*read)(const std::string& bytes);
};

std::span<const Reader> readers();
/// Throws ValueError for an unknown one.
const Reader& reader_of(const std::string& name);

}  // namespace xl::fuzz
