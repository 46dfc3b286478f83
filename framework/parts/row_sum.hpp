#pragma once

#include <string>
#include <vector>

#include "xlayers/framework/graph/primitive.hpp"

namespace xl {

/// Looks up a row in each of some tables and adds them up:
///
///     y[step] = sum over the tables of table[index[step, column]]
///
///   input    int32: (batch, ..., columns); or, if there is but one table, which is read with every number, (batch, ...)
///   output   (batch, ..., d_model)
///   weights  the tables (rows, d_model) in their order, unless they are constants
///   throws   ShapeError if there are too few columns; a call ValueError for an index that is not below its table's rows
class RowSum final : public PrimitiveLayer {
 public:
  struct Table {
    std::string name;   ///< of the weight
    std::string index;  ///< what its index is called in errors: "month"
    int rows = 0;
    int column = 0;  ///< where its index stands in the last axis
  };
  /// Where the tables' numbers come from: sinusoids, handed out as they are or as weights that are not trained; or
  /// weights that are trained and begin as in Keras' Embedding.
  enum class Kind { constant, frozen, trained };

  struct Options {
    std::string class_name;  ///< of the layer that this is a part of, in whose name it speaks
    std::vector<Table> tables = {};
    bool columns = true;  ///< false: every number of the input is an index
    int d_model = 0;
    Kind kind = Kind::constant;
    std::string layout = "interleaved";
    float max_wavelength = 10000.0f;
  };

  explicit RowSum(Options options) : options_(std::move(options)) {}

  std::string_view class_name() const override { return options_.class_name; }
  Config get_config() const override { return {}; }
  bool needs_building() const override { return options_.kind != Kind::constant; }

  TensorSpecs outputs(const TensorSpecs& inputs) const override;
  Memory memory(const TensorSpecs& inputs, bool training) const override;
  void forward(const ForwardCall& call) const override;
  void backward(const BackwardCall& call) const override;

 private:
  void make_weights(const TensorSpecs& inputs) override;
  // How many numbers of the input belong to a step.
  std::int64_t stride(const Block& x) const { return options_.columns ? x.columns() : 1; }

  const Options options_;
  std::vector<float> constant_;  // the tables one after the other
};

}  // namespace xl
