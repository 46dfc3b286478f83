#include "xlayers/framework/kernels/vector.hpp"
#include "xlayers/models/optimizers/optimizer_impl.hpp"

namespace xl {

static void describe(Archive& archive, SGD::Options& options) {
  detail::describe_common(archive, options);
  archive("momentum", options.momentum)("nesterov", options.nesterov);
}

namespace {

class SgdImpl : public Optimizer::Impl {
 public:
  explicit SgdImpl(const SGD::Options& options) : Impl("SGD", options), options_(options) {
    check("momentum", options.momentum, options.momentum >= 0 && options.momentum <= 1, "a number in [0, 1]");
  }
  Config config() const override { return detail::write_config(options_, learning_rate()); }

 protected:
  std::vector<Slot> layout(std::int64_t weights) const override {
    std::vector<Slot> result;
    if (options_.momentum == 0) return result;
    for (std::int64_t i = 0; i < weights; ++i) result.push_back({"momentum", i, {}});
    return result;
  }

  // w = w - rate * g,  or with momentum
  // v = momentum * v - rate * g,  w = w + v,  with nesterov w = w + momentum * v - rate * g
  void update(const Update& update, std::size_t index, float rate) override {
    const auto momentum = static_cast<float>(options_.momentum);
    if (options_.momentum == 0) {
      kernels::sgd_update(update.size, rate, update.gradient, update.weight);
    } else {
      kernels::sgd_momentum_update(update.size, rate, momentum, options_.nesterov, update.gradient,
                                   slots[index].values.data(), update.weight);
    }
  }

 private:
  SGD::Options options_;
};

}  // namespace

SGD::SGD() : SGD(Options()) {}
SGD::SGD(const Options& options) : Optimizer(std::make_shared<SgdImpl>(options)) {}
SGD SGD::from_config(const Config& config) { return SGD(detail::read_config<Options>(config, "SGD")); }

}  // namespace xl
