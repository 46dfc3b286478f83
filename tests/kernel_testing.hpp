#pragma once

// What the tests of the kernels share.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "xlayers/framework/kernels/dispatch.hpp"

namespace xl::kernels::testing_kernels {

inline constexpr float infinity = std::numeric_limits<float>::infinity();
inline constexpr float nan = std::numeric_limits<float>::quiet_NaN();
inline constexpr float sentinel = 12345.5f;

/// Floats between two strips of sentinels, starting `offset` floats after an aligned address.
class Guarded {
 public:
  Guarded(std::int64_t size, int offset, float value = sentinel)
      : size_(static_cast<std::size_t>(size)),
        start_(strip + static_cast<std::size_t>(offset)),
        floats_(start_ + size_ + strip, sentinel) {
    for (std::size_t i = 0; i < size_; ++i) floats_[start_ + i] = value;
  }
  float* data() { return floats_.data() + start_; }
  float& operator[](std::int64_t i) { return data()[i]; }
  std::int64_t size() const { return static_cast<std::int64_t>(size_); }
  bool intact() const {
    for (std::size_t i = 0; i < floats_.size(); ++i) {
      if ((i < start_ || i >= start_ + size_) && floats_[i] != sentinel) return false;
    }
    return true;
  }

 private:
  static constexpr std::size_t strip = 80;
  std::size_t size_, start_;
  std::vector<float> floats_;
};

class Random {
 public:
  float operator()(float low = -1.0f, float high = 1.0f) {
    return std::uniform_real_distribution<float>(low, high)(engine_);
  }
  int integer(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine_); }
  bool chance() { return integer(0, 1) == 1; }
  void fill(Guarded& floats, float low = -1.0f, float high = 1.0f) {
    for (std::int64_t i = 0; i < floats.size(); ++i) floats[i] = (*this)(low, high);
  }

 private:
  std::mt19937 engine_{20261124};
};

inline bool same_bits(const float* a, const float* b, std::int64_t count) {
  return std::memcmp(a, b, static_cast<std::size_t>(count) * sizeof(float)) == 0;
}

/// A test that runs once on every instruction set that this machine has.
class KernelTest : public testing::TestWithParam<InstructionSet> {
 protected:
  void SetUp() override {
    before_ = instruction_set();
    if (!supported(GetParam())) GTEST_SKIP() << "not on this machine";
    set_instruction_set(GetParam());
    ASSERT_EQ(instruction_set(), GetParam());
  }
  void TearDown() override { set_instruction_set(before_); }

 private:
  InstructionSet before_{};
};

/// Within `bound`, absolute or relative.
inline testing::AssertionResult close(double value, double truth, double bound) {
  const double error = std::fabs(value - truth);
  if (value == truth || error <= bound * std::fmax(1.0, std::fabs(truth))) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << value << " instead of " << truth << ", off by " << error;
}

}  // namespace xl::kernels::testing_kernels

/// Runs the tests of `fixture` on each instruction set.
#define XL_ON_EVERY_INSTRUCTION_SET(fixture)                                                                        \
  INSTANTIATE_TEST_SUITE_P(Sets, fixture,                                                                           \
                           testing::Values(InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512), \
                           [](const auto& info) { return std::string(to_string(info.param)); })
