// The choice of the instruction set.

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

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

#if defined(__x86_64__) && defined(__linux__)
TEST(InstructionSets, SupportedIsWhatTheProcessorSays) {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line) && !line.starts_with("flags")) {
  }
  if (line.empty()) GTEST_SKIP() << "no /proc/cpuinfo";
  const auto has = [&](const std::string& names) {
    std::istringstream wanted(names);
    for (std::string name; wanted >> name;)
      if ((line + " ").find(" " + name + " ") == std::string::npos) return false;
    return true;
  };
  EXPECT_EQ(supported(InstructionSet::avx2), has("avx2 fma"));
  EXPECT_EQ(supported(InstructionSet::avx512), has("avx512f avx512cd avx512dq avx512bw avx512vl avx2 fma"));
}
#endif

// The choice is made once in a process, so the variable is tried in child processes. Null: it is not set.
int exit_code_with(const char* value, InstructionSet expected) {
  if (value == nullptr)
    unsetenv("XLAYERS_INSTRUCTION_SET");
  else
    setenv("XLAYERS_INSTRUCTION_SET", value, 1);
  try {
    return instruction_set() == expected ? 0 : 1;
  } catch (const ValueError& error) {
    std::fputs(error.what(), stderr);
    return 2;
  }
}

TEST(InstructionSetsDeathTest, TheBestIsChosen) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  InstructionSet best = InstructionSet::baseline;
  if (supported(InstructionSet::avx2)) best = InstructionSet::avx2;
  if (supported(InstructionSet::avx512)) best = InstructionSet::avx512;
  for (const char* value : {static_cast<const char*>(nullptr), ""})
    EXPECT_EXIT(std::exit(exit_code_with(value, best)), testing::ExitedWithCode(0), "");
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
