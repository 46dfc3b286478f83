#include "harness.hpp"

#include <iostream>
#include <vector>

namespace xl_docs {
namespace {

std::string page_name;
std::ostringstream captured;
std::streambuf* real_cout = nullptr;
int block_line = 0;
int failures = 0;
std::vector<std::string> block_lines;   // all that the block printed
std::vector<std::string> undocumented;  // of these, the ones that no comment covers

std::string trim(std::string text) {
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  text.erase(0, text.find_first_not_of(" \t"));
  return text;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    line.erase(line.find_last_not_of(" \t\r") + 1);
    lines.push_back(line);
  }
  return lines;
}

// What was printed since the last call.
std::vector<std::string> take() {
  const std::vector<std::string> lines = split(captured.str());
  captured.str("");
  block_lines.insert(block_lines.end(), lines.begin(), lines.end());
  return lines;
}

// True if `text` fits `pattern`, in which each "..." stands for any text.
bool fits(const std::string& text, const std::string& pattern, std::size_t t, std::size_t p) {
  const std::size_t dots = pattern.find("...", p);
  if (dots == std::string::npos) return text.compare(t, std::string::npos, pattern, p) == 0;
  if (text.compare(t, dots - p, pattern, p, dots - p) != 0) return false;
  for (std::size_t next = t + dots - p; next <= text.size(); ++next) {
    if (fits(text, pattern, next, dots + 3)) return true;
  }
  return false;
}

// The same for lines; a line "..." stands for any number of lines.
bool fits(const std::vector<std::string>& lines, const std::vector<std::string>& patterns, std::size_t l,
          std::size_t p) {
  if (p == patterns.size()) return l == lines.size();
  if (trim(patterns[p]) == "...") {
    for (std::size_t next = l; next <= lines.size(); ++next) {
      if (fits(lines, patterns, next, p + 1)) return true;
    }
    return false;
  }
  return l < lines.size() && matches(lines[l], patterns[p]) && fits(lines, patterns, l + 1, p + 1);
}

}  // namespace

bool matches(const std::string& text, const std::string& pattern) {
  return text == pattern || fits(text, pattern, 0, 0);
}

void begin(const char* page) {
  page_name = page;
  real_cout = std::cout.rdbuf(captured.rdbuf());
}

void begin_block(int line) {
  block_line = line;
  block_lines.clear();
  undocumented.clear();
}

void end_block(int text_line, const char* text) {
  const std::vector<std::string> rest = take();
  undocumented.insert(undocumented.end(), rest.begin(), rest.end());
  if (!text) {
    for (const std::string& line : undocumented) {
      if (!line.empty()) fail(block_line, "the block printed a line that is not documented: " + line);
    }
    return;
  }
  const std::vector<std::string> expected = split(text);
  if (fits(block_lines, expected, 0, 0)) return;
  if (block_lines.empty()) return fail(text_line, "the block before this text printed nothing");
  std::size_t i = 0;
  while (i < expected.size() && i < block_lines.size() && matches(block_lines[i], expected[i])) ++i;
  fail(text_line + 1 + static_cast<int>(i), "expected " + (i < expected.size() ? expected[i] : "no further line") +
                                                "\n  printed  " +
                                                (i < block_lines.size() ? block_lines[i] : "no further line"));
}

void printed(int line, const char* expected) {
  std::vector<std::string> lines = take();
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  if (lines.empty()) {
    return fail(line, std::string("expected ") + expected + "\n  printed  nothing");
  }
  const std::string last = trim(lines.back());
  lines.pop_back();
  undocumented.insert(undocumented.end(), lines.begin(), lines.end());
  // The comment may leave out a label: "Input shape: (32, 100, 64)" is documented as (32, 100, 64).
  for (std::size_t start = 0; start != std::string::npos;) {
    if (matches(last.substr(start), expected)) return;
    start = last.find(' ', start);
    if (start != std::string::npos) ++start;
  }
  fail(line, std::string("expected ") + expected + "\n  printed  " + last);
}

void equal(int line, const char* name, const std::string& got, const char* expected) {
  if (matches(got, expected)) return;
  fail(line, std::string("expected ") + name + " to be " + expected + "\n  but it is " + got);
}

void fail(int line, const std::string& text) {
  ++failures;
  std::cerr << page_name << ':' << line << ": " << text << std::endl;
}

int finish() {
  std::cout.rdbuf(real_cout);
  if (failures == 0) return 0;
  std::cerr << page_name << ": " << failures << (failures == 1 ? " failure\n" : " failures\n");
  return 1;
}

int escaped(const char* what) {
  fail(block_line, std::string("the block threw: ") + what);
  return finish();
}

}  // namespace xl_docs
