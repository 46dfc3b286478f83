#include "xlayers/models/training/measure.hpp"

#include <algorithm>
#include <functional>

namespace xl {

void Measure::begin(const Batch& batch, std::int64_t pieces) {
  batch_ = &batch;
  parts_.resize(static_cast<std::size_t>(pieces) * stride());
  most_rows_ = 0;
  for (const Target& target : batch.samples.targets) most_rows_ = std::max(most_rows_, target.rows);
  const bool masked = std::any_of(outputs_.begin(), outputs_.end(), [](const auto& output) { return output.masked; });
  row_weights_.resize(masked ? static_cast<std::size_t>(pieces * most_rows_) : 0);
}

double Measure::sum(std::size_t column) const {
  double sum = 0.0;
  for (std::size_t i = column; i < parts_.size(); i += stride()) sum += parts_[i];
  return sum;
}

double Measure::loss(std::size_t output) const {
  return sum(1 + output) / static_cast<double>(batch_->count * batch_->samples.targets[output].rows);
}

namespace {

float* gradient(const Piece& piece, std::size_t output) {
  return piece.output_gradients.empty() ? nullptr : piece.output_gradients[output]->data;
}

}  // namespace

void Measure::operator()(const Piece& piece) const {
  double* part = parts_.data() + piece.index * stride();
  std::fill_n(part, stride(), 0.0);
  part[0] = piece.penalty;
  std::size_t column = first_metric();
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const CompiledOutput& output = outputs_[i];
    if (output.loss) {
      const bool together = batch_->order == nullptr && batch_->samples.targets[i].weight.empty() && !output.masked;
      const std::int64_t step = together ? piece.samples : 1;
      for (std::int64_t s = 0; s < piece.samples; s += step) measure(piece, i, s, step, part, column);
    } else if (gradient(piece, i) != nullptr) {
      std::fill_n(piece.output_gradients[i]->data, piece.output_gradients[i]->size(), 0.0f);
    }
    column += 2 * (output.metrics.size() + output.weighted_metrics.size());
  }
}

// Samples `first` to `first + samples` of the piece.
void Measure::measure(const Piece& piece, std::size_t i, std::int64_t first, std::int64_t samples, double* part,
                      std::size_t column) const {
  const CompiledOutput& output = outputs_[i];
  const Target& target = batch_->samples.targets[i];
  const std::int64_t sample = batch_->sample(piece.first + first);
  const std::int64_t size = target.rows * target.features;
  LossCall call{.rows = samples * target.rows,
                .features = target.features,
                .target_features = target.row_features,
                .target = target.data(sample),
                .prediction = piece.outputs[i]->data + first * size};
  // A mask, and weights of the rows, are weights of the rows; a weight of the sample is a factor.
  const Block* own_mask = piece.outputs[i]->mask;
  const float* mask = own_mask == nullptr ? nullptr : own_mask->data + first * target.rows;
  call.weight = mask;
  for (const Metric& metric : output.metrics) {
    metric.accumulate(call, part[column], part[column + 1]);
    column += 2;
  }

  double factor = 1.0;
  if (!target.weight.empty()) {
    const float* weights = target.weight.data() + sample * target.weights;
    if (target.weights == 1)
      factor = weights[0];
    else
      call.weight = mask == nullptr ? weights : masked_weights(piece, mask, weights, target.rows);
  }
  for (const Metric& metric : output.weighted_metrics) {
    double total = 0.0, count = 0.0;
    metric.accumulate(call, total, count);
    part[column] += factor * total;
    part[column + 1] += factor * count;
    column += 2;
  }

  // The loss is the mean over all rows of the batch; a weight does not change what is divided by.
  if (mask != nullptr || output.loss->ignores_some()) factor *= share(i);
  if (float* all = gradient(piece, i)) call.gradient = all + first * size;
  call.scale = factor * output.loss_weight / static_cast<double>(batch_->count * target.rows);
  part[1 + i] += factor * (*output.loss)(call);
}

// Rows that do not count leave the others to count so much more that the mean is one over those; as in Keras.
double Measure::share(std::size_t i) const {
  const double counted = counted_rows_[i];
  return counted == 0.0 ? 0.0 : static_cast<double>(batch_->count * batch_->samples.targets[i].rows) / counted;
}

const float* Measure::masked_weights(const Piece& piece, const float* mask, const float* weights,
                                     std::int64_t rows) const {
  float* result = row_weights_.data() + piece.index * most_rows_;
  std::transform(mask, mask + rows, weights, result, std::multiplies<>());
  return result;
}

}  // namespace xl
