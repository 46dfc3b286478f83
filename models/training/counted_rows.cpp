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

// False also for an output whose steps have turned out to be others than the mask's.
bool carries_mask(const Plan& plan, std::size_t output) { return plan.output_slot(output).mask >= 0; }

// Adds up the masks that come out, each output's by itself, over the rows whose targets count.
class CountMasks final : public PieceVisitor {
 public:
  CountMasks(const CompiledOutputs& outputs, const Plan& plan, const Batch& batch, std::int64_t pieces)
      : outputs_(outputs), plan_(plan), batch_(batch) {
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i].masked) masked_.push_back(i);
    counts_.resize(masked_.size() * pieces);
  }

  void operator()(const Piece& piece) const override {
    for (std::size_t m = 0; m < masked_.size(); ++m) {
      const std::size_t i = masked_[m];
      if (!carries_mask(plan_, i)) continue;
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
      if (carries_mask(plan_, masked_[m])) counted[masked_[m]] = sum;
    }
  }

 private:
  const CompiledOutputs& outputs_;
  const Plan& plan_;
  const Batch& batch_;
  std::vector<std::size_t> masked_;     // outputs
  mutable std::vector<double> counts_;  // each piece writes its own
};

}  // namespace

void count_rows(const CompiledOutputs& outputs, const Plan& plan, const Executor* masks, const Batch& batch,
                std::span<double> counted) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].loss || !outputs[i].loss->ignores_some() || carries_mask(plan, i)) continue;
    const Target& target = batch.samples.targets[i];
    counted[i] = 0.0;
    for (std::int64_t s = 0; s < batch.count; ++s)
      for (std::int64_t row = 0; row < target.rows; ++row) counted[i] += counts(outputs[i], target, batch, s, row);
  }
  if (masks == nullptr) return;
  const std::shared_ptr<PreparedPlan> prepared = masks->prepare(batch.samples.inputs.shapes, {}, batch.count);
  const CountMasks count(outputs, plan, batch, plan_of(prepared).pieces(batch.count));
  const Few<const float*> inputs = batch.inputs();
  Run run = batch.run(inputs);
  run.visitor = &count;
  masks->run(*prepared, run);
  count.write(counted);
}

}  // namespace xl
