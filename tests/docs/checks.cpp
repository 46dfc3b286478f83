#include <cctype>
#include <regex>

#include "block.hpp"

namespace docs {
namespace {

const std::string shape_pattern = R"(\((?:(?:None|\d+)(?:, ?(?:None|\d+))*,?)?\))";

// The variable that a statement declares or assigns; empty if there is none.
std::string assigned(const std::string& statement) {
  if (one_of(first_word(statement), {"return", "throw", "delete"})) return "";
  std::smatch match;
  if (const std::size_t at = assignment(statement); at != std::string::npos) {
    static const std::regex name(R"(([A-Za-z_][\w.]*)\s*[-+*/]?$)");
    const std::string left = statement.substr(0, at);
    return std::regex_search(left, match, name) ? match[1].str() : "";
  }
  static const std::regex declaration(R"(^[A-Za-z_][\w:<>, ]*[\s&]+([A-Za-z_]\w*)\s*[({;])");
  return std::regex_search(statement, match, declaration) ? match[1].str() : "";
}

std::string call(const std::string& function, const std::string& arguments) {
  return " xl_docs::" + function + "(" + arguments + ");";
}

std::string equal(const Line& line, const std::string& name, const std::string& function, const std::string& expected) {
  return call("equal", std::to_string(line.number) + ", " + quoted(name) + ", xl_docs::" + function + "(" + name +
                           "), " + quoted(expected));
}

}  // namespace

std::size_t assignment(const std::string& statement) {
  int depth = 0;
  for (std::size_t i = 0; i < statement.size(); ++i) {
    const char c = statement[i];
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (c == ')' || c == ']' || c == '}') --depth;
    if (c != '=' || depth != 0) continue;
    const char before = i > 0 ? statement[i - 1] : ' ';
    const char after = i + 1 < statement.size() ? statement[i + 1] : ' ';
    const bool comparison = after == '=' || before == '=' || before == '!' || before == '<' || before == '>';
    if (!comparison) return i;
  }
  return std::string::npos;
}

void add_check(Line& start, Line& line, const std::string& statement) {
  static const std::regex throws(R"(throws ([\w:]+): (.+))");
  static const std::regex shape("(?:([\\w.]+) (" + shape_pattern + ") -> )?(" + shape_pattern + ")(?:[ ,:;.].*)?");
  static const std::regex value(R"re((-?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?|true|false)|"([^"]*)")re");
  const std::string number = std::to_string(line.number);
  std::smatch match;

  if (line.comment.starts_with("throws ")) {
    if (!std::regex_match(line.comment, match, throws)) error(line, "write // throws ErrorType: its text");
    const std::string type = match[1];
    start.before += "xl_docs::throws<" + std::string(type.find("::") == std::string::npos ? "xl::" : "") + type + ">(" +
                    number + ", " + quoted(type) + ", " + quoted(match[2]) + ", [&] { ";
    line.after += " });";
  } else if (statement.find("cout") != std::string::npos) {
    line.after += call("printed", number + ", " + quoted(line.comment));
  } else if (std::regex_match(line.comment, match, shape) || std::regex_match(line.comment, match, value)) {
    const std::string name = assigned(statement);
    if (name.empty()) {
      error(line, "nothing to compare " + line.comment + " with: the statement neither prints nor sets a variable");
    }
    if (match.size() == 4) {
      line.after += equal(line, name, "shape_of", match[3]);
      if (match[1].matched) line.after += equal(line, match[1], "shape_of", match[2]);
    } else {
      std::string expected = match[1].matched ? match[1] : match[2];
      if (match[1].matched) std::erase(expected, ',');  // 10,113
      line.after += equal(line, name, "value_of", expected);
    }
  }
}

}  // namespace docs
