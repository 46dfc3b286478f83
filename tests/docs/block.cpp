#include "block.hpp"

#include <algorithm>
#include <cctype>
#include <regex>
#include <stdexcept>

namespace docs {
namespace {

// Follows brackets and statements through a block.
class Walker {
 public:
  explicit Walker(Block& block) : block_(block) {}

  void walk() {
    for (std::size_t i = 0; i < block_.lines.size(); ++i) {
      Line& line = block_.lines[i];
      if (line.is_include) continue;
      if (scopes_.empty() && statement_.empty()) hoisting_ = !block_.is_program && is_definition(i);
      line.file_scope = hoisting_;
      bool ended = false;
      for (std::size_t j = 0; j < line.masked.size(); ++j) ended = step(line, j, ended);
      if (!statement_.empty()) statement_ += ' ';
      const bool in_class = !scopes_.empty() && scopes_.back().kind == 'k';
      if (ended && !line.comment.empty() && !in_class) add_check(*ended_start_, line, ended_statement_);
    }
  }

 private:
  struct Scope {
    char kind;  // c: code, k: class or namespace, i: initialiser, ( and [
    std::string outer;
    Line* outer_start;
    bool is_main;
  };

  bool in_code() const { return scopes_.empty() || scopes_.back().kind == 'c' || scopes_.back().kind == 'k'; }

  // One character. Returns true while the last thing seen is the `;` that ended a statement.
  bool step(Line& line, std::size_t at, bool ended) {
    const char c = line.masked[at];
    if (std::isspace(static_cast<unsigned char>(c))) {
      if (!statement_.empty()) statement_ += ' ';
      return ended;
    }
    if (statement_.empty()) start_ = &line;
    switch (c) {
      case '(':
      case '[':
        scopes_.push_back({c, "", nullptr, false});
        break;
      case '{':
        return open_brace(), false;
      case ')':
      case ']':
        pop(line);
        break;
      case '}':
        return close_brace(line, at), false;
      case ';':
        if (!in_code()) break;
        ended_statement_ = statement_ + ';';
        ended_start_ = start_;
        statement_.clear();
        return true;
      default:
        break;
    }
    statement_ += c;
    return false;
  }

  Scope pop(const Line& line) {
    if (scopes_.empty()) error(line, "a bracket is closed that was not opened");
    Scope scope = std::move(scopes_.back());
    scopes_.pop_back();
    return scope;
  }

  void open_brace() {
    const std::string before = trim(statement_);
    const std::string first = first_word(before);
    const std::string last = before.substr(before.find_last_of(" )") + 1);
    const bool is_class = in_code() && one_of(first, {"struct", "class", "union", "namespace", "template"}) &&
                          (before.empty() || before.back() != ')');
    const bool is_code = before.empty() || before.back() == ')' || before.back() == ']' ||
                         before.find(") ->") != std::string::npos ||
                         one_of(last, {"else", "do", "try", "const", "noexcept", "override", "final", "mutable"});
    if (!is_class && !(is_code && !(before.empty() && !in_code()))) {
      scopes_.push_back({'i', "", nullptr, false});
      statement_ += '{';
      return;
    }
    const bool is_main = scopes_.empty() && before.starts_with("int main");
    scopes_.push_back({is_class ? 'k' : 'c', statement_, start_, is_main});
    statement_.clear();
  }

  void close_brace(Line& line, std::size_t at) {
    const Scope scope = pop(line);
    if (scope.kind == 'i') {
      statement_ += '}';
      return;
    }
    if (scope.is_main) line.code.insert(at, "return 0; ");
    const std::string outer = trim(scope.outer);
    const bool expression = !in_code() || assignment(outer) != std::string::npos || scope.kind == 'k';
    const bool control = one_of(first_word(outer), {"for", "if", "else", "while", "do", "try", "catch", "switch"});
    const bool namespace_end = first_word(outer) == "namespace";
    statement_ = expression && !control && !namespace_end ? scope.outer + "{}" : "";
    start_ = scope.outer_start;
  }

  // Does a definition begin on this line that cannot stand in a function?
  bool is_definition(std::size_t index) const {
    const std::string& line = block_.lines[index].masked;
    const std::string first = first_word(line);
    if (one_of(first, {"using", "struct", "class", "union", "enum", "template", "namespace"})) return true;
    if (first.empty() || one_of(first, {"for", "if", "else", "while", "do", "try", "catch", "switch"})) return false;
    // A function is what has a { right after the ) of its parameters, or after const, noexcept, ->
    // type.
    std::string text;
    int depth = 0;
    for (std::size_t i = index; i < block_.lines.size(); ++i) {
      for (const char c : block_.lines[i].masked + ' ') {
        if (c == '(') ++depth;
        if (c == ')') --depth;
        if (depth == 0 && (c == ';' || c == '=')) return false;
        if (depth == 0 && c == '{') {
          text = trim(text);
          return text.ends_with(')') || text.ends_with("noexcept") || text.find(") ->") != std::string::npos;
        }
        text += c;
      }
    }
    return false;
  }

  Block& block_;
  std::vector<Scope> scopes_;
  std::string statement_, ended_statement_;
  Line* start_ = nullptr;
  Line* ended_start_ = nullptr;
  bool hoisting_ = false;
};

// `int main()` becomes a function that the page's main calls.
void rename_main(Block& block) {
  static const std::regex main_function(R"(^int main\s*\()");
  for (Line& line : block.lines) {
    if (!std::regex_search(line.masked, main_function)) continue;
    if (!std::regex_search(line.masked, std::regex(R"(^int main\s*\(\s*\))"))) {
      error(line, "main takes no arguments in a page");
    }
    block.is_program = true;
    line.code.replace(0, 8, "int page_main");
    line.masked.insert(8, 5, ' ');  // stays as long as the code
  }
}

}  // namespace

std::string trim(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") + 1 - first);
}

std::string first_word(const std::string& text) {
  std::size_t end = 0;
  while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) ++end;
  return text.substr(0, end);
}

bool one_of(const std::string& word, std::initializer_list<const char*> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

void error(const Line& line, const std::string& text) {
  throw std::runtime_error(std::to_string(line.number) + ": " + text);
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + '"';
}

void scan(Block& block) {
  find_comments(block);
  rename_main(block);
  Walker(block).walk();
}

}  // namespace docs
