// What drops: on every instruction set the numbers of the random stream, wherever a range begins.

#include "xlayers/framework/kernels/dropout.hpp"

#include "kernel_testing.hpp"
#include "xlayers/framework/base/random.hpp"

namespace xl::kernels {
namespace {

using namespace testing_kernels;

class DropoutKernel : public KernelTest {};
XL_ON_EVERY_INSTRUCTION_SET(DropoutKernel);

// Number i has 16 bits: the lower or the upper half of one with 32.
std::uint32_t number(const Dropout& call, std::uint64_t i) {
  return xl::Random(call.seed, call.stream).bits32(i / 2) >> (i % 2 * 16) & 0xffff;
}

TEST_P(DropoutKernel, DropsWhereTheNumberIsSmall) {
  Dropout call{.seed = 0x123456789abcdef0, .stream = 0x0300000012345678, .dropped = 20000, .scale = 1.5f};
  testing_kernels::Random random;
  for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{13}, std::uint64_t{4096},
                                    (std::uint64_t{1} << 35) - 100, (std::uint64_t{1} << 60) + 7})
    for (const std::int64_t n : {0, 1, 3, 8, 17, 63, 64, 511, 1025, 2500}) {
      call.first = first;
      Guarded x(n, 1), y(n, 3);
      random.fill(x);
      dropout(n, call, x.data(), y.data());
      for (std::int64_t i = 0; i < n; ++i) {
        const bool drops = number(call, first + static_cast<std::uint64_t>(i)) < call.dropped;
        ASSERT_EQ(y[i], drops ? 0.0f : 1.5f * x[i]) << "first " << first << ", number " << i << " of " << n;
      }
      EXPECT_TRUE(y.intact());
      dropout(n, call, x.data(), x.data());
      EXPECT_TRUE(same_bits(x.data(), y.data(), n));
      EXPECT_TRUE(x.intact());
    }
}

TEST_P(DropoutKernel, NoneAndAll) {
  Guarded x(300, 0, 2.0f), y(300, 0);
  dropout(300, {.dropped = 0, .scale = 3.0f}, x.data(), y.data());
  for (int i = 0; i < 300; ++i) EXPECT_EQ(y[i], 6.0f);
  dropout(300, {.dropped = 1 << 16, .scale = 3.0f}, x.data(), y.data());
  for (int i = 0; i < 300; ++i) EXPECT_EQ(y[i], 0.0f);
}

TEST_P(DropoutKernel, WhatIsNoNumberDropsToo) {
  const Dropout call{.seed = 5, .dropped = 1 << 15, .scale = 2.0f};
  Guarded x(200, 0), y(200, 0);
  for (int i = 0; i < 200; ++i) x[i] = i % 2 == 0 ? nan : infinity;
  dropout(200, call, x.data(), y.data());
  for (int i = 0; i < 200; ++i) {
    if (number(call, static_cast<std::uint64_t>(i)) < call.dropped)
      EXPECT_EQ(y[i], 0.0f);
    else
      EXPECT_FALSE(std::isfinite(y[i]));
  }
}

}  // namespace
}  // namespace xl::kernels
