// The choice of the instruction set.

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "kernel_testing.hpp"
#include "xlayers/framework/base/errors.hpp"

namespace xl::kernels {
namespace {

using namespace testing_kernels;

TEST(InstructionSets, BaselineIsAlwaysThere) {
  EXPECT_TRUE(supported(InstructionSet::baseline));
  EXPECT_TRUE(supported(instruction_set()));
}

TEST(InstructionSets, UnsupportedIsAnError) {
  const InstructionSet before = instruction_set();
  for (InstructionSet set : {InstructionSet::avx2, InstructionSet::avx512}) {
    if (!supported(set)) {
      EXPECT_THROW(set_instruction_set(set), ValueError);
    }
  }
  EXPECT_EQ(instruction_set(), before);
}

// The choice is made once in a process, so the variable is tried in child processes.
int exit_code_with(const char* value, InstructionSet expected) {
  setenv("XLAYERS_INSTRUCTION_SET", value, 1);
  try {
    return instruction_set() == expected ? 0 : 1;
  } catch (const ValueError& error) {
    std::fputs(error.what(), stderr);
    return 2;
  }
}

TEST(InstructionSetsDeathTest, EnvironmentVariable) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  for (InstructionSet set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
    if (supported(set)) {
      EXPECT_EXIT(std::exit(exit_code_with(to_string(set), set)), testing::ExitedWithCode(0), "");
    } else {
      EXPECT_EXIT(std::exit(exit_code_with(to_string(set), set)), testing::ExitedWithCode(2),
                  "cannot run the instruction set");
    }
  }
  EXPECT_EXIT(std::exit(exit_code_with("sse9", InstructionSet::baseline)), testing::ExitedWithCode(2),
              "'sse9'; known names: baseline, avx2, avx512");
}

}  // namespace
}  // namespace xl::kernels
