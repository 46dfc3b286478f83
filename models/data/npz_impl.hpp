#pragma once

#include <map>
#include <string>

// Internal: who can read zip archives, for load_npz.

namespace xl {

/// The members of a zip archive by name. Throws SerializationError that names the path.
using ReadZip = std::map<std::string, std::string> (*)(const std::string& path);

/// Before main, by the component that has a library for it.
void register_zip_reader(ReadZip read);

}  // namespace xl
