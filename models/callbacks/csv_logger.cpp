#include "xlayers/models/callbacks/csv_logger.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/config.hpp"

namespace xl {
namespace {

/// As Python writes a float.
std::string number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return Value(value).to_text();
}

/// A cell that holds a separator, a quote or the end of a line is quoted; a quote in it is doubled.
std::string quoted(const std::string& cell, char separator) {
  if (cell.find_first_of(std::string("\"\r\n") + separator) == std::string::npos) return cell;
  std::string result = "\"";
  for (const char c : cell) result.append(c == '"' ? 2 : 1, c);
  return result + '"';
}

/// What the logs hold; where nothing is of a validation, the same for the validation behind it.
std::vector<std::string> columns_of(const Logs& logs) {
  std::vector<std::string> columns;
  for (const auto& [name, value] : logs) columns.push_back(name);
  if (std::none_of(columns.begin(), columns.end(), [](const auto& name) { return name.starts_with("val_"); }))
    for (const auto& [name, value] : logs) columns.push_back("val_" + name);
  return columns;
}

}  // namespace

CSVLogger::CSVLogger(const Options& options) : options_(options) {
  if (options.filename.empty()) throw ValueError("[CSVLogger] expected a filename, got an empty text");
  if (std::string("\"\r\n\0", 4).find(options.separator) != std::string::npos)
    throw ValueError("[CSVLogger] expected a separator that is neither a quote nor the end of a line, got " +
                     Value(std::string(1, options.separator)).to_text());
}

void CSVLogger::on_train_begin(Logs&) {
  file_.reset(std::fopen(options_.filename.c_str(), options_.append ? "ab" : "wb"));
  if (!file_) fail("cannot write");
  columns_.clear();
  header_ = !(options_.append && std::fseek(file_.get(), 0, SEEK_END) == 0 && std::ftell(file_.get()) > 0);
}

void CSVLogger::on_epoch_end(int epoch, Logs& logs) {
  if (!file_) throw ValueError("[CSVLogger] expected on_train_begin before the end of an epoch");
  if (columns_.empty()) columns_ = columns_of(logs);
  if (header_) {
    std::vector<std::string> names = columns_;
    names.insert(names.begin(), "epoch");
    write(names);
    header_ = false;
  }
  std::vector<std::string> cells{std::to_string(epoch)};
  for (const std::string& column : columns_) {
    const auto found = logs.find(column);
    cells.push_back(found == logs.end() ? "NA" : number(found->second));
  }
  write(cells);
  if (std::fflush(file_.get()) != 0) fail("cannot write the line of an epoch to");
}

void CSVLogger::on_train_end(Logs&) {
  if (file_ && std::fclose(file_.release()) != 0) fail("cannot close");
}

void CSVLogger::write(const std::vector<std::string>& cells) {
  std::string line;
  for (const std::string& cell : cells) line.append(quoted(cell, options_.separator)).push_back(options_.separator);
  line.pop_back();
  line += "\r\n";
  if (std::fwrite(line.data(), 1, line.size(), file_.get()) != line.size())
    fail("cannot write the line of an epoch to");
}

void CSVLogger::fail(const char* what) const {
  throw SerializationError(std::string("[CSVLogger] ") + what + " '" + options_.filename +
                           "': " + std::strerror(errno));
}

}  // namespace xl
