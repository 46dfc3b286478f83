#pragma once

#include <functional>
#include <string>

#include "xlayers/framework/base/text.hpp"
#include "xlayers/framework/config/config.hpp"
#include "xlayers/framework/tensor/data.hpp"

namespace xl {

/// How a model is saved.
struct SaveOptions {
  Format format = Format::binary;  ///< or text, or xml: as small and as fast as can be, or to look at
  /// False to leave out how the model is compiled, and the optimizer's state: half to two thirds of the file, with Adam.
  bool include_optimizer = true;
  /// Inputs, for which the outputs are stored too: load_model can check that they come out again, on any machine.
  Data test_case = {};
};

/// Where a weight stands in a file of another library: its name there, and whether its axes are reversed, as those of
/// PyTorch's Linear and Conv1d are.
struct StoredName {
  StoredName(const Text& name, bool transposed = false) : name(name), transposed(transposed) {}
  StoredName(const std::string& name) : StoredName(Text(name)) {}
  StoredName(const char* name) : StoredName(Text(name)) {}

  std::string name;
  bool transposed;
};

/// Which weights of a file are read.
struct LoadWeightsOptions {
  bool by_name = false;  ///< each layer's by its name, and none for a name that is not there; else all in their order
  bool skip_mismatch = false;  ///< leave what does not fit as it is, with a warning on the standard error
  /// Which tensor of the file is the weight of that name, "dense/kernel": each weight is read by itself then.
  std::function<StoredName(const std::string& weight)> names = {};
};

}  // namespace xl
