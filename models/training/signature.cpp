#include "xlayers/models/training/signature.hpp"

#include <algorithm>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"

namespace xl {

namespace {

std::vector<Array> in_order(const Data& data, const std::vector<std::string>& names, const std::string& label,
                            const char* what) {
  std::vector<Array> arrays;
  if (data.names().empty()) {
    if (data.size() != names.size())
      throw ShapeError(label + "has " + std::to_string(names.size()) + " " + what + " (" + joined(names) + "), got " +
                       std::to_string(data.size()) + " tensors");
    for (std::size_t i = 0; i < data.size(); ++i) arrays.push_back(data[i]);
    return arrays;
  }
  for (const std::string& name : data.names()) {
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw ValueError(label + "has no '" + name + "' among its " + what + "; there are " + joined(names));
    if (std::count(data.names().begin(), data.names().end(), name) > 1)
      throw ValueError(label + "got '" + name + "' twice");
  }
  for (const std::string& name : names) {
    const auto found = std::find(data.names().begin(), data.names().end(), name);
    arrays.push_back(found == data.names().end() ? Array() : data[found - data.names().begin()]);
  }
  return arrays;
}

}  // namespace

std::vector<Array> Signature::inputs_of(const Data& data) const { return in_order(data, input_names, label, "inputs"); }
std::vector<Array> Signature::outputs_of(const Data& data) const {
  return in_order(data, output_names, label, "outputs");
}

}  // namespace xl
