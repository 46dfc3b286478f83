#pragma once

#include <hdf5.h>

#include <string>
#include <vector>

namespace xl::testing_files {

/// What stands in an HDF5 file, in the order of the names: its groups, each with its attribute "name", and its datasets with
/// their extents.
inline std::vector<std::string> hdf5_tree(const std::string& path) {
  std::vector<std::string> tree;
  const auto visit = [](hid_t file, const char* name, const H5O_info_t* info, void* to) -> herr_t {
    std::string line = name;
    const hid_t object = H5Oopen(file, name, H5P_DEFAULT);
    if (info->type == H5O_TYPE_DATASET) {
      const hid_t space = H5Dget_space(object);
      std::vector<hsize_t> extents(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space)));
      H5Sget_simple_extent_dims(space, extents.data(), nullptr);
      for (const hsize_t extent : extents) line += " " + std::to_string(extent);
      H5Sclose(space);
    } else if (H5Aexists(object, "name") > 0) {
      const hid_t attribute = H5Aopen(object, "name", H5P_DEFAULT), type = H5Aget_type(attribute);
      if (H5Tis_variable_str(type) > 0) {
        char* text = nullptr;
        H5Aread(attribute, type, &text);
        line += std::string(" = ") + text;
        H5free_memory(text);
      } else {
        std::string text(H5Tget_size(type), '\0');
        H5Aread(attribute, type, text.data());
        line += std::string(" = ") + text.c_str();
      }
      H5Tclose(type);
      H5Aclose(attribute);
    }
    H5Oclose(object);
    static_cast<std::vector<std::string>*>(to)->push_back(line);
    return 0;
  };
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  H5Ovisit(file, H5_INDEX_NAME, H5_ITER_INC, visit, &tree);
  H5Fclose(file);
  return tree;
}

}  // namespace xl::testing_files
