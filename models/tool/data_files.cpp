#include "xlayers/models/tool/data_files.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iostream>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/whole_file.hpp"
#include "xlayers/models/data/csv.hpp"
#include "xlayers/models/data/npy.hpp"

namespace xl::tool {

NamedPath::NamedPath(const std::string& argument) : path(argument) {
  const std::size_t equals = argument.find('=');
  if (equals == std::string::npos || equals == 0 || std::filesystem::exists(argument)) return;
  name = argument.substr(0, equals);
  path = argument.substr(equals + 1);
}

// ---- inputs

namespace {

// (rows, columns of numbers)
Tensor read_table(const std::string& path, const std::vector<std::string>& columns) {
  const Table table = read_csv(path);
  if (!table.dates.empty()) std::cerr << "xlayers: '" << path << "': its column of dates is left aside\n";
  if (columns.empty()) return table.values;
  Tensor values = empty({static_cast<Dim>(table.rows()), static_cast<Dim>(columns.size())});
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const Tensor column = table.column(columns[i]);
    for (std::size_t row = 0; row < table.rows(); ++row) values.data()[row * columns.size() + i] = column.data()[row];
  }
  return values;
}

// The rank of the data that an input takes, if that is known.
std::size_t rank_of_input(const Model& model, const std::string& name, std::size_t place) {
  if (!model.built()) return 0;
  const List<std::string> names = model.input_names();
  if (!name.empty()) place = static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
  return place < names.size() ? model.inputs()[place].shape().rank() : 0;
}

}  // namespace

Data read_inputs(const std::vector<std::string>& arguments, const std::vector<std::string>& columns,
                 const Model& model) {
  Data data;
  std::size_t named = 0;
  const auto add = [&](const std::string& name, Array array) {
    if (name.empty()) return data.push_back(std::move(array));
    ++named;
    data.add(name, std::move(array));
  };
  for (const std::string& argument : arguments) {
    const NamedPath input(argument);
    if (input.path.ends_with(".npy")) {
      add(input.name, load_npy(input.path));
    } else if (input.path.ends_with(".csv")) {
      Tensor table = read_table(input.path, columns);
      if (rank_of_input(model, input.name, data.size()) == 3)
        table.reshape(std::vector<std::size_t>{1, table.shape(0), table.shape(1)});
      add(input.name, std::move(table));
    } else if (input.path.ends_with(".npz") && input.name.empty()) {
      for (auto& [name, array] : load_npz(input.path)) add(name, std::move(array));
    } else {
      throw ValueError("cannot read '" + input.path + "': expected a path that ends in .npy or .csv" +
                       (input.name.empty() ? " or .npz" : ""));
    }
  }
  if (named != 0 && named != data.size())
    throw ValueError("expected a name for each input or for none, as in series=x.npy; got " + joined(arguments));
  return data;
}

// ---- outputs

OutputFiles::OutputFiles(const std::vector<std::string>& arguments, const Model& model) {
  const List<std::string> names = model.output_names();
  for (const std::string& argument : arguments) {
    const NamedPath output(argument);
    if (!output.path.ends_with(".npy") && !output.path.ends_with(".csv"))
      throw ValueError("cannot write '" + output.path + "': expected a path that ends in .npy or .csv");
    auto found = names.begin();
    if (!output.name.empty()) found = std::find(names.begin(), names.end(), output.name);
    if (found == names.end() || (output.name.empty() && names.size() != 1))
      throw ValueError("expected a path for each output that is wanted, with its name, as in " + names[0] + "=" +
                       output.path + "; got " + argument + ", and the model has the outputs " + joined(names));
    files_.push_back({static_cast<std::size_t>(found - names.begin()), *found, output.path});
  }
}

namespace {

void append_number(std::string& text, float number) {
  char digits[32];
  text.append(digits, static_cast<std::size_t>(std::to_chars(digits, digits + sizeof digits, number).ptr - digits));
}

// The output's name above one column, "name_0,name_1,..." above several.
std::string csv_text(const std::string& name, const Tensor& tensor) {
  const Shape of_tensor = shape(tensor);
  const bool one_sample = of_tensor.rank() == 3 && of_tensor[0] == 1;
  if (of_tensor.rank() == 0 || of_tensor.rank() > 2 + std::size_t{one_sample})
    throw ShapeError("cannot write the output '" + name + "' of shape " + to_string(of_tensor) +
                     " as a table of rows and columns; an .npy file takes any shape");
  const std::size_t axis = one_sample ? 1 : 0;
  const auto rows = static_cast<std::size_t>(of_tensor[axis]);
  const auto columns = static_cast<std::size_t>(of_tensor.rank() == axis + 1 ? 1 : of_tensor[axis + 1]);
  std::string text;
  for (std::size_t column = 0; column < columns; ++column) {
    if (column > 0) text += ',';
    text += name;
    if (columns > 1) text.append("_").append(std::to_string(column));
  }
  text += "\n";
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t column = 0; column < columns; ++column) {
      append_number(text, tensor.data()[row * columns + column]);
      text += column + 1 == columns ? "\n" : ",";
    }
  return text;
}

}  // namespace

void OutputFiles::write(const List<Tensor>& outputs) const {
  for (const File& file : files_)
    if (const Tensor& output = outputs[file.output]; file.path.ends_with(".npy"))
      save_npy(file.path, output);
    else
      write_whole_file(file.path, csv_text(file.name, output));
}

}  // namespace xl::tool
