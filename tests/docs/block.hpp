#pragma once

#include <initializer_list>
#include <string>
#include <vector>

namespace docs {

/// One line of a ```cpp block, and what the program gets for it: before + code + after.
struct Line {
  int number = 0;         // in the page
  std::string raw;        // as it stands there
  std::string code;       // without its comment
  std::string masked;     // the code with the text of strings blanked, as long as `code`
  std::string comment{};  // the text after `//`
  std::string before{}, after{};
  bool is_include = false;
  bool file_scope = false;  // part of a definition that cannot stand in a function
};

/// A ```cpp block and the ```text block that directly follows it.
struct Block {
  int number = 0;  // of the opening fence
  std::vector<Line> lines;
  int text_number = 0;  // 0: there is none
  std::string text{};
  bool is_program = false;  // has an `int main`
};

/// Fills in everything of the lines that follows from `raw`: where comments are, what goes to file
/// scope, which checks stand before and after a line. Throws std::runtime_error with the text
/// "LINE: what is wrong".
void scan(Block& block);

/// The parts of it: where the comments are, and the check that a comment asks for. `line` ends the
/// statement that began on `start`.
void find_comments(Block& block);
void add_check(Line& start, Line& line, const std::string& statement);

/// Throws "LINE: text".
[[noreturn]] void error(const Line& line, const std::string& text);
std::string trim(const std::string& text);
/// As a C++ string literal.
std::string quoted(const std::string& text);
std::string first_word(const std::string& text);
bool one_of(const std::string& word, std::initializer_list<const char*> words);
/// Where the `=` of an assignment or initialisation is, outside of all brackets; npos if there is
/// none.
std::size_t assignment(const std::string& statement);

}  // namespace docs
