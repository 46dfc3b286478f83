#include "xlayers/models/data/csv.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <new>
#include <optional>
#include <string_view>
#include <system_error>
#include <unordered_set>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/models/data/csv_impl.hpp"

namespace xl {
namespace {

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

// The power of ten of the first digit that counts: 1 for "12", -3 for "0.001", 5 for "0.1e6".
int power_of_ten(std::string_view number) {
  const std::size_t end = std::min(number.find_first_of("eE"), number.size());
  const std::size_t point = std::min(number.substr(0, end).find('.'), end);
  const std::size_t digit = number.substr(0, end).find_first_of("123456789");
  int exponent = 0;
  if (end < number.size()) {
    const bool negative = number[end + 1] == '-';
    std::string_view digits = number.substr(end + 1 + (negative || number[end + 1] == '+' ? 1 : 0));
    if (std::from_chars(digits.data(), digits.data() + digits.size(), exponent).ec != std::errc()) exponent = 1 << 30;
    exponent = std::clamp(exponent, 0, 1 << 30) * (negative ? -1 : 1);
  }
  return exponent + static_cast<int>(point) - static_cast<int>(digit) - (digit < point ? 1 : 0);
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// The float that is nearest; none if that is too large, or if the text is no number.
std::optional<float> parse_number(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc()) return value;
  if (power_of_ten(text) > 0) return std::nullopt;
  return text.starts_with('-') ? -0.0f : 0.0f;
}

// What stands where there is no value: nothing, or a word for it.
bool is_missing(std::string_view text, bool or_nan) {
  text = trimmed(text);
  for (const char* word : {"", "NA", "N/A", "null", "NULL"})
    if (text == word) return true;
  return or_nan && (text == "nan" || text == "NaN" || text == "NAN");
}

enum class Missing { error, nan, previous };

Missing parse_missing(const std::string& text) {
  check_known("[read_csv] ", "missing", text, {"error", "nan", "previous"});
  return text == "error" ? Missing::error : text == "nan" ? Missing::nan : Missing::previous;
}

constexpr std::size_t most_columns = 1'000'000;

std::vector<std::string> read_header(CsvReader& reader) {
  const std::size_t line = reader.line();
  std::vector<std::string> names;
  std::unordered_set<std::string> known;
  std::string name;
  for (bool more = true; more;) {
    more = reader.next(name);
    if (names.size() == most_columns)
      reader.fail(line, "it has more than " + std::to_string(most_columns) + " columns");
    if (!known.insert(name).second) reader.fail(line, "the column name \"" + shortened(name) + "\" occurs twice");
    names.push_back(name);
  }
  return names;
}

// The rows of a file while they are read. The numbers are kept in blocks, which never have to be moved to make room.
class Rows {
 public:
  Rows(CsvReader& reader, Missing missing)
      : reader_(reader), header_line_(reader.line()), names_(read_header(reader)), missing_(missing) {}

  void begin(std::size_t line) {
    line_ = line;
    cells_ = 0;
    problem_.clear();
    if (count_ == 0) row_.clear();
  }

  void cell(const std::string& text) {
    const std::size_t column = cells_++;
    if (column >= names_.size() || !problem_.empty()) return;
    if (count_ == 0 && date_column_ == names_.size() && looks_like_date(text)) date_column_ = column;
    if (column == date_column_)
      date(text);
    else
      number(column, text);
  }

  void end() {
    if (cells_ != names_.size())
      problem_ = "expected " + std::to_string(names_.size()) + " cells as in the header, got " + std::to_string(cells_);
    if (!problem_.empty()) reader_.fail(line_, problem_);
    if (blocks_.empty() || blocks_.back().size() + row_.size() > blocks_.back().capacity()) {
      blocks_.emplace_back();
      blocks_.back().reserve(std::max<std::size_t>(row_.size(), 1 << 16));
    }
    blocks_.back().insert(blocks_.back().end(), row_.begin(), row_.end());
    ++count_;
  }

  Table table() && {
    if (count_ == 0) reader_.fail(header_line_, "there is no row after the header");
    Table table{.names = std::move(names_), .dates = std::move(dates_), .values = {}};
    if (date_column_ < table.names.size())
      table.names.erase(table.names.begin() + static_cast<std::ptrdiff_t>(date_column_));
    if (table.names.empty()) reader_.fail(header_line_, "there is no column of numbers");
    table.values = empty({static_cast<Dim>(count_), static_cast<Dim>(table.names.size())});
    float* to = table.values.data();
    for (std::vector<float>& block : blocks_) {
      to = std::copy(block.begin(), block.end(), to);
      block = std::vector<float>();  // gives the memory back
    }
    return table;
  }

 private:
  void date(const std::string& text) {
    if (const std::optional<Date> date = parse_date(text))
      dates_.push_back(*date);
    else
      expected(date_column_, "a date that exists, as YYYY-MM-DD[ HH:MM[:SS]]", text);
  }

  void number(std::size_t column, const std::string& text) {
    const std::size_t place = column - (column > date_column_ ? 1 : 0);
    if (count_ == 0) row_.push_back(NAN);
    if (missing_ != Missing::error && is_missing(text, missing_ == Missing::previous)) {
      if (missing_ == Missing::nan)
        row_[place] = NAN;
      else if (count_ == 0)  // else the number of the row before is still there
        expected(column, "a number in the first row, as there is no previous one", text);
    } else if (const std::optional<float> value = parse_number(text)) {
      row_[place] = *value;
    } else {
      expected(column, "a number in the range of a float", text);
    }
  }

  void expected(std::size_t column, const char* what, const std::string& got) {
    problem_ = "column \"" + shortened(names_[column]) + "\": expected " + what + ", got \"" + shortened(got) + "\"";
  }

  const CsvReader& reader_;
  const std::size_t header_line_;
  std::vector<std::string> names_;
  const Missing missing_;
  std::size_t date_column_ = names_.size();  // there is none
  std::vector<std::vector<float>> blocks_;
  std::vector<Date> dates_;
  std::size_t count_ = 0;  // of whole rows

  // of the row that is read
  std::size_t line_ = 0;
  std::size_t cells_ = 0;
  std::vector<float> row_;
  std::string problem_;  // told at the end of the row, as another length is what is wrong first
};

Table read(const std::string& path, Missing missing) {
  CsvReader reader(path);
  Rows rows(reader, missing);
  std::string cell;
  for (;;) {
    // Empty lines between rows are rows of one empty cell; those at the end of the file are none.
    for (std::size_t line = reader.line(), last = line + reader.skip_empty_lines(); line < last; ++line) {
      rows.begin(line);
      rows.cell("");
      rows.end();
    }
    if (reader.at_end()) break;
    rows.begin(reader.line());
    for (bool more = true; more;) {
      more = reader.next(cell);
      rows.cell(cell);
    }
    rows.end();
  }
  return std::move(rows).table();
}

}  // namespace

int Date::weekday() const {
  const std::chrono::sys_days days = std::chrono::year(year) / month / day;
  return static_cast<int>(std::chrono::weekday(days).iso_encoding()) - 1;
}

Tensor Table::column(const Text& name) const {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    throw ValueError("[Table] there is no column \"" + shortened(name) +
                     "\"; the columns are: " + shortened(joined(names), 1000));
  }
  Tensor column = empty({static_cast<Dim>(rows())});
  const float* from = values.data() + (found - names.begin());
  for (float& value : column) {
    value = *from;
    from += names.size();
  }
  return column;
}

Table read_csv(const Text& path, const CsvOptions& options) {
  const Missing missing = parse_missing(options.missing);
  try {
    return read(path, missing);
  } catch (const std::bad_alloc&) {
    throw SerializationError("[read_csv] " + path + ": its table does not fit into memory");
  }
}

}  // namespace xl
