#pragma once

#include <cstdint>
#include <vector>

#include "xlayers/framework/engine/run.hpp"
#include "xlayers/models/training/compiled_outputs.hpp"
#include "xlayers/models/training/samples.hpp"

// Internal: the losses and the metrics of a batch.

namespace xl {

/// Takes the losses, their gradients and the metrics of each piece of a batch, and keeps them apart so that they are
/// added up in the order of the pieces, whatever thread took which.
class Measure final : public PieceVisitor {
 public:
  /// `outputs` must live as long.
  explicit Measure(const CompiledOutputs& outputs) : outputs_(outputs), counted_rows_(outputs.size()) {}

  /// Before the batch runs, in so many pieces. The batch has to live until it has.
  void begin(const Batch& batch, std::int64_t pieces);
  /// For each output, how many of the batch's rows its loss counts, where not all do: to be set before the batch runs.
  std::vector<double>& counted_rows() { return counted_rows_; }

  void operator()(const Piece& piece) const override;

  /// What activity regularisers add to the batch's loss.
  double penalty() const { return sum(0); }
  /// The mean over the rows of the batch of an output's loss.
  double loss(std::size_t output) const;
  /// Total and count of a metric; they stand output by output, the weighted ones behind the others.
  double metric_total(std::size_t metric) const { return sum(first_metric() + 2 * metric); }
  double metric_count(std::size_t metric) const { return sum(first_metric() + 2 * metric + 1); }

 private:
  // Sums over a piece: a penalty, the loss of each output, and total and count of each metric.
  std::size_t first_metric() const { return 1 + outputs_.size(); }
  std::size_t stride() const { return first_metric() + 2 * outputs_.metrics(); }
  double sum(std::size_t column) const;

  void measure(const Piece& piece, std::size_t output, std::int64_t first, std::int64_t samples, double* part,
               std::size_t column) const;
  double share(std::size_t output) const;
  const float* masked_weights(const Piece& piece, const float* mask, const float* weights, std::int64_t rows) const;

  const CompiledOutputs& outputs_;
  const Batch* batch_ = nullptr;
  std::int64_t most_rows_ = 0;  // of a sample of any output
  std::vector<double> counted_rows_;
  mutable std::vector<double> parts_;       // each piece writes its own
  mutable std::vector<float> row_weights_;  // the same
};

}  // namespace xl
