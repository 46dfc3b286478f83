#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <iostream>
#include <sstream>

#include "xlayers/models/console/terminal.hpp"

namespace {

/// What `ask` says while the standard output is a terminal of `columns` characters (0: it does not say).
int on_a_terminal(unsigned short columns, const std::function<int()>& ask) {
  const int control = posix_openpt(O_RDWR | O_NOCTTY);
  if (control < 0 || grantpt(control) != 0 || unlockpt(control) != 0) return -1;
  const int terminal = open(ptsname(control), O_RDWR | O_NOCTTY);
  const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  ioctl(terminal, TIOCSWINSZ, &size);

  std::cout.flush();
  const int before = dup(STDOUT_FILENO);
  dup2(terminal, STDOUT_FILENO);
  const int answer = ask();
  std::cout.flush();
  dup2(before, STDOUT_FILENO);
  for (const int file : {before, terminal, control}) close(file);
  return answer;
}

TEST(Terminal, IsWhereTheStandardOutputEnds) {
  EXPECT_EQ(on_a_terminal(100, [] { return xl::is_terminal(std::cout); }), 1);
  EXPECT_EQ(on_a_terminal(100, [] { return xl::terminal_width(std::cout); }), 100);
  EXPECT_EQ(on_a_terminal(1, [] { return xl::terminal_width(std::cout); }), 1);
  EXPECT_EQ(on_a_terminal(0, [] { return xl::terminal_width(std::cout); }), 80);
}

TEST(Terminal, IsNotAnotherStream) {
  std::ostringstream text;
  std::ofstream null("/dev/null");
  for (std::ostream* other : {static_cast<std::ostream*>(&text), static_cast<std::ostream*>(&null)}) {
    EXPECT_EQ(on_a_terminal(100, [&] { return xl::is_terminal(*other); }), 0);
    EXPECT_EQ(on_a_terminal(100, [&] { return xl::terminal_width(*other); }), 80);
    // The standard stream itself, while it writes elsewhere.
    EXPECT_EQ(on_a_terminal(100,
                            [&] {
                              std::streambuf* const own = std::cout.rdbuf(other->rdbuf());
                              const bool answer = xl::is_terminal(std::cout);
                              std::cout.rdbuf(own);
                              return static_cast<int>(answer);
                            }),
              0);
  }
}

}  // namespace
