// Makes a program from the ```cpp blocks of a documentation page:
//
//   docs_extract PAGE.md NAME OUT.cpp        NAME is how messages of the program name the page
//
// The blocks run in page order in one main, as in a notebook: each opens a scope inside the former,
// so later blocks see earlier variables and may declare the same names anew. `#include` and `using`
// lines and definitions of functions, structs and classes at column 0 go to file scope. A block
// with `int main` is a program of its own.
//
// What is compared:
//
//   std::cout << ...;         // TEXT     the last printed line is TEXT, or ends with it
//   auto x = ...;             // (2, 3)   the shape of x; with `y (1, 3) -> (2, 3)` also that of y
//   auto n = ...;             // 42       the value of n: a number, true, false or a "string"
//   f(...);                   // throws ValueError: TEXT
//   a ```text block after the block       all that the block printed, line by line
//
// The `// throws` comment may stand on the line below its statement and go on in comment lines.
// `...` stands for any text. A printed line that nothing documents is a failure. Other comments are
// prose.

#include <algorithm>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "block.hpp"

namespace {

using docs::Block;
using docs::Line;
using docs::quoted;

// Lines of the program, each compiled as the line of the page that it came from.
class Section {
 public:
  explicit Section(std::string page) : page_(std::move(page)) {}

  void add(const std::string& line) {
    text_ += line + '\n';
    next_ = 0;
  }
  void add(const std::string& line, int number) {
    if (number != next_) text_ += "#line " + std::to_string(number) + " " + quoted(page_) + '\n';
    text_ += line + '\n';
    next_ = number + 1;
  }
  const std::string& text() const { return text_; }

 private:
  std::string page_, text_;
  int next_ = 0;
};

struct Program {
  explicit Program(const std::string& page) : includes(page), file_scope(page), body(page) {}
  Section includes, file_scope, body;
};

// The ```cpp blocks of a page, each with the ```text block that follows it.
std::vector<Block> read_blocks(std::istream& in) {
  std::vector<Block> blocks;
  std::string line;
  bool after_cpp = false;  // only blank lines since the end of a cpp block
  for (int number = 1; std::getline(in, line); ++number) {
    const std::size_t indent = line.find_first_not_of(' ');
    if (indent == std::string::npos) continue;
    if (line.compare(indent, 3, "```") != 0) {
      after_cpp = false;
      continue;
    }
    const std::string fence = line.substr(indent, line.find_first_not_of('`', indent) - indent);
    const std::string language = docs::trim(line.substr(indent + fence.size()));
    if (language == "c++" || language == "C++" || language == "cxx" || language.starts_with("cpp ")) {
      throw std::runtime_error(std::to_string(number) + ": write ```cpp, not ```" + language);
    }
    const int first = number;
    std::vector<Line> lines;
    for (;;) {
      ++number;
      if (!std::getline(in, line)) {
        throw std::runtime_error(std::to_string(first) + ": this block is not closed");
      }
      if (docs::trim(line) == fence) break;
      line.erase(0, std::min(indent, std::min(line.find_first_not_of(' '), line.size())));
      Line& added = lines.emplace_back();
      added.number = number;
      added.raw = line;
    }
    if (language == "cpp") {
      Block& added = blocks.emplace_back();
      added.number = first;
      added.lines = std::move(lines);
    } else if (language == "text" && after_cpp) {
      blocks.back().text_number = first;
      for (const Line& text : lines) blocks.back().text += text.raw + "\n";
    }
    after_cpp = language == "cpp";
  }
  return blocks;
}

void add_block(Program& program, Block& block, std::size_t index) {
  docs::scan(block);
  const std::string name = "program_" + std::to_string(index);
  if (block.is_program) program.file_scope.add("namespace " + name + " {");
  program.body.add("{ xl_docs::begin_block(" + std::to_string(block.number) + ");");
  for (const Line& line : block.lines) {
    Section& section = line.is_include                       ? program.includes
                       : block.is_program || line.file_scope ? program.file_scope
                                                             : program.body;
    section.add(line.before + line.code + line.after, line.number);
  }
  if (block.is_program) {
    program.file_scope.add("}  // namespace " + name);
    program.body.add(name + "::page_main();");
  }
  program.body.add("xl_docs::end_block(" + std::to_string(block.text_number) + ", " +
                   (block.text_number ? quoted(block.text) : "nullptr") + ");");
}

void write(const Program& program, const std::string& name, std::size_t blocks, std::ostream& out) {
  out << program.includes.text() << "#include \"harness.hpp\"\n"
      << program.file_scope.text() << "#line 1 \"main\"\nint main() try {\nxl_docs::begin(" << quoted(name) << ");\n"
      << program.body.text() << std::string(blocks, '}') << "\nreturn xl_docs::finish();\n"
      << "} catch (const std::exception& error) {\nreturn xl_docs::escaped(error.what());\n}\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: docs_extract PAGE.md NAME OUT.cpp\n";
    return 2;
  }
  try {
    std::ifstream in(argv[1]);
    if (!in) throw std::runtime_error("0: cannot be read");
    Program program(argv[1]);
    std::vector<Block> blocks = read_blocks(in);
    for (std::size_t i = 0; i < blocks.size(); ++i) add_block(program, blocks[i], i + 1);
    std::ostringstream text;
    write(program, argv[2], blocks.size(), text);
    std::ofstream out(argv[3]);
    out << text.str();
    if (!out.flush()) throw std::runtime_error(std::string("0: cannot write ") + argv[3]);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << argv[2] << ':' << error.what() << '\n';
    return 1;
  }
}
