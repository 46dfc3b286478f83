#include "xlayers/models/optimizers/sgd.hpp"

#include "xlayers/framework/kernels/vector.hpp"
#include "xlayers/models/optimizers/optimizer_impl.hpp"

namespace xl {

static void serialize(Archive& archive, SGDOptions& options) {
  detail::serialize_common(archive, options)("momentum", options.momentum)("nesterov", options.nesterov);
}

namespace {

class SgdImpl : public detail::OptimizerOf<SGDOptions> {
 public:
  explicit SgdImpl(const SGDOptions& options) : OptimizerOf(options) {
    check("momentum", options.momentum, options.momentum >= 0 && options.momentum <= 1, "a number in [0, 1]");
  }

  std::vector<Slot> layout(std::int64_t weights) const override {
    std::vector<Slot> result;
    if (options_.momentum == 0) return result;
    for (std::int64_t i = 0; i < weights; ++i) result.push_back({"momentum", i, {}});
    return result;
  }

 protected:
  // w = w - rate * g,  or with momentum
  // v = momentum * v - rate * g,  w = w + v,  with nesterov w = w + momentum * v - rate * g
  void update(const Update& part, std::size_t index, std::int64_t first, float rate) const override {
    const auto momentum = static_cast<float>(options_.momentum);
    if (options_.momentum == 0) {
      kernels::sgd_update(part.size, rate, part.gradient, part.weight);
    } else {
      kernels::sgd_momentum_update(part.size, rate, momentum, options_.nesterov, part.gradient,
                                   slots[index].values.data() + first, part.weight);
    }
  }
};

}  // namespace

static auto implement(const SGDOptions& options) { return std::make_shared<SgdImpl>(options); }

template class Configured<Optimizer, SGDOptions>;

}  // namespace xl
