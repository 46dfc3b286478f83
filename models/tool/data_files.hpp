#pragma once

#include <string>
#include <vector>

#include "xlayers/models/model/model.hpp"

// Internal: data for the inputs of a model, and its outputs, in files.

namespace xl::tool {

/// "x.npy", or "series=x.npy" for one of several by name.
struct NamedPath {
  explicit NamedPath(const std::string& argument);

  std::string name;  ///< empty if none is given
  std::string path;
};

/// Reads the inputs of a model: .npy, all arrays of an .npz by name, or the numbers of a .csv, of these columns or of all.
/// Those are (rows, columns); where the model takes samples of rows and columns, they are one sample.
///
/// Throws ValueError for another ending and for inputs of which only some have a name, and as the readers do.
Data read_inputs(const std::vector<std::string>& arguments, const std::vector<std::string>& columns,
                 const Model& model);

/// Where the outputs of a model go: to one path; of several outputs, to a path by name each, for those that are wanted.
class OutputFiles {
 public:
  /// Throws ValueError for an ending that is neither .npy nor .csv, and for a name that the model does not have.
  OutputFiles(const std::vector<std::string>& arguments, const Model& model);

  /// Throws as save_npy; ShapeError for what is no table and goes into a .csv.
  void write(const List<Tensor>& outputs) const;

 private:
  struct File {
    std::size_t output = 0;
    std::string name, path;
  };
  std::vector<File> files_;
};

}  // namespace xl::tool
