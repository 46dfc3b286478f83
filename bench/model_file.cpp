// A model of 50 million parameters, saved and loaded, beside its bytes written, flushed and read as they are.
//
//   model_file [FOLDER]     where the files go; the folder for temporary files if it is not given
//
// Median of five rounds each; memory as the largest that the process ever had.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "xlayers/xlayers.hpp"

namespace {

constexpr int rounds = 5, width = 7070;  // one kernel of width^2

double median(const std::function<void()>& work) {
  std::vector<double> seconds;
  for (int round = 0; round < rounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    work();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[rounds / 2];
}

void require(bool good, const char* what) {
  if (good) return;
  std::perror(what);
  std::exit(1);
}

void write_plainly(const std::string& path, const std::vector<float>& numbers) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  require(file >= 0, "open");
  const char* bytes = reinterpret_cast<const char*>(numbers.data());
  for (std::size_t done = 0, size = numbers.size() * sizeof(float); done < size;) {
    const ssize_t put = write(file, bytes + done, size - done);
    require(put > 0, "write");
    done += static_cast<std::size_t>(put);
  }
  require(fsync(file) == 0 && close(file) == 0, "fsync");
}

void read_plainly(const std::string& path, std::size_t count) {
  std::vector<float> numbers(count);
  const int file = open(path.c_str(), O_RDONLY);
  require(file >= 0, "open");
  char* bytes = reinterpret_cast<char*>(numbers.data());
  for (std::size_t done = 0, size = count * sizeof(float); done < size;) {
    const ssize_t got = read(file, bytes + done, size - done);
    require(got > 0, "read");
    done += static_cast<std::size_t>(got);
  }
  close(file);
}

/// The largest memory, in MiB, of a process that does this and nothing else.
double memory_of(const std::function<void()>& work) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    work();
    _exit(0);
  }
  int status = 0;
  rusage usage{};
  require(wait4(child, &status, 0, &usage) == child && status == 0, "wait4");
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

xl::Sequential model() { return xl::Sequential{xl::Input({width}), xl::Dense({.units = width, .kernel_initializer = "ones"})}; }

}  // namespace

int main(int count, char** arguments) {
  const std::string folder = count > 1 ? arguments[1] : std::filesystem::temp_directory_path().string();
  const std::string path = folder + "/xlayers_bench.xl", plain = folder + "/xlayers_bench.bytes";
  const double weights = width * (width + 1.0) * sizeof(float) / (1 << 20);
  // Before this process has any memory of its own that a child would inherit.
  const double saving = memory_of([&] { model().save(path); });
  const double loading = memory_of([&] { xl::load_model(path); });
  std::printf("%.0f MiB of weights: at most %.2f times as much memory to make and save them, %.2f times to load them\n", weights,
              saving / weights, loading / weights);
  {
    const xl::Sequential saved = model();
    const std::vector<float> numbers(static_cast<std::size_t>(width) * (width + 1), 1.0f);
    const double ours = median([&] { saved.save(path); }), theirs = median([&] { write_plainly(plain, numbers); });
    std::printf("save %.3f s, plain write and fsync %.3f s, ratio %.2f\n", ours, theirs, ours / theirs);
  }
  const double ours = median([&] { xl::load_model(path); });
  const double theirs = median([&] { read_plainly(plain, static_cast<std::size_t>(width) * (width + 1)); });
  std::printf("load %.3f s, plain read %.3f s, ratio %.2f\n", ours, theirs, ours / theirs);
  std::filesystem::remove(path);
  std::filesystem::remove(plain);
}
