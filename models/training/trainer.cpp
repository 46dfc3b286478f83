#include "xlayers/models/training/trainer.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/random.hpp"
#include "xlayers/framework/engine/program.hpp"
#include "xlayers/models/model/model_base.hpp"

namespace xl {

// Takes the losses, their gradients and the metrics of each piece, and keeps them apart so that they can be added up in the
// order of the pieces.
class Trainer::Measure final : public PieceVisitor {
 public:
  explicit Measure(const Trainer& trainer) : trainer_(trainer), valid_(trainer.outputs_.size()) {}

  void begin(const Samples& samples, const std::int64_t* order, std::int64_t first, std::int64_t count,
             std::int64_t pieces) {
    samples_ = &samples;
    order_ = order;
    first_ = first;
    count_ = count;
    parts_.resize(static_cast<std::size_t>(pieces) * stride());
    rows_ = 0;
    for (const Target& target : samples.targets) rows_ = std::max(rows_, target.rows);
    row_weights_.resize(trainer_.masks_alone_ ? static_cast<std::size_t>(pieces * rows_) : 0);
  }
  /// How many rows of the batch's output count, of one that not all rows of do.
  void set_valid(std::size_t output, double rows) { valid_[output] = rows; }
  /// Whether the loss has a place for the target of sample i of the batch, row `row`.
  bool counts(std::size_t output, std::int64_t i, std::int64_t row) const {
    const CompiledOutput& compiled = trainer_.outputs_[output];
    const Target& target = samples_->targets[output];
    return !compiled.loss || !compiled.loss->ignores_some() ||
           !compiled.loss->ignores(target.data(sample(i)) + row * target.row_features);
  }

  void operator()(const Piece& piece) const override {
    double* part = parts_.data() + piece.index * stride();
    std::fill_n(part, stride(), 0.0);
    part[0] = piece.penalty;
    std::size_t column = first_metric();
    for (std::size_t i = 0; i < trainer_.outputs_.size(); ++i) {
      const CompiledOutput& output = trainer_.outputs_[i];
      if (output.loss) {
        const bool together =
            order_ == nullptr && samples_->targets[i].weight.empty() && piece.outputs[i]->mask == nullptr;
        const std::int64_t step = together ? piece.samples : 1;
        for (std::int64_t s = 0; s < piece.samples; s += step) measure(piece, i, s, step, part, column);
      } else if (gradient(piece, i) != nullptr) {
        std::fill_n(piece.output_gradients[i]->data, piece.output_gradients[i]->size(), 0.0f);
      }
      column += 2 * (output.metrics.size() + output.weighted_metrics.size());
    }
  }

  // Sums over the pieces: a penalty, the loss of each output, and total and count of each metric.
  std::size_t first_metric() const { return 1 + trainer_.outputs_.size(); }
  std::size_t stride() const { return first_metric() + 2 * trainer_.metrics_; }
  double sum(std::size_t column) const {
    double sum = 0.0;
    for (std::size_t i = column; i < parts_.size(); i += stride()) sum += parts_[i];
    return sum;
  }
  /// The mean over the rows of the batch of an output's loss.
  double loss(std::size_t output) const {
    return sum(1 + output) / static_cast<double>(count_ * samples_->targets[output].rows);
  }

 private:
  // Which sample of the data is number i of the batch.
  std::int64_t sample(std::int64_t i) const {
    return order_ == nullptr ? samples_->first + first_ + i : order_[first_ + i];
  }

  static float* gradient(const Piece& piece, std::size_t output) {
    return piece.output_gradients.empty() ? nullptr : piece.output_gradients[output]->data;
  }

  // Samples s to s + samples of the piece.
  void measure(const Piece& piece, std::size_t i, std::int64_t s, std::int64_t samples, double* part,
               std::size_t column) const {
    const CompiledOutput& output = trainer_.outputs_[i];
    const Target& target = samples_->targets[i];
    const std::int64_t sample = this->sample(piece.first + s);
    const std::int64_t size = target.rows * target.features;
    LossCall call{.rows = samples * target.rows,
                  .features = target.features,
                  .target_features = target.row_features,
                  .target = target.data(sample),
                  .prediction = piece.outputs[i]->data + s * size};
    // A mask, and weights of the rows, are weights of the rows; a weight of the sample is a factor.
    const Block* own_mask = piece.outputs[i]->mask;
    const float* mask = own_mask == nullptr ? nullptr : own_mask->data + s * target.rows;
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
    if (float* all = gradient(piece, i)) call.gradient = all + s * size;
    call.scale = factor * output.loss_weight / static_cast<double>(count_ * target.rows);
    part[1 + i] += factor * (*output.loss)(call);
  }

  // Rows that do not count leave the others to count so much more that the mean is one over those; as in Keras.
  double share(std::size_t i) const {
    return valid_[i] == 0.0 ? 0.0 : static_cast<double>(count_ * samples_->targets[i].rows) / valid_[i];
  }

  const float* masked_weights(const Piece& piece, const float* mask, const float* weights, std::int64_t rows) const {
    float* result = row_weights_.data() + piece.index * rows_;
    std::transform(mask, mask + rows, weights, result, std::multiplies<>());
    return result;
  }

  const Trainer& trainer_;
  const Samples* samples_ = nullptr;
  const std::int64_t* order_ = nullptr;
  std::int64_t first_ = 0, count_ = 0, rows_ = 0;
  std::vector<double> valid_;
  mutable std::vector<double> parts_;       // each piece writes its own
  mutable std::vector<float> row_weights_;  // the same
};

Trainer::Trainer(const ModelBase& model, std::shared_ptr<const Executor> executor, const CompileOptions& options,
                 std::uint64_t seed)
    : model_(model),
      executor_(std::move(executor)),
      outputs_(model, options),
      optimizer_(options.optimizer),
      seed_(seed) {
  for (std::size_t i = 0; i < outputs_.size(); ++i)
    metrics_ += outputs_[i].metrics.size() + outputs_[i].weighted_metrics.size();

  const Graph& graph = model.graph();
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const TensorSpec& output = graph.outputs[i].spec();
    if (output.mask) masked_.push_back(i);
    if (output.mask && outputs_[i].loss && output.mask->rank() + 1 != output.shape.rank())
      throw ShapeError(model.label() + "expected an output whose mask says which of its rows count, got an output " +
                       to_string(output.shape) + " with a mask " + to_string(*output.mask));
  }
  if (std::optional<Program> masks = lower_masks(graph.inputs, graph.outputs))
    masks_alone_ = std::make_unique<Executor>(std::move(*masks));

  const Program& program = executor_->program();
  gradients_.resize(static_cast<std::size_t>(program.gradient_size) + 1);  // not empty without weights either
  std::vector<std::int64_t> sizes;
  for (const Program::WeightPlace& place : program.weights) {
    if (place.gradient < 0) continue;
    weights_.push_back(place.weight);
    shapes_.push_back(shape(place.weight->value));
    sizes.push_back(place.weight->size());
    updates_.push_back({.weight = place.weight->value.data(),
                        .gradient = gradients_.data() + place.gradient,
                        .size = place.weight->size(),
                        .shape = nullptr,
                        .constraint = place.weight->constraint ? &place.weight->constraint : nullptr,
                        .decays = optimizer_.decays(place.weight->name)});
  }
  for (std::size_t i = 0; i < updates_.size(); ++i) updates_[i].shape = &shapes_[i];
  optimizer_.build(sizes);
  training_measure_ = std::make_unique<Measure>(*this);
}

Trainer::~Trainer() = default;

Samples Trainer::check(const Data& x, const Data& y, const Data& weight,
                       const std::map<int, float>& class_weight) const {
  return Samples(model_, *executor_, outputs_, x, y, weight, class_weight);
}

Totals Trainer::no_totals() const {
  Totals totals;
  totals.losses = Scores::Values(outputs_.size(), 0.0);
  totals.metric_totals = totals.metric_counts = Scores::Values(metrics_, 0.0);
  return totals;
}

Scores Trainer::scores(const Totals& totals) const {
  Scores::Values values(names()->size());
  const auto mean = [&](double sum) { return totals.samples == 0.0 ? 0.0 : sum / totals.samples; };
  std::size_t next = 0;
  values[next++] = mean(totals.loss);
  for (std::size_t i = 0; outputs_.names_losses() && i < outputs_.size(); ++i)
    if (outputs_[i].loss) values[next++] = mean(totals.losses[i]);
  // The totals are output by output, with the weighted ones behind each; the names have those at the end.
  for (const bool weighted : {false, true}) {
    std::size_t m = 0;
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      for (const Metric& metric : outputs_[i].metrics) {
        if (!weighted) values[next++] = metric.result(totals.metric_totals[m], totals.metric_counts[m]);
        ++m;
      }
      for (const Metric& metric : outputs_[i].weighted_metrics) {
        if (weighted) values[next++] = metric.result(totals.metric_totals[m], totals.metric_counts[m]);
        ++m;
      }
    }
  }
  return Scores(names(), std::move(values));
}

namespace {

// Adds up the masks that come out, each output's by itself. `weight(mask, sample, row)` says what a row counts.
template <class Weight>
class CountValid final : public PieceVisitor {
 public:
  CountValid(std::size_t masks, std::int64_t pieces, Weight weight)
      : masks_(masks), counts_(masks * pieces), weight_(weight) {}
  void operator()(const Piece& piece) const override {
    for (std::size_t i = 0; i < masks_; ++i) {
      const Block& mask = *piece.outputs[i];
      const std::int64_t rows = mask.sample_size();
      for (std::int64_t k = 0; k < mask.size(); ++k)
        counts_[piece.index * masks_ + i] += mask.data[k] * weight_(i, piece.first + k / rows, k % rows);
    }
  }
  double count(std::size_t mask) const {
    double sum = 0.0;
    for (std::size_t i = mask; i < counts_.size(); i += masks_) sum += counts_[i];
    return sum;
  }

 private:
  std::size_t masks_;
  mutable std::vector<double> counts_;  // each piece writes its own
  Weight weight_;
};

}  // namespace

void Trainer::run(const Samples& samples, const std::int64_t* order, std::int64_t first, std::int64_t count,
                  float* gradients, std::uint64_t step, Measure& measure) const {
  const bool training = gradients != nullptr;
  const Few<const float*> inputs = samples.inputs.from(order == nullptr ? samples.first + first : 0);
  Run run;
  run.batch = count;
  run.inputs = inputs;
  run.order = order == nullptr ? nullptr : order + first;
  const std::shared_ptr<PreparedPlan> prepared =
      executor_->prepare(samples.inputs.shapes, {.training = training, .backward = training});
  const Plan& plan = plan_of(*prepared);
  const auto is_masked = [&](std::size_t output) {
    return plan.slots()[executor_->program().outputs[output]].mask >= 0;
  };
  measure.begin(samples, order, first, count, plan.pieces(count));

  // What a loss of some rows is divided by has to be known before the first gradient.
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    if (!outputs_[i].loss || !outputs_[i].loss->ignores_some() || is_masked(i)) continue;
    double valid = 0.0;
    for (std::int64_t s = 0; s < count; ++s)
      for (std::int64_t row = 0; row < samples.targets[i].rows; ++row) valid += measure.counts(i, s, row);
    measure.set_valid(i, valid);
  }
  if (masks_alone_) {
    const std::shared_ptr<PreparedPlan> masks = masks_alone_->prepare(samples.inputs.shapes, {});
    const CountValid valid(masked_.size(), plan_of(*masks).pieces(count),
                           [&](std::size_t mask, std::int64_t sample, std::int64_t row) {
                             return is_masked(masked_[mask]) && measure.counts(masked_[mask], sample, row) ? 1.0 : 0.0;
                           });
    run.visitor = &valid;
    masks_alone_->run(*masks, run);
    for (std::size_t k = 0; k < masked_.size(); ++k)
      if (is_masked(masked_[k])) measure.set_valid(masked_[k], valid.count(k));
  }
  run.visitor = &measure;
  run.gradients = gradients;
  run.seed = Random(seed_, Purpose::dropout, step).bits64(0);
  run.step = step;
  executor_->run(*prepared, run);
}

// loss = the sum over the outputs of loss weight * (sum over the rows) / rows, + what regularisers add
double Trainer::add_batch(const Measure& measure, std::int64_t count, Totals& totals) const {
  const auto samples = static_cast<double>(count);
  double loss = measure.sum(0) + weight_penalty();
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    if (!outputs_[i].loss) continue;
    const double own = measure.loss(i);
    loss += outputs_[i].loss_weight * own;
    totals.losses[i] += own * samples;
  }
  totals.loss += loss * samples;
  totals.samples += samples;
  for (std::size_t i = 0; i < metrics_; ++i) {
    totals.metric_totals[i] += measure.sum(measure.first_metric() + 2 * i);
    totals.metric_counts[i] += measure.sum(measure.first_metric() + 2 * i + 1);
  }
  return loss;
}

bool Trainer::train_batch(const Samples& samples, const std::int64_t* order, std::int64_t first, std::int64_t count,
                          Totals& totals) {
  run(samples, order, first, count, gradients_.data(), steps_++, *training_measure_);
  if (!std::isfinite(add_batch(*training_measure_, count, totals))) return false;
  step();
  return true;
}

void Trainer::test_batch(const Samples& samples, std::int64_t first, std::int64_t count, Totals& totals) const {
  std::unique_ptr<Measure> measure;
  {
    const std::lock_guard lock(measures_mutex_);
    if (!measures_.empty()) {
      measure = std::move(measures_.back());
      measures_.pop_back();
    }
  }
  if (!measure) measure = std::make_unique<Measure>(*this);
  run(samples, nullptr, first, count, nullptr, 0, *measure);
  add_batch(*measure, count, totals);
  const std::lock_guard lock(measures_mutex_);
  measures_.push_back(std::move(measure));
}

double Trainer::weight_penalty() const {
  double penalty = 0.0;
  for (const Weight* weight : weights_)
    if (weight->regularizer) penalty += weight->regularizer.penalty({weight->value.data(), weight->value.size()});
  return penalty;
}

void Trainer::step() {
  for (std::size_t i = 0; i < weights_.size(); ++i)
    if (weights_[i]->regularizer)
      weights_[i]->regularizer.add_gradient({weights_[i]->value.data(), weights_[i]->value.size()},
                                            {updates_[i].gradient, weights_[i]->value.size()});
  optimizer_.apply(updates_);
}

void Trainer::shuffle(std::vector<std::int64_t>& order) {
  Random(seed_, Purpose::shuffle, epochs_shuffled_++).permutation(order);
}

}  // namespace xl
