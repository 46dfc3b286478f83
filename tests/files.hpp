#pragma once

// What the tests of files share: a folder for each test, bytes, and a checksum for bytes that were changed on purpose.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "xlayers/framework/base/checksum.hpp"

namespace xl::testing_files {

/// A folder of its own, which is gone at the end.
class FileFolder {
 public:
  FileFolder() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    std::string name = std::string("xlayers_") + test->test_suite_name() + "_" + test->name();
    for (char& c : name)
      if (c == '/') c = '_';
    path_ = testing::TempDir() + name + "_" + std::to_string(getpid());
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~FileFolder() { std::filesystem::remove_all(path_); }
  FileFolder(const FileFolder&) = delete;
  FileFolder& operator=(const FileFolder&) = delete;

  std::string operator/(std::string_view file) const { return path_ + "/" + std::string(file); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline void write(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// The bytes that hexadecimal digits stand for.
inline std::string from_hex(const std::string& digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

/// The bytes of an .xl file with the length and the checksum that its archive has now.
inline std::string resealed(const std::string& bytes) {
  const std::size_t header = bytes.find('\n') + 1;
  const std::size_t format = bytes.rfind(' ', bytes.rfind(' ', header - 2) - 1);
  Checksum checksum;
  checksum.add(bytes.data() + header, bytes.size() - header);
  char line[80];
  std::snprintf(line, sizeof line, " %016zu %016llx\n", bytes.size() - header,
                static_cast<unsigned long long>(checksum.value()));
  return bytes.substr(0, format) + line + bytes.substr(header);
}

}  // namespace xl::testing_files
