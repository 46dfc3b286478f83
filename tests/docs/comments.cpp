#include <cctype>

#include "block.hpp"

namespace docs {
namespace {

bool is_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// Splits each line into code and comment, and blanks strings, so that what follows sees structure
// only.
void mask(Block& block) {
  enum { code, comment, raw } state = code;
  std::string raw_end;  // )delimiter"
  for (Line& line : block.lines) {
    const std::string& text = line.raw;
    line.masked = std::string(text.size(), ' ');
    line.code = text;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (state == comment) {
        if (text.compare(i, 2, "*/") == 0) state = code, ++i;
      } else if (state == raw) {
        if (text.compare(i, raw_end.size(), raw_end) == 0) {
          state = code;
          i += raw_end.size() - 1;
          line.masked[i] = '"';
        }
      } else if (text.compare(i, 2, "//") == 0) {
        line.code = text.substr(0, i);
        line.masked.resize(i);
        line.comment = trim(text.substr(i + 2));
        break;
      } else if (text.compare(i, 2, "/*") == 0) {
        state = comment, ++i;
      } else if (text.compare(i, 2, "R\"") == 0 && (i == 0 || !is_name(text[i - 1]))) {
        const std::size_t open = text.find('(', i);
        if (open == std::string::npos) error(line, "a raw string without (");
        raw_end = ")" + text.substr(i + 2, open - i - 2) + "\"";
        line.masked[i] = '"';
        state = raw, i = open;
      } else if (text[i] == '"' || (text[i] == '\'' && (i == 0 || !is_name(text[i - 1])))) {
        const char quote = line.masked[i] = text[i];
        for (++i; i < text.size() && text[i] != quote; ++i) i += text[i] == '\\';
        if (i < text.size()) line.masked[i] = quote;
      } else {
        line.masked[i] = text[i];
      }
    }
    line.is_include = line.masked.starts_with("#include");
  }
}

// A `// throws` comment below its statement, and the comment lines that go on with it, move up to
// it.
void join_throws(Block& block) {
  for (std::size_t i = 0; i < block.lines.size(); ++i) {
    Line& line = block.lines[i];
    const bool below = i + 1 < block.lines.size() && line.comment.empty() && !trim(line.code).empty() &&
                       trim(block.lines[i + 1].code).empty() && block.lines[i + 1].comment.starts_with("throws ");
    if (!below && !line.comment.starts_with("throws ")) continue;
    if (trim(line.code).empty()) error(line, "no statement before // throws");
    for (++i; i < block.lines.size(); ++i) {
      Line& next = block.lines[i];
      if (!trim(next.code).empty() || next.comment.empty()) break;
      line.comment += (line.comment.empty() ? "" : " ") + next.comment;
      next.comment.clear();
    }
    --i;
  }
}

}  // namespace

void find_comments(Block& block) {
  mask(block);
  join_throws(block);
}

}  // namespace docs
