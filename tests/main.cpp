// The test program. Where ctest deals the tests out to several runs, they run in a process of their own: a crash, or a
// sanitizer's report, is the failure of the test that ran, and those behind it go on in another process.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

/// Writes what happens in the child, a line each: `?NAME` will run, `+NAME` begins, `-NAME` has ended, `.` all have.
class Reporter : public testing::EmptyTestEventListener {
 public:
  explicit Reporter(int pipe) : pipe_(::fdopen(pipe, "w")) {}

 private:
  void OnTestProgramStart(const testing::UnitTest& all) override {
    for (int s = 0; s < all.total_test_suite_count(); ++s)
      for (int t = 0; t < all.GetTestSuite(s)->total_test_count(); ++t)
        if (const testing::TestInfo* test = all.GetTestSuite(s)->GetTestInfo(t); test->should_run()) say('?', *test);
  }
  void OnTestStart(const testing::TestInfo& test) override { say('+', test); }
  void OnTestEnd(const testing::TestInfo& test) override { say('-', test); }
  void OnTestProgramEnd(const testing::UnitTest&) override { std::fputs(".\n", pipe_), std::fflush(pipe_); }

  void say(char what, const testing::TestInfo& test) {
    std::fprintf(pipe_, "%c%s.%s\n", what, test.test_suite_name(), test.name());
    if (what != '?') std::fflush(pipe_);
  }

  std::FILE* pipe_;
};

/// What a child said until it ended.
struct Said {
  std::vector<std::string> planned;  // the tests, in the order in which they run
  std::size_t begun = 0;
  bool running = false, finished = false;
};

Said listen(int pipe) {
  Said said;
  std::FILE* lines = ::fdopen(pipe, "r");
  for (char line[1024]; std::fgets(line, sizeof line, lines) != nullptr;) {
    const std::string name(line + 1, std::string(line).size() - 2);
    if (line[0] == '?') said.planned.push_back(name);
    if (line[0] == '+') ++said.begun;
    if (line[0] == '+' || line[0] == '-') said.running = line[0] == '+';
    if (line[0] == '.') said.finished = true;
  }
  std::fclose(lines);
  return said;
}

int run_in_children() {
  bool failed = false;
  while (true) {
    int pipe[2];
    if (::pipe(pipe) != 0) return EXIT_FAILURE;
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child < 0) return EXIT_FAILURE;
    if (child == 0) {
      ::close(pipe[0]);
      testing::UnitTest::GetInstance()->listeners().Append(new Reporter(pipe[1]));
      return RUN_ALL_TESTS();
    }
    ::close(pipe[1]);
    const Said said = listen(pipe[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    failed = failed || status != 0 || !said.finished;
    if (said.finished || said.begun == 0) return failed ? EXIT_FAILURE : EXIT_SUCCESS;
    if (said.running) {
      const char* lost = said.planned[said.begun - 1].c_str();
      std::printf("The process ended with status %d during %s\n[  FAILED  ] %s (0 ms)\n", status, lost, lost);
    }
    if (said.begun == said.planned.size()) return EXIT_FAILURE;
    // The rest by name: dealing them out anew would give others.
    for (const char* variable : {"GTEST_TOTAL_SHARDS", "GTEST_SHARD_INDEX"}) ::unsetenv(variable);
    std::string rest;
    for (std::size_t i = said.begun; i < said.planned.size(); ++i) rest += (rest.empty() ? "" : ":") + said.planned[i];
    testing::GTEST_FLAG(filter) = rest;
  }
}

}  // namespace

int main(int argc, char** argv) {
  bool dealt_out = std::getenv("GTEST_TOTAL_SHARDS") != nullptr;
  for (int i = 1; i < argc; ++i)  // a death test starts the program again for itself
    if (std::string(argv[i]).starts_with("--gtest_internal_run_death_test")) dealt_out = false;
  testing::InitGoogleTest(&argc, argv);
  return dealt_out ? run_in_children() : RUN_ALL_TESTS();
}
