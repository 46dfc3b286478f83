#include "xlayers/models/data/csv.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"

namespace xl {
namespace {

// A row of cells and the line that it begins on.
struct Record {
  std::size_t line = 0;
  std::vector<std::string> cells;
};

// Takes a CSV text apart, record by record.
class Reader {
 public:
  Reader(const std::string& path, std::string_view text) : path_(path), text_(text) {}

  bool at_end() const { return at_ == text_.size(); }

  // record = cell *("," cell) line-end
  void next(Record& record) {
    record.line = line_;
    record.cells.clear();
    do {
      record.cells.push_back(peek() == '"' ? quoted_cell(record.line) : plain_cell());
    } while (accept(','));
    accept('\r');
    if (!accept('\n') && !at_end()) fail(record.line, "a quoted cell goes on after its closing quote");
    ++line_;
  }

  [[noreturn]] void fail(std::size_t line, const std::string& text) const {
    throw SerializationError("[read_csv] " + path_ + ":" + std::to_string(line) + ": " + text);
  }

 private:
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool accept(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::string plain_cell() {
    const std::size_t begin = at_;
    at_ = std::min(text_.find_first_of(",\n", at_), text_.size());
    std::string_view cell = text_.substr(begin, at_ - begin);
    if (peek() != ',' && cell.ends_with('\r')) cell.remove_suffix(1);
    return std::string(cell);
  }

  // Inside of quotes a quote is written twice; commas and line ends are text.
  std::string quoted_cell(std::size_t line) {
    std::string cell;
    ++at_;
    for (;;) {
      if (at_end()) fail(line, "a quoted cell is not closed");
      const char c = text_[at_++];
      if (c == '\n') ++line_;
      if (c == '"' && !accept('"')) return cell;
      cell += c;
    }
  }

  const std::string& path_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

// `count` digits at `at`, as a number.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

bool looks_like_date(std::string_view text) {
  return digits(text, 0, 4) && digits(text, 5, 2) && digits(text, 8, 2) && text[4] == '-' && text[7] == '-';
}

// Empty unless the text is YYYY-MM-DD[ HH:MM[:SS]] and that day and time exist.
std::optional<Date> parse_date(std::string_view text) {
  if (!looks_like_date(text)) return std::nullopt;
  Date date{.year = *digits(text, 0, 4), .month = *digits(text, 5, 2), .day = *digits(text, 8, 2)};
  const bool has_time = text.size() > 10;
  const bool has_seconds = text.size() > 16;
  if (has_time) {
    const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2);
    const auto second = has_seconds ? digits(text, 17, 2) : 0;
    if (!hour || !minute || !second || text.size() != (has_seconds ? 19 : 16)) return std::nullopt;
    if ((text[10] != ' ' && text[10] != 'T') || text[13] != ':' || (has_seconds && text[16] != ':')) {
      return std::nullopt;
    }
    date.hour = *hour, date.minute = *minute, date.second = *second;
  }
  const bool day_exists = (std::chrono::year(date.year) / date.month / date.day).ok();  // knows the leap years
  if (!day_exists || date.hour > 23 || date.minute > 59 || date.second > 59) return std::nullopt;
  return date;
}

std::optional<float> parse_number(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw SerializationError("[read_csv] " + path + ": " + std::strerror(errno));
  std::ostringstream text;
  text << in.rdbuf();
  if (in.bad() || text.view().empty()) {
    throw SerializationError("[read_csv] " + path + ": the file is empty or cannot be read");
  }
  return std::move(text).str();
}

}  // namespace

int Date::weekday() const {
  const std::chrono::sys_days days = std::chrono::year(year) / month / day;
  return static_cast<int>(std::chrono::weekday(days).iso_encoding()) - 1;
}

Tensor Table::column(const std::string& name) const {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    throw ValueError("[Table] there is no column \"" + name + "\"; the columns are: " + joined(names));
  }
  Tensor column = empty({static_cast<Dim>(rows())});
  const float* from = values.data() + (found - names.begin());
  for (float& value : column) {
    value = *from;
    from += names.size();
  }
  return column;
}

Table read_csv(const std::string& path) {
  const std::string file = read_file(path);
  std::string_view text = file;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark
  // Empty lines at the end are no rows.
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  if (text.empty()) throw SerializationError("[read_csv] " + path + ": the file is empty");
  Reader reader(path, text);

  Record header, row;
  reader.next(header);
  for (std::size_t i = 0; i < header.cells.size(); ++i) {
    const auto end = header.cells.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(header.cells.begin(), end, header.cells[i]) != end) {
      reader.fail(header.line, "the column name \"" + header.cells[i] + "\" occurs twice");
    }
  }

  Table table;
  std::vector<float> values;
  const std::size_t columns = header.cells.size();
  std::size_t date_column = columns;  // none
  if (reader.at_end()) reader.fail(header.line, "there is no row after the header");
  for (bool first = true; !reader.at_end(); first = false) {
    reader.next(row);
    if (row.cells.size() != columns) {
      reader.fail(row.line, "expected " + std::to_string(columns) + " cells as in the header, got " +
                                std::to_string(row.cells.size()));
    }
    if (first) {
      date_column = static_cast<std::size_t>(std::find_if(row.cells.begin(), row.cells.end(), looks_like_date) -
                                             row.cells.begin());
    }
    for (std::size_t i = 0; i < columns; ++i) {
      const std::string& cell = row.cells[i];
      const std::string where = "column \"" + header.cells[i] + "\": ";
      if (i == date_column) {
        const std::optional<Date> date = parse_date(cell);
        if (!date) {
          reader.fail(row.line,
                      where + "expected a date that exists, as YYYY-MM-DD[ HH:MM[:SS]], got \"" + cell + "\"");
        }
        table.dates.push_back(*date);
      } else {
        const std::optional<float> value = parse_number(cell);
        if (!value) {
          reader.fail(row.line, where + "expected a number in the range of a float, got \"" + cell + "\"");
        }
        values.push_back(*value);
      }
    }
  }

  table.names = std::move(header.cells);
  if (date_column < columns) table.names.erase(table.names.begin() + static_cast<std::ptrdiff_t>(date_column));
  if (table.names.empty()) reader.fail(header.line, "there is no column of numbers");
  const std::size_t width = table.names.size();
  table.values = empty({static_cast<Dim>(values.size() / width), static_cast<Dim>(width)});
  std::copy(values.begin(), values.end(), table.values.data());
  return table;
}

}  // namespace xl
