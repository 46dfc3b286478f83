// Every file in tests/fuzz/corpus, of which some have once made a reader crash, hang or ask for too much, is read again.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "files.hpp"
#include "fuzz/readers.hpp"

namespace xl {
namespace {

namespace fs = std::filesystem;

const fs::path corpus = XLAYERS_SOURCE_DIR "/tests/fuzz/corpus";

class FuzzCorpus : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Readers, FuzzCorpus, testing::ValuesIn([] {
                           std::vector<std::string> names;
                           for (const fuzz::Reader& reader : fuzz::readers()) names.emplace_back(reader.name);
                           return names;
                         }()),
                         [](const auto& info) { return info.param; });

TEST_P(FuzzCorpus, IsReadOrRefused) {
  const fuzz::Reader& reader = fuzz::reader_of(GetParam());
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(corpus / GetParam())) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  ASSERT_FALSE(files.empty());
  for (const fs::path& file : files) {
    SCOPED_TRACE(file.string());
    EXPECT_NO_THROW(reader.read(testing_files::bytes_of(file)));
  }
}

}  // namespace
}  // namespace xl
