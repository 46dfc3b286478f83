#include "xlayers/models/console/summary_table.hpp"

#include <algorithm>
#include <ostream>
#include <string_view>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/number_text.hpp"
#include "xlayers/models/console/terminal.hpp"

namespace xl {
namespace {

// ---- text: a character is a UTF-8 code point and takes one column ----

std::size_t length(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

/// The first `count` characters.
std::string_view head(std::string_view text, std::size_t count) {
  std::size_t end = 0;
  while (end < text.size() && count > 0) {
    ++end;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) ++end;
    --count;
  }
  return text.substr(0, end);
}

std::string repeat(std::string_view text, std::size_t count) {
  std::string result;
  for (std::size_t i = 0; i < count; ++i) result += text;
  return result;
}

/// Breaks at spaces into lines of at most `width` characters; a longer word ends in an ellipsis.
std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  if (width == 0) return lines;
  std::size_t position = 0;
  while (position < text.size()) {
    const std::size_t end = std::min(text.find(' ', position), text.size());
    const std::string_view word = text.substr(position, end - position);
    std::string& line = lines.back();
    const std::size_t space = line.empty() ? 0 : 1;
    if (!line.empty() && length(line) + space + length(word) > width) {
      lines.emplace_back(word);
    } else {
      line.append(space, ' ').append(word);
    }
    position = std::min(end + 1, text.size());
  }
  for (std::string& line : lines) {
    if (length(line) > width) line = std::string(head(line, width - 1)) + "…";
  }
  return lines;
}

// ---- numbers ----

/// "12,345,678"
std::string with_commas(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

/// "9.00 KB"
std::string memory_size(double bytes) {
  const char* const units[] = {"B", "KB", "MB", "GB", "TB"};
  for (const char* unit : units) {
    if (bytes < 1024) return fixed_text(bytes, 2) + " " + unit;
    bytes /= 1024;
  }
  return fixed_text(bytes, 2) + " PB";
}

// ---- the cells ----

/// "(None, 64)"; of one axis "(None)", without Python's comma.
std::string shape_text(const Shape& shape) {
  std::string text = "(";
  for (const Dim dim : shape) {
    if (text.size() > 1) text += ", ";
    text += dim == None ? "None" : std::to_string(dim);
  }
  return text + ")";
}

std::vector<std::string> cells(const SummaryRow& row, bool connections) {
  std::string shapes = joined(row.output_shapes, shape_text);
  if (row.output_shapes.empty()) shapes += '?';
  if (row.output_shapes.size() > 1) shapes = "[" + shapes + "]";
  std::vector<std::string> result{row.name + " (" + row.class_name + ")", shapes,
                                  row.built ? with_commas(row.params) : "0 (unbuilt)"};
  if (connections) {
    result.push_back(row.connected_to.empty() ? "-" : joined(row.connected_to));
  }
  return result;
}

// ---- the table ----

/// Half to even, as Python's round(); both above 0.
std::int64_t rounded_quotient(std::int64_t a, std::int64_t b) {
  const std::int64_t quotient = a / b, twice = 2 * (a % b);
  return quotient + (twice > b || (twice == b && quotient % 2 == 1));
}

/// The inner widths of the columns. Each ends at its part of the line and has a space on either
/// side; what this and the frame add is then taken off the columns evenly, from left to right.
std::vector<std::size_t> column_widths(const std::vector<double>& ends, int line_length) {
  std::vector<std::int64_t> widths;
  std::int64_t position = 0;
  for (const double end : ends) {
    const auto width = static_cast<std::int64_t>(end * line_length) - position;
    if (width < 4) {
      throw ValueError("a summary of " + std::to_string(ends.size()) + " columns needs more than " +
                       std::to_string(line_length) + " characters a line");
    }
    widths.push_back(width + 2);
    position += width;
  }
  auto columns = static_cast<std::int64_t>(widths.size());
  std::int64_t excess = columns + 1 - line_length;
  for (const std::int64_t width : widths) excess += width;
  std::vector<std::size_t> inner;
  for (const std::int64_t width : widths) {
    const std::int64_t less = rounded_quotient(std::max<std::int64_t>(excess, 0), columns--);
    excess -= less;
    inner.push_back(static_cast<std::size_t>(width - less - 2));
  }
  return inner;
}

class Table {
 public:
  Table(std::ostream& out, std::vector<std::size_t> widths) : out_(out), widths_(std::move(widths)) {}

  /// A horizontal line of the frame.
  void rule(const char* left, const char* line, const char* cross, const char* right) const {
    std::string text = left;
    for (const std::size_t width : widths_) {
      text += (text == left ? "" : cross) + repeat(line, width + 2);
    }
    out_ << text << right << "\n";
  }

  /// A row of cells, each wrapped to its column. Numbers stand to the right; the lines of a header
  /// stand at the bottom, those of other rows at the top.
  void row(const std::vector<std::string>& cells, const char* bar, bool header) const {
    std::vector<std::vector<std::string>> columns;
    std::size_t height = 0;
    for (std::size_t i = 0; i < widths_.size(); ++i) {
      columns.push_back(wrap(cells[i], widths_[i]));
      height = std::max(height, columns.back().size());
    }
    for (auto& lines : columns) {
      lines.insert(header ? lines.begin() : lines.end(), height - lines.size(), "");
    }
    for (std::size_t line = 0; line < height; ++line) {
      out_ << bar;
      for (std::size_t i = 0; i < widths_.size(); ++i) {
        const std::string& text = columns[i][line];
        const std::string padding(widths_[i] - length(text), ' ');
        out_ << ' ' << (i == 2 ? padding + text : text + padding) << ' ' << bar;
      }
      out_ << "\n";
    }
  }

 private:
  std::ostream& out_;
  std::vector<std::size_t> widths_;
};

}  // namespace

int summary_line_length(const std::ostream& out, bool connections) {
  return std::min(connections ? 108 : 88, terminal_width(out) - 4);
}

void print(std::ostream& out, const Summary& summary, int line_length) {
  if (line_length == 0) line_length = summary_line_length(out, summary.connections);
  std::vector<std::string> header{"Layer (type)", "Output Shape", "Param #"};
  std::vector<double> ends{0.45, 0.80, 1.0};
  if (summary.connections) {
    header.push_back("Connected to");
    ends = {0.3, 0.56, 0.74, 1.0};
  }
  const Table table(out, column_widths(ends, line_length));

  out << "Model: \"" << summary.model_name << "\"\n";
  table.rule("┏", "━", "┳", "┓");
  table.row(header, "┃", true);
  table.rule("┡", "━", "╇", "┩");
  bool first = true;
  for (const SummaryRow& row : summary.rows) {
    if (!first) table.rule("├", "─", "┼", "┤");
    first = false;
    table.row(cells(row, summary.connections), "│", false);
  }
  table.rule("└", "─", "┴", "┘");

  // Every number of a model and of its optimizer takes four bytes.
  const auto count = [&out](const char* what, std::int64_t number) {
    out << " " << what << " params: " << with_commas(number) << " (" << memory_size(4.0 * static_cast<double>(number))
        << ")\n";
  };
  const std::int64_t optimizer = summary.has_optimizer ? summary.optimizer : 0;
  count("Total", summary.trainable + summary.non_trainable + optimizer);
  count("Trainable", summary.trainable);
  count("Non-trainable", summary.non_trainable);
  if (summary.has_optimizer) count("Optimizer", optimizer);
}

}  // namespace xl
