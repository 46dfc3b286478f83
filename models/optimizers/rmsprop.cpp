#include "xlayers/models/optimizers/rmsprop.hpp"

#include "xlayers/framework/kernels/vector.hpp"
#include "xlayers/models/optimizers/optimizer_impl.hpp"

namespace xl {

static void serialize(Archive& archive, RMSpropOptions& options) {
  detail::serialize_common(archive, options)("rho", options.rho)("momentum", options.momentum)(
      "epsilon", options.epsilon)("centered", options.centered);
}

namespace {

class RmspropImpl : public detail::OptimizerOf<RMSpropOptions> {
 public:
  explicit RmspropImpl(const RMSpropOptions& options) : OptimizerOf(options) {
    const auto fraction = [](double value) { return value >= 0 && value <= 1; };
    check("rho", options.rho, fraction(options.rho), "a number in [0, 1]");
    check("momentum", options.momentum, fraction(options.momentum), "a number in [0, 1]");
    check("epsilon", options.epsilon, options.epsilon >= 0, "a number from 0 on");
    step_.rho = static_cast<float>(options.rho);
    step_.one_minus_rho = static_cast<float>(1 - options.rho);
    step_.momentum = static_cast<float>(options.momentum);
    step_.epsilon = static_cast<float>(options.epsilon);
  }

  // Keras' order: v of all weights, then, with momentum, m of all, then, if centered, a of all.
  std::vector<Slot> layout(std::int64_t weights) const override {
    std::vector<Slot> result;
    const auto add = [&](const char* name) {
      for (std::int64_t i = 0; i < weights; ++i) result.push_back({name, i, {}});
    };
    add("velocity");
    if (has_momentum()) add("momentum");
    if (options_.centered) add("average_gradient");
    return result;
  }

 protected:
  void begin_step(float rate) override { step_.rate = rate; }

  // v = rho v + (1 - rho) g^2,  w = w - rate g / sqrt(v + epsilon), or with momentum
  // m = momentum m + rate g / sqrt(v + epsilon),  w = w - m;  centered: a = rho a + (1 - rho) g, v - a^2 for v
  void update(const Update& part, std::size_t index, std::int64_t first, float) const override {
    const std::size_t weights = slots.size() / (1 + has_momentum() + options_.centered);
    float* v = slots[index].values.data() + first;
    float* m = has_momentum() ? slots[weights + index].values.data() + first : nullptr;
    float* a = options_.centered ? slots[slots.size() - weights + index].values.data() + first : nullptr;
    kernels::rmsprop_update(part.size, step_, part.gradient, v, m, a, part.weight);
  }

 private:
  bool has_momentum() const { return options_.momentum > 0; }

  kernels::RmspropStep step_{};
};

}  // namespace

static auto implement(const RMSpropOptions& options) { return std::make_shared<RmspropImpl>(options); }

template class Configured<Optimizer, RMSpropOptions>;

}  // namespace xl
