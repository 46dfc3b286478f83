#include "xlayers/models/detail/trainer.hpp"

#include <algorithm>
#include <cmath>

#include "xlayers/framework/errors.hpp"
#include "xlayers/framework/random.hpp"
#include "xlayers/models/detail/model_base.hpp"

namespace xl {

// Takes the loss, its gradient and the metrics of each piece, and keeps them apart so that they can be added up
// in the order of the pieces.
class Trainer::Measure final : public PieceVisitor {
 public:
  explicit Measure(const Trainer& trainer) : trainer_(trainer) {}

  void begin(const Samples& samples, const std::int64_t* order, std::int64_t first, std::int64_t count,
             std::int64_t pieces) {
    samples_ = &samples;
    order_ = order;
    first_ = first;
    count_ = count;
    parts_.resize(static_cast<std::size_t>(pieces) * stride());
  }

  void operator()(const Piece& piece) const override {
    double* part = parts_.data() + piece.index * stride();
    std::fill_n(part, stride(), 0.0);
    part[0] = piece.penalty;
    const bool together = order_ == nullptr && samples_->weight == nullptr;
    const std::int64_t step = together ? piece.samples : 1;
    for (std::int64_t s = 0; s < piece.samples; s += step) measure(piece, s, step, part);
  }

  // Sums over the pieces: a penalty, the loss, and total and count of each metric.
  std::size_t stride() const { return 2 + 2 * trainer_.metrics_.size(); }
  double sum(std::size_t column) const {
    double sum = 0.0;
    for (std::size_t i = column; i < parts_.size(); i += stride()) sum += parts_[i];
    return sum;
  }

 private:
  void measure(const Piece& piece, std::int64_t s, std::int64_t samples, double* part) const {
    const std::int64_t row = first_ + piece.first + s;
    const std::int64_t sample = order_ == nullptr ? row : order_[row];
    const std::int64_t rows = samples_->rows, features = samples_->features, size = rows * features;
    // The mean over all rows of the batch; a weight does not change what is divided by.
    const double scale = 1.0 / static_cast<double>(count_ * rows);
    const bool weight_a_row = samples_->weight != nullptr && samples_->weights_per_sample > 1;
    const bool weight_a_sample = samples_->weight != nullptr && !weight_a_row;
    const double weight = weight_a_sample ? samples_->weight[sample] : 1.0;
    LossCall call{.rows = samples * rows,
                  .features = features,
                  .target = samples_->y + sample * size,
                  .prediction = piece.outputs[0]->data + s * size};
    for (std::size_t i = 0; i < trainer_.metrics_.size(); ++i)
      trainer_.metrics_[i].accumulate(call, part[2 + 2 * i], part[3 + 2 * i]);
    if (weight_a_row) call.weight = samples_->weight + sample * rows;
    if (!piece.output_gradients.empty() && piece.output_gradients[0]->data != nullptr)
      call.gradient = piece.output_gradients[0]->data + s * size;
    call.scale = weight * scale;
    part[1] += weight * trainer_.loss_(call);
  }

  const Trainer& trainer_;
  const Samples* samples_ = nullptr;
  const std::int64_t* order_ = nullptr;
  std::int64_t first_ = 0, count_ = 0;
  mutable std::vector<double> parts_;  // each piece writes its own
};

Trainer::Trainer(const ModelBase& model, std::shared_ptr<const Executor> executor, const CompileOptions& options,
                 std::uint64_t seed)
    : model_(model),
      executor_(std::move(executor)),
      loss_(*options.loss),
      metrics_(options.metrics),
      optimizer_(*options.optimizer),
      seed_(seed) {
  auto names = std::make_shared<std::vector<std::string>>(1, "loss");
  // A name that is taken gets a number, as in Keras: mse, mse_1.
  for (const Metric& metric : metrics_) {
    std::string name = metric.name();
    for (int number = 1; std::find(names->begin(), names->end(), name) != names->end(); ++number)
      name = metric.name() + "_" + std::to_string(number);
    names->push_back(name);
  }
  names_ = std::move(names);

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
                        .constraint = place.weight->constraint ? &place.weight->constraint : nullptr});
  }
  for (std::size_t i = 0; i < updates_.size(); ++i) updates_[i].shape = &shapes_[i];
  optimizer_.build(sizes);
  training_measure_ = std::make_unique<Measure>(*this);
}

Trainer::~Trainer() = default;

void Trainer::check_count(const ModelBase& model, const Tensor& x, const Tensor& y) {
  if (shape(x).empty() || shape(x)[0] == 0)
    throw ValueError(model.label() + "expected samples, got x of shape " + to_string(shape(x)));
  if (shape(y).empty() || shape(y)[0] != shape(x)[0])
    throw ShapeError(model.label() + "expected as many targets as samples, got x " + to_string(shape(x)) + " and y " +
                     to_string(shape(y)));
}

Samples Trainer::check(const Tensor& x, const Tensor& y, const Tensor& weight) const {
  model_.check_input(x);
  Samples samples;
  samples.count = shape(x)[0];
  samples.x_sample = shape(x).sample();
  samples.x = x.data();
  samples.y = y.data();
  check_count(model_, x, y);
  if (const TensorSpec& output = model_.graph().outputs[0].spec(); !output.batched)
    throw ShapeError(model_.label() + "expected an output for each sample to train or evaluate, got one for all: " +
                     to_string(output.shape));

  // The target has the output's shape; a last axis of extent 1 may be missing in either.
  const Shape inputs[] = {samples.x_sample};
  const Shape output = plan_of(*executor_->prepare(inputs, {})).output(0);
  const Shape target = shape(y).sample();
  const auto squeezed = [](Shape s) { return !s.empty() && s.back() == 1 ? Shape(s.begin(), s.end() - 1) : s; };
  if (target != output && squeezed(target) != output && target != squeezed(output))
    throw ShapeError(model_.label() + "expected targets of the output's shape " + to_string(output.with_batch(None)) +
                     ", got y " + to_string(shape(y)));
  samples.features = output.empty() ? 1 : output.back();
  samples.rows = samples.features == 0 ? 0 : output.elements() / samples.features;

  if (weight.dimension() == 0) return samples;
  const Shape weights = shape(weight);
  samples.weight = weight.data();
  samples.weights_per_sample = weights[0] == 0 ? 0 : weights.elements() / weights[0];
  if (weights[0] != samples.count || weights.rank() > 2 ||
      (samples.weights_per_sample != 1 && samples.weights_per_sample != samples.rows))
    throw ShapeError(
        model_.label() + "expected sample_weight of shape (" + std::to_string(samples.count) + ",)" +
        (samples.rows > 1 ? " or (" + std::to_string(samples.count) + ", " + std::to_string(samples.rows) + ")" : "") +
        ", got " + to_string(weights));
  return samples;
}

Totals Trainer::no_totals() const {
  Totals totals;
  totals.metric_totals = totals.metric_counts = Scores::Values(metrics_.size(), 0.0);
  return totals;
}

Scores Trainer::scores(const Totals& totals) const {
  Scores::Values values(1 + metrics_.size());
  values[0] = totals.samples == 0.0 ? 0.0 : totals.loss / totals.samples;
  for (std::size_t i = 0; i < metrics_.size(); ++i)
    values[1 + i] = metrics_[i].result(totals.metric_totals[i], totals.metric_counts[i]);
  return Scores(names_, std::move(values));
}

void Trainer::run(const Samples& samples, const std::int64_t* order, std::int64_t first, std::int64_t count,
                  float* gradients, Measure& measure) const {
  const bool training = gradients != nullptr;
  const Shape shapes[] = {samples.x_sample};
  const std::shared_ptr<PreparedPlan> prepared =
      executor_->prepare(shapes, {.training = training, .backward = training});
  measure.begin(samples, order, first, count, plan_of(*prepared).pieces(count));
  const float* inputs[] = {order == nullptr ? samples.x + first * samples.x_size() : samples.x};
  Run run;
  run.batch = count;
  run.inputs = inputs;
  run.order = order == nullptr ? nullptr : order + first;
  run.visitor = &measure;
  run.gradients = gradients;
  executor_->run(*prepared, run);
}

// loss = (sum over the rows) / rows + what regularisers add
double Trainer::add_batch(const Measure& measure, const Samples& samples, std::int64_t count, Totals& totals) const {
  const double loss = measure.sum(1) / static_cast<double>(count * samples.rows) + measure.sum(0) + weight_penalty();
  totals.loss += loss * static_cast<double>(count);
  totals.samples += static_cast<double>(count);
  for (std::size_t i = 0; i < metrics_.size(); ++i) {
    totals.metric_totals[i] += measure.sum(2 + 2 * i);
    totals.metric_counts[i] += measure.sum(3 + 2 * i);
  }
  return loss;
}

bool Trainer::train_batch(const Samples& samples, const std::int64_t* order, std::int64_t first, std::int64_t count,
                          Totals& totals) {
  run(samples, order, first, count, gradients_.data(), *training_measure_);
  if (!std::isfinite(add_batch(*training_measure_, samples, count, totals))) return false;
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
  run(samples, nullptr, first, count, nullptr, *measure);
  add_batch(*measure, samples, count, totals);
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
