#include "xlayers/models/optimizers/adam.hpp"

#include <cmath>
#include <type_traits>

#include "xlayers/framework/kernels/vector.hpp"
#include "xlayers/models/optimizers/optimizer_impl.hpp"

namespace xl {

// Adam and AdamW have the same options and the same rule, and differ in the decay that they begin with.
template <class Options>
concept AnyAdam = std::is_same_v<Options, AdamOptions> || std::is_same_v<Options, AdamWOptions>;

template <AnyAdam Options>
static void serialize(Archive& archive, Options& options) {
  detail::serialize_common(archive, options)("beta_1", options.beta_1)("beta_2", options.beta_2);
  archive("epsilon", options.epsilon)("amsgrad", options.amsgrad);
}

namespace {

template <AnyAdam Options>
class AdamImpl : public detail::OptimizerOf<Options> {
  using Base = detail::OptimizerOf<Options>;
  using Base::check, Base::iterations, Base::options_, Base::slots;
  using typename Base::Slot, typename Base::Update;

 public:
  explicit AdamImpl(const Options& options) : Base(options) {
    const auto fraction = [](double beta) { return beta >= 0 && beta < 1; };
    check("beta_1", options.beta_1, fraction(options.beta_1), "a number in [0, 1)");
    check("beta_2", options.beta_2, fraction(options.beta_2), "a number in [0, 1)");
    check("epsilon", options.epsilon, options.epsilon >= 0, "a number from 0 on");
    step_.one_minus_beta_1 = static_cast<float>(1 - options.beta_1);
    step_.one_minus_beta_2 = static_cast<float>(1 - options.beta_2);
    step_.epsilon = static_cast<float>(options.epsilon);
  }

  // Keras' order: m and v of each weight, then, for amsgrad, the largest v of each.
  std::vector<Slot> layout(std::int64_t weights) const override {
    std::vector<Slot> result;
    for (std::int64_t i = 0; i < weights; ++i) {
      result.push_back({"momentum", i, {}});
      result.push_back({"velocity", i, {}});
    }
    for (std::int64_t i = 0; options_.amsgrad && i < weights; ++i) {
      result.push_back({"velocity_hat", i, {}});
    }
    return result;
  }

 protected:
  // alpha = rate * sqrt(1 - beta_2^t) / (1 - beta_1^t)
  void begin_step(float rate) override {
    const auto t = static_cast<double>(iterations + 1);
    const double correction = std::sqrt(1 - std::pow(options_.beta_2, t)) / (1 - std::pow(options_.beta_1, t));
    step_.alpha = static_cast<float>(rate * correction);
  }

  // m = m + (1 - beta_1) (g - m),  v = v + (1 - beta_2) (g^2 - v),  w = w - alpha m / (sqrt(v) +
  // epsilon)
  void update(const Update& part, std::size_t index, std::int64_t first, float) const override {
    float* m = slots[2 * index].values.data() + first;
    float* v = slots[2 * index + 1].values.data() + first;
    // The largest velocities follow those two of every weight.
    float* v_hat = options_.amsgrad ? slots[slots.size() / 3 * 2 + index].values.data() + first : nullptr;
    kernels::adam_update(part.size, step_, part.gradient, m, v, v_hat, part.weight);
  }

 private:
  kernels::AdamStep step_{};
};

}  // namespace

template <AnyAdam Options>
static auto implement(const Options& options) {
  return std::make_shared<AdamImpl<Options>>(options);
}

template class Configured<Optimizer, AdamOptions>;
template class Configured<Optimizer, AdamWOptions>;

}  // namespace xl
