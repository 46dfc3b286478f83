#include "xlayers/models/losses/loss.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <mutex>
#include <string_view>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/keras_function.hpp"
#include "xlayers/framework/config/keras_object.hpp"
#include "xlayers/framework/kernels/vector.hpp"
#include "xlayers/models/losses/loss_impl.hpp"

namespace xl {
namespace {

// ---- the losses by name ----

template <class Class>
Loss from_config(const Config& config) {
  return Class::from_config(config);
}

struct Known {
  const char* class_name;
  std::string_view functions[3];  // empty ones at the end
  Loss (*from_config)(const Config& config);
};

constexpr Known known[] = {
    {"MeanSquaredError", {"mean_squared_error", "mse", "MSE"}, from_config<MeanSquaredError>},
    {"MeanAbsoluteError", {"mean_absolute_error", "mae", "MAE"}, from_config<MeanAbsoluteError>},
    {"MeanAbsolutePercentageError",
     {"mean_absolute_percentage_error", "mape", "MAPE"},
     from_config<MeanAbsolutePercentageError>},
    {"MeanSquaredLogarithmicError",
     {"mean_squared_logarithmic_error", "msle", "MSLE"},
     from_config<MeanSquaredLogarithmicError>},
    {"Huber", {"huber"}, from_config<Huber>},
    {"LogCosh", {"log_cosh"}, from_config<LogCosh>},
    {"BinaryCrossentropy", {"binary_crossentropy", "bce", "BCE"}, from_config<BinaryCrossentropy>},
    {"CategoricalCrossentropy", {"categorical_crossentropy"}, from_config<CategoricalCrossentropy>},
    {"SparseCategoricalCrossentropy", {"sparse_categorical_crossentropy"}, from_config<SparseCategoricalCrossentropy>},
    {"KLDivergence", {"kl_divergence", "kld", "KLD"}, from_config<KLDivergence>},
    {"Poisson", {"poisson"}, from_config<Poisson>},
};

/// The loss with this class name, or also function name; or nullptr.
const Known* find(std::string_view name, bool functions) {
  for (const Known& entry : known) {
    if (name == entry.class_name) return &entry;
    for (const std::string_view function : entry.functions)
      if (functions && !function.empty() && name == function) return &entry;
  }
  return nullptr;
}

/// Those of users.
struct Registry {
  std::mutex mutex;
  std::map<std::string, Loss> losses;
};
Registry& registry() {
  static Registry registry;
  return registry;
}

[[noreturn]] void fail_unknown(const std::string& name, bool functions) {
  std::string names;
  const auto list = [&](std::string_view known) { names += (names.empty() ? "" : ", ") + std::string(known); };
  for (const Known& entry : known) {
    list(entry.class_name);
    for (const std::string_view function : entry.functions)
      if (functions && !function.empty()) list(function);
  }
  if (functions) {
    const std::lock_guard lock(registry().mutex);
    for (const auto& [own, loss] : registry().losses) list(own);
  }
  throw ValueError("unknown loss '" + name + "'; there are: " + names +
                   (functions ? " (a loss of one's own is made known by xl::register_loss)" : ""));
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

Loss::Loss(const char* name) : Loss(std::string(name)) {}
Loss::Loss(const std::string& name) {
  if (const Known* entry = find(name, true)) {
    // An object of the class and the function may have different names, as "huber_loss" and "huber".
    *this = entry->from_config(name == entry->class_name ? Config() : Config{{"name", entry->functions[0]}});
    spelled_ = name;
    return;
  }
  {
    const std::lock_guard lock(registry().mutex);
    const auto found = registry().losses.find(name);
    if (found != registry().losses.end()) impl_ = found->second.impl_;
  }
  if (!impl_) fail_unknown(name, true);
  spelled_ = name;
}

Loss Loss::own(std::string name, Function function, std::int64_t target_features) {
  if (name.empty()) throw ValueError("a loss of one's own needs a name");
  if (find(name, true) != nullptr) throw ValueError("the name '" + name + "' is that of a loss of Keras");
  if (!function) throw ValueError("the loss '" + name + "' has no function");
  if (target_features < 0)
    throw ValueError("the loss '" + name + "' expected a number of target features, got " +
                     std::to_string(target_features));
  Loss loss(std::make_shared<OwnLoss>(name, std::move(function), target_features));
  loss.spelled_ = std::move(name);
  return loss;
}

void register_loss(const Loss& loss) {
  if (find(loss.name(), true) != nullptr || find(loss.class_name(), false) != nullptr)
    throw ValueError("the loss '" + loss.name() + "' is one of Keras: there is no need to register it");
  const std::lock_guard lock(registry().mutex);
  registry().losses.insert_or_assign(loss.name(), loss);
}

double Loss::operator()(const LossCall& call) const {
  if (call.rows <= 0 || call.features <= 0) return 0;
  const std::int64_t given = call.target_features == 0 ? call.features : call.target_features;
  if (const std::int64_t expected = target_features(call.features); given != expected)
    throw ShapeError("[" + std::string(class_name()) + " '" + name() + "'] expected targets whose last axis is " +
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
const char* Loss::class_name() const { return impl_->class_name; }
Config Loss::get_config() const { return impl_->config(); }

Value to_value(const Loss& loss) {
  if (!loss.spelled_.empty()) return loss.spelled_;
  return to_keras_object("keras.losses", loss.class_name(), loss.get_config());
}

void from_value(const Value& value, Loss& loss) {
  if (const std::optional<std::string> function = detail::keras_function(value)) {
    loss = Loss(*function);
    return;
  }
  const KerasObject object = from_keras_object(value, "a loss");
  const Known* entry = find(object.class_name, false);
  if (entry == nullptr) fail_unknown(object.class_name, false);
  loss = entry->from_config(object.config);
}

}  // namespace xl
