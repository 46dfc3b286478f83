// Layers that write where they must not: builds with guards find and name them.

#include "xlayers/framework/engine/guards.hpp"

#include <gtest/gtest.h>

#include "golden.hpp"
#include "xlayers/framework/engine/gradients.hpp"
#include "xlayers/framework/graph/layer.hpp"
#include "xlayers/framework/graph/names.hpp"

namespace xl {
namespace {

using namespace testing_golden;

enum class Slip {
  none,
  before_output,
  behind_output,
  behind_saved,
  before_scratch,
  behind_scratch,
  behind_saved_again,
  behind_input_gradient,
  behind_output_gradient,
  behind_backward_scratch,
};

/// y = x; writes one float where it must not.
class Careless final : public PrimitiveLayer {
 public:
  explicit Careless(Slip slip) : slip_(slip) {}
  std::string_view class_name() const override { return "Careless"; }
  Config get_config() const override { return {}; }
  bool needs_building() const override { return false; }
  TensorSpecs outputs(const TensorSpecs& x) const override { return x; }
  Memory memory(const TensorSpecs&, bool) const override {
    return {.saved_per_sample = 3, .scratch_per_sample = 2, .scratch = 5};
  }
  void forward(const ForwardCall& call) const override {
    const Block& y = call.output();
    std::copy_n(call.input().data, y.size(), y.data);
    write(call.saved, 3 * call.samples, Slip::none, Slip::behind_saved);
    write(call.scratch, 2 * call.samples + 5, Slip::before_scratch, Slip::behind_scratch);
    write(y.data, y.size(), Slip::before_output, Slip::behind_output);
  }
  void backward(const BackwardCall& call) const override {
    const Block &dy = call.output_gradient(), &dx = *call.input_gradient();
    std::copy_n(dy.data, dx.size(), dx.data);
    write(call.saved, 3 * call.samples, Slip::none, Slip::behind_saved_again);
    write(call.scratch, 2 * call.samples + 5, Slip::none, Slip::behind_backward_scratch);
    write(dx.data, dx.size(), Slip::none, Slip::behind_input_gradient);
    write(dy.data, dy.size(), Slip::none, Slip::behind_output_gradient);
  }

 private:
  // The first and the last float that it may write; and the one beside them if it slips there.
  void write(float* data, std::int64_t size, Slip before, Slip behind) const {
    data[slip_ == before && before != Slip::none ? -1 : 0] = 1.0f;
    data[slip_ == behind ? size : size - 1] = 1.0f;
  }

  Slip slip_;
};

std::string error_with(Slip slip, std::int64_t samples) {
  auto base = std::make_shared<Careless>(slip);
  name_layer(*base, "one", true);
  const Tensor x = drawn({samples, 7}, 1);
  return error_of<ValueError>([&] { gradients(Layer(base), {x}, x); });
}

TEST(Guards, LeaveALayerAloneThatWritesItsOwn) {
  for (const std::int64_t samples : {1, 5, 70, 1100}) EXPECT_EQ(error_with(Slip::none, samples), "no error");
}

#ifdef XLAYERS_GUARDS
TEST(Guards, NameTheLayerAndWhatItWroteOutsideOf) {
  const std::pair<Slip, const char*> slips[] = {
      {Slip::before_output, "output"},
      {Slip::behind_output, "output"},
      {Slip::behind_saved, "saved memory"},
      {Slip::before_scratch, "scratch"},
      {Slip::behind_scratch, "scratch"},
      {Slip::behind_saved_again, "saved memory"},
      {Slip::behind_input_gradient, "input's gradient"},
      {Slip::behind_output_gradient, "output's gradient"},
      {Slip::behind_backward_scratch, "scratch"},
  };
  for (const auto& [slip, name] : slips)
    for (const std::int64_t samples : {1, 5, 70, 1100})
      EXPECT_EQ(error_with(slip, samples), std::string("[Careless 'one'] wrote outside of its ") + name)
          << samples << " samples";
}
#endif

}  // namespace
}  // namespace xl
