#pragma once

#include <cstdint>
#include <string>

// Internal: how HDF5's library reads bytes that lie in memory.

namespace xl {

/// The access with which H5Fopen reads these bytes, which have to outlive the file; to be closed by H5Pclose. Behind their end
/// there is nothing: the library's own driver for memory gives zeros there, 4 GiB of them if a damaged file says so.
std::int64_t hdf5_access_to(const std::string& bytes);

}  // namespace xl
