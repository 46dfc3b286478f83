#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "xlayers/framework/base/text.hpp"
#include "xlayers/framework/tensor/tensor.hpp"

namespace xl {

/// A point in time, as a date column of a CSV file gives it: no time zone, no leap seconds.
struct Date {
  int year = 1970;
  int month = 1;  ///< 1 to 12
  int day = 1;    ///< 1 to 31
  int hour = 0;   ///< 0 to 23
  int minute = 0;
  int second = 0;

  /// Monday is 0, Sunday 6.
  int weekday() const;
  friend bool operator==(const Date&, const Date&) = default;
};

/// What a CSV file holds: named columns of numbers, and a date for each row if it has a date
/// column.
struct Table {
  std::vector<std::string> names;  ///< of the columns of numbers, in the order of the file
  std::vector<Date> dates;         ///< one a row; empty if the file has no date column
  Tensor values;                   ///< (rows, columns of numbers)

  std::size_t rows() const { return values.shape()[0]; }
  /// One column of numbers: (rows,). Throws ValueError, which lists the names, if there is no such
  /// column.
  Tensor column(const Text& name) const;
};

struct CsvOptions {
  /// What becomes of a cell of numbers that holds none: nothing, `NA`, `N/A` or `null`. "error": an error; "nan": NaN;
  /// "previous": the number above it, also where the file says `nan`.
  Text missing = "error";
};

/// Reads a CSV file: a header line of column names, then one row a line, all of one length.
///
/// A column whose cell in the first row looks like `YYYY-MM-DD`, `YYYY-MM-DD HH:MM` or
/// `YYYY-MM-DD HH:MM:SS` (or with a T for the space) is the date column; all others are numbers,
/// with a point whatever the locale; `nan` and `inf` are numbers. Cells may be quoted as RFC 4180
/// says. Lines end with LF, CRLF or CR; empty lines at the end are no rows. What is too small for a
/// float is 0.
///
///     xl::Table table = xl::read_csv("load.csv", {.missing = "previous"});
///
/// Throws SerializationError, whose text names the file and the line, if the file cannot be read or
/// is empty, for a row of another length, a cell that is not a number or too large for a float, a
/// date that does not exist, names that occur twice, a cell of more than 65,536 characters, more
/// than 1,000,000 columns, and a table that does not fit into memory; ValueError for an unknown `missing`.
Table read_csv(const Text& path, const CsvOptions& options = {});

}  // namespace xl
