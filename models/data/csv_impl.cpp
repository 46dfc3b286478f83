#include "xlayers/models/data/csv_impl.hpp"

#include <cerrno>
#include <cstring>

#include "xlayers/framework/base/errors.hpp"

namespace xl {

CsvReader::CsvReader(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "rb")), buffer_(1 << 16) {
  if (!file_) throw SerializationError("[read_csv] " + path + ": " + std::strerror(errno));
  fill();
  if (size_ >= 3 && std::memcmp(buffer_.data(), "\xEF\xBB\xBF", 3) == 0) at_ = 3;  // a byte order mark
  skip_empty_lines();
  if (at_end()) throw SerializationError("[read_csv] " + path + ": the file is empty");
}

std::size_t CsvReader::skip_empty_lines() {
  std::size_t count = 0;
  while (accept_line_end()) ++count;
  return at_end() ? 0 : count;
}

// row = cell *("," cell) line-end
bool CsvReader::next(std::string& cell) {
  cell.clear();
  const std::size_t line = line_;
  if (accept('"'))
    read_quoted(cell);
  else
    read_plain(cell);
  if (accept(',')) return true;
  if (!accept_line_end() && !at_end()) fail(line, "a quoted cell goes on after its closing quote");
  return false;
}

void CsvReader::fail(std::size_t line, const std::string& text) const {
  throw SerializationError("[read_csv] " + path_ + ":" + std::to_string(line) + ": " + text);
}

int CsvReader::peek() {
  if (at_ == size_) fill();
  return at_ == size_ ? end : static_cast<unsigned char>(buffer_[at_]);
}

bool CsvReader::accept(char c) {
  if (peek() != static_cast<unsigned char>(c)) return false;
  ++at_;
  return true;
}

// LF, CRLF or CR
bool CsvReader::accept_line_end() {
  if (accept('\r'))
    accept('\n');
  else if (!accept('\n'))
    return false;
  ++line_;
  return true;
}

void CsvReader::read_plain(std::string& cell) {
  const auto ends = [](char c) { return c == ',' || c == '\n' || c == '\r'; };
  while (!at_end()) {
    std::size_t stop = at_;
    while (stop < size_ && !ends(buffer_[stop])) ++stop;
    append(cell, buffer_.data() + at_, stop - at_);
    at_ = stop;
    if (stop < size_) return;
  }
}

void CsvReader::read_quoted(std::string& cell) {
  const std::size_t line = line_;
  while (!at_end()) {
    const char c = buffer_[at_++];
    if (c == '"' && !accept('"')) return;
    if (c == '\n' || (c == '\r' && peek() != '\n')) ++line_;
    append(cell, &c, 1);
  }
  fail(line, "a quoted cell is not closed");
}

// A cell is a name, a date or a number. What is longer is a file of another kind, or a quote that is not closed.
void CsvReader::append(std::string& cell, const char* from, std::size_t count) const {
  constexpr std::size_t longest = 1 << 16;
  if (cell.size() + count > longest) fail(line_, "a cell has more than " + std::to_string(longest) + " characters");
  cell.append(from, count);
}

void CsvReader::fill() {
  at_ = 0;
  size_ = std::fread(buffer_.data(), 1, buffer_.size(), file_.get());
  if (size_ == 0 && std::ferror(file_.get()) != 0)
    throw SerializationError("[read_csv] " + path_ + ": " + std::strerror(errno));
}

}  // namespace xl
