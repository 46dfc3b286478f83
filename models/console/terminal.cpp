#include "xlayers/models/console/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <sstream>
#include <typeinfo>

namespace xl {
namespace {

/// True unless the stream was made to write into a string or a file.
bool own_buffer(const std::ostream& out) {
  const std::streambuf* buffer = out.rdbuf();
  return buffer != nullptr && typeid(*buffer) != typeid(std::stringbuf) && typeid(*buffer) != typeid(std::filebuf);
}

/// The file descriptor behind a standard stream, or -1.
int descriptor(const std::ostream& out) {
  if (&out == &std::cout && own_buffer(out)) return STDOUT_FILENO;
  if ((&out == &std::cerr || &out == &std::clog) && own_buffer(out)) return STDERR_FILENO;
  return -1;
}

}  // namespace

bool is_terminal(const std::ostream& out) {
  const int file = descriptor(out);
  return file >= 0 && isatty(file) == 1;
}

int terminal_width(const std::ostream& out) {
  winsize size{};
  if (is_terminal(out) && ioctl(descriptor(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    return size.ws_col;
  }
  return 80;
}

}  // namespace xl
