#include "xlayers/models/training/counted_rows.hpp"

#include <memory>
#include <vector>

namespace xl {

namespace {

// Whether the loss has a place for the target of sample i of the batch, row `row`.
bool counts(const CompiledOutput& output, const Target& target, const Batch& batch, std::int64_t i, std::int64_t row) {
  return !output.loss || !output.loss->ignores_some() ||
         !output.loss->ignores(target.data(batch.sample(i)) + row * target.row_features);
}

// Adds up the masks that come out, each output's by itself, over the rows whose targets count.
class CountMasks final : public PieceVisitor {
 public:
  CountMasks(const CompiledOutputs& outputs, const Batch& batch, std::int64_t pieces)
      : outputs_(outputs), batch_(batch) {
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i].mask >= 0) masked_.push_back(i);
    counts_.resize(masked_.size() * pieces);
  }

  void operator()(const Piece& piece) const override {
    for (std::size_t m = 0; m < masked_.size(); ++m) {
      const std::size_t i = masked_[m];
      const Block& mask = *piece.outputs[m];
      const std::int64_t rows = mask.sample_size();
      double& count = counts_[piece.index * masked_.size() + m];
      for (std::int64_t k = 0; k < mask.size(); ++k)
        if (counts(outputs_[i], batch_.samples.targets[i], batch_, piece.first + k / rows, k % rows))
          count += mask.data[k];
    }
  }

  void write(std::span<double> counted) const {
    for (std::size_t m = 0; m < masked_.size(); ++m) {
      double sum = 0.0;
      for (std::size_t k = m; k < counts_.size(); k += masked_.size()) sum += counts_[k];
      counted[masked_[m]] = sum;
    }
  }

 private:
  const CompiledOutputs& outputs_;
  const Batch& batch_;
  std::vector<std::size_t> masked_;     // outputs
  mutable std::vector<double> counts_;  // each piece writes its own
};

}  // namespace

void count_rows(const CompiledOutputs& outputs, const Executor* masks, const Batch& batch, std::span<double> counted) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].loss || !outputs[i].loss->ignores_some() || outputs[i].mask >= 0) continue;
    const Target& target = batch.samples.targets[i];
    counted[i] = 0.0;
    for (std::int64_t s = 0; s < batch.count; ++s)
      for (std::int64_t row = 0; row < target.rows; ++row) counted[i] += counts(outputs[i], target, batch, s, row);
  }
  if (masks == nullptr) return;
  const std::shared_ptr<PreparedPlan> prepared = masks->prepare(batch.samples.inputs.shapes, {});
  const CountMasks count(outputs, batch, plan_of(prepared).pieces(batch.count));
  const Few<const float*> inputs = batch.inputs();
  Run run = batch.run(inputs);
  run.visitor = &count;
  masks->run(*prepared, run);
  count.write(counted);
}

}  // namespace xl
