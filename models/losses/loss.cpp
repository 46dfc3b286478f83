#include "xlayers/models/losses/loss.hpp"

#include <algorithm>
#include <bit>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/named.hpp"
#include "xlayers/framework/kernels/vector.hpp"
#include "xlayers/models/losses/loss_impl.hpp"
#include "xlayers/models/losses/probabilistic_losses.hpp"
#include "xlayers/models/losses/regression_losses.hpp"

namespace xl {
namespace {

// ---- by name ----

Named<Loss>& losses() {
  using Known = Named<Loss>;
  static Known known({.what = "loss", .module = "keras.losses", .registrar = "xl::register_loss"},
                     {
                         Known::of<MeanSquaredError>({"mean_squared_error", "mse", "MSE"}),
                         Known::of<MeanAbsoluteError>({"mean_absolute_error", "mae", "MAE"}),
                         Known::of<MeanAbsolutePercentageError>({"mean_absolute_percentage_error", "mape", "MAPE"}),
                         Known::of<MeanSquaredLogarithmicError>({"mean_squared_logarithmic_error", "msle", "MSLE"}),
                         Known::of<Huber>({"huber"}),
                         Known::of<LogCosh>({"log_cosh"}),
                         Known::of<BinaryCrossentropy>({"binary_crossentropy", "bce", "BCE"}),
                         Known::of<CategoricalCrossentropy>({"categorical_crossentropy"}),
                         Known::of<SparseCategoricalCrossentropy>({"sparse_categorical_crossentropy"}),
                         Known::of<KLDivergence>({"kl_divergence", "kld", "KLD"}),
                         Known::of<Poisson>({"poisson"}),
                     });
  return known;
}

// An object of the class and the function may have different names, as "huber_loss" and "huber".
Loss by_name(const std::string& name) {
  const Named<Loss>::Class* known = losses().find(name);
  const bool function = known != nullptr && name != known->name;
  return losses().get(name, function ? Config{{"name", known->aliases.front()}} : Config());
}

// ---- one's own ----

// What stands in a gradient before it is set: a NaN that no arithmetic makes, and that what is added to it leaves.
constexpr std::uint32_t unset = 0x7fd5e7ed;

class OwnLoss : public Loss::Impl {
 public:
  OwnLoss(std::string name, Loss::Function function, std::int64_t target_features)
      : Impl("LossFunctionWrapper", std::move(name)),
        function_(std::move(function)),
        target_features_(target_features) {}

  double evaluate(const LossCall& call) const override {
    const std::int64_t targets = target_features(call.features);
    const auto row = [](auto* first, std::int64_t r, std::int64_t size) {
      return std::span(first + r * size, static_cast<std::size_t>(size));
    };
    double total = 0.0;
    for (std::int64_t r = 0; r < call.rows; ++r) {
      const double weight = call.weight == nullptr ? 1.0 : call.weight[r];
      std::span<float> gradient;
      if (call.gradient != nullptr) gradient = row(call.gradient, r, call.features);
      std::fill(gradient.begin(), gradient.end(), std::bit_cast<float>(unset));
      total += weight * function_(row(call.target, r, targets), row(call.prediction, r, call.features), gradient);
      check_is_set(gradient);
      kernels::scale(static_cast<std::int64_t>(gradient.size()), static_cast<float>(call.scale * weight),
                     gradient.data());
    }
    return total;
  }

  std::int64_t target_features(std::int64_t features) const override {
    return target_features_ == 0 ? features : target_features_;
  }

  Config config() const override { return {{"name", name}, {"reduction", "sum_over_batch_size"}}; }

 private:
  void check_is_set(std::span<const float> gradient) const {
    const auto left = [](float value) { return std::bit_cast<std::uint32_t>(value) == unset; };
    const auto first = std::find_if(gradient.begin(), gradient.end(), left);
    if (first == gradient.end()) return;
    throw ValueError(
        "the loss '" + name + "' left gradient[" + std::to_string(first - gradient.begin()) + "] of a row of " +
        std::to_string(gradient.size()) +
        " features as it was: expected it to set all of them, unless the gradient is empty; adding to what "
        "is there does not");
  }

  const Loss::Function function_;
  const std::int64_t target_features_;
};

}  // namespace

Loss::Loss(const char* name) : Loss(losses().text(name)) {}
Loss::Loss(const std::string& name) : Loss(by_name(name)) { spelled_ = name; }

Loss Loss::own(std::string name, Function function, std::int64_t target_features) {
  losses().check_own(name, function != nullptr);
  if (target_features < 0)
    throw ValueError("the loss '" + name + "' expected a number of target features, got " +
                     std::to_string(target_features));
  Loss loss(std::make_shared<OwnLoss>(name, std::move(function), target_features));
  loss.spelled_ = std::move(name);
  return loss;
}

void register_loss(const Loss& loss) { losses().add(loss.name(), loss.class_name(), loss); }

double Loss::operator()(const LossCall& call) const {
  if (call.rows <= 0 || call.features <= 0) return 0;
  const std::int64_t given = call.target_features == 0 ? call.features : call.target_features;
  if (const std::int64_t expected = target_features(call.features); given != expected)
    throw ShapeError(error_label(class_name(), name()) + "expected targets whose last axis is " +
                     std::to_string(expected) + " for predictions with " + std::to_string(call.features) + ", got " +
                     std::to_string(given));
  return impl_->evaluate(call);
}

std::int64_t Loss::target_features(std::int64_t features) const { return impl_->target_features(features); }
bool Loss::ignores(const float* target) const { return impl_->ignores(target); }
bool Loss::ignores_some() const { return impl_->ignores_some(); }
void Loss::check_targets(const float* targets, std::int64_t rows, std::int64_t features) const {
  impl_->check_targets(targets, rows, features);
}

const std::string& Loss::name() const { return impl_->name; }
const char* Loss::class_name() const { return impl_->class_name.c_str(); }
Config Loss::get_config() const { return impl_->config(); }

Value to_value(const Loss& loss) {
  return loss.spelled_.empty() ? losses().write(loss.class_name(), loss.get_config()) : Value(loss.spelled_);
}
void from_value(const Value& value, Loss& loss) { loss = losses().read(value); }

}  // namespace xl
