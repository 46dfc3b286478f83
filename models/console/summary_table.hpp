#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "xlayers/framework/tensor/shape.hpp"

namespace xl {

/// One layer in a summary.
struct SummaryRow {
  std::string name = {};                  ///< "dense_1"
  std::string class_name = {};            ///< "Dense"
  std::vector<Shape> output_shapes = {};  ///< none: "?"
  bool built = true;                      ///< false: "0 (unbuilt)"
  std::int64_t params = 0;
  std::vector<std::string> connected_to = {};  ///< "dense[0][0]"; none: "-"
};

/// What `summary()` tells of a model.
struct Summary {
  std::string model_name = {};
  std::vector<SummaryRow> rows = {};
  std::int64_t trainable = 0;      ///< parameters
  std::int64_t non_trainable = 0;  ///< parameters
  std::int64_t optimizer = 0;      ///< numbers in the optimizer's state
  bool has_optimizer = false;      ///< whether to show them
  bool connections = false;        ///< whether to show the column "Connected to"
};

/// The length of line that Keras chooses for `out`: the terminal's width - 4, or 76 if `out` is not
/// a terminal; at most 88, or 108 with connections.
int summary_line_length(const std::ostream& out, bool connections);

/// Prints the table, character for character as Keras 3 prints it without colours. `line_length` 0:
/// the one above. Throws ValueError if a column would be narrower than 4 characters.
void print(std::ostream& out, const Summary& summary, int line_length = 0);

}  // namespace xl
