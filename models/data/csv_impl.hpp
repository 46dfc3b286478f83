#pragma once

#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

// Internal: takes a CSV file apart, and holds no more of it at a time than a cell.

namespace xl {

class CsvReader {
 public:
  /// Throws SerializationError if the file cannot be read or holds nothing but empty lines.
  explicit CsvReader(const std::string& path);

  bool at_end() { return peek() == end; }
  /// The line that comes next, counted from 1.
  std::size_t line() const { return line_; }
  /// Passes over empty lines. Gives how many there were, 0 for those at the end of the file.
  std::size_t skip_empty_lines();
  /// Reads a cell; false for the last one of its row. Inside of quotes a quote is written twice, and commas and line ends
  /// are text.
  bool next(std::string& cell);

  /// Throws SerializationError that names the file and the line.
  [[noreturn]] void fail(std::size_t line, const std::string& text) const;

 private:
  static constexpr int end = -1;

  int peek();
  bool accept(char c);
  bool accept_line_end();
  void read_plain(std::string& cell);
  void read_quoted(std::string& cell);
  void append(std::string& cell, const char* from, std::size_t count) const;
  void fill();

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::vector<char> buffer_;  // of which [at_, size_) is still to be read
  std::size_t at_ = 0, size_ = 0;
  std::size_t line_ = 1;
};

}  // namespace xl
