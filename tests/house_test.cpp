// The house keeps its own rules: rooms include downwards, say so in their README.md, and files stay short.
//
// Which rooms there are, from the ground up, is the list in README.md's section "The house"; what a room may include is
// the line "May include ..." of its own README.md, and what those rooms may include themselves.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;

const fs::path house = XLAYERS_SOURCE_DIR;

std::vector<std::string> lines_of(const fs::path& file) {
  std::ifstream in(house / file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// "framework/kernels" of "framework/kernels/impl/gemm.hpp"; "layers" of "layers/dense.hpp".
std::string room_of(const fs::path& file) {
  auto part = file.begin();
  const std::string folder = *part++;
  return folder == "layers" ? folder : (folder / *part).string();
}

/// The rooms in the order of README.md: a folder at the start of a line, "framework/ ...", and those in it two columns on.
std::vector<std::string> rooms_of_readme() {
  std::vector<std::string> rooms;
  bool here = false;
  std::string folder;
  for (const std::string& line : lines_of("README.md")) {
    if (line.starts_with("## ")) here = line == "## The house";
    const std::size_t name = line.find_first_not_of(' '), end = line.find("/ ");
    if (!here || name == std::string::npos || end == std::string::npos) continue;
    if (name == 0) folder = line.substr(0, end);
    if (name == 2) rooms.push_back(folder + "/" + line.substr(2, end - 2));
    if (name == 0 && folder == "layers") rooms.push_back(folder);
  }
  return rooms;
}

/// The rooms that a room's README.md says it may include: the links of its line "May include ...".
std::vector<std::string> named_by(const std::string& room) {
  std::vector<std::string> rooms;
  for (const std::string& line : lines_of(fs::path(room) / "README.md")) {
    if (!line.starts_with("May include ")) continue;
    for (std::size_t at = line.find("]("); at != std::string::npos; at = line.find("](", at + 1)) {
      const std::string link = line.substr(at + 2, line.find(')', at) - at - 2);
      rooms.push_back((fs::path(room) / link).lexically_normal().string());
    }
  }
  return rooms;
}

/// For each room all that it may include: itself, and downwards whatever its line leads to.
std::map<std::string, std::set<std::string>> arrows() {
  std::map<std::string, std::set<std::string>> all;
  for (const std::string& room : rooms_of_readme()) {
    all[room].insert(room);
    for (const std::string& lower : named_by(room)) all[room].insert(all[lower].begin(), all[lower].end());
  }
  return all;
}

/// Every header and source of the rooms, from the root of the house on.
std::vector<fs::path> files() {
  std::vector<fs::path> all;
  for (const char* folder : {"framework", "layers", "models"})
    for (const auto& entry : fs::recursive_directory_iterator(house / folder))
      if (const fs::path& path = entry.path(); path.extension() == ".hpp" || path.extension() == ".cpp")
        all.push_back(path.lexically_relative(house));
  std::sort(all.begin(), all.end());
  return all;
}

TEST(House, EveryFolderIsARoomOfTheReadme) {
  std::set<std::string> folders{"layers"};
  for (const char* folder : {"framework", "models"})
    for (const auto& entry : fs::directory_iterator(house / folder))
      if (entry.is_directory()) folders.insert(entry.path().lexically_relative(house).string());
  const std::vector<std::string> rooms = rooms_of_readme();
  EXPECT_THAT(rooms, testing::UnorderedElementsAreArray(folders));
}

TEST(House, EveryRoomSaysInTenLinesWhatItIsForAndWhatItMayInclude) {
  for (const std::string& room : rooms_of_readme()) {
    const std::vector<std::string> lines = lines_of(fs::path(room) / "README.md");
    ASSERT_FALSE(lines.empty()) << room << " has no README.md";
    EXPECT_LE(lines.size(), 10u) << room;
    EXPECT_EQ(lines[0], "# " + room);
    EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                            [](const std::string& line) { return line.starts_with("May include "); }),
              1)
        << room;
  }
}

TEST(House, ARoomNamesOnlyRoomsBelowIt) {
  std::set<std::string> below;
  for (const std::string& room : rooms_of_readme()) {
    for (const std::string& named : named_by(room))
      EXPECT_TRUE(below.contains(named)) << room << " may not include " << named << ", which does not come before it";
    below.insert(room);
  }
}

TEST(House, EveryIncludeGoesAlongAnArrow) {
  const auto allowed = arrows();
  std::set<std::string> wrong;
  std::size_t seen = 0;
  for (const fs::path& file : files())
    for (const std::string& line : lines_of(file)) {
      EXPECT_FALSE(line.starts_with("#include <xlayers/")) << file << ": " << line;
      if (!line.starts_with("#include \"")) continue;
      const std::string name = line.substr(10, line.find('"', 10) - 10);
      ++seen;
      ASSERT_TRUE(name.starts_with("xlayers/") && fs::exists(house / name.substr(8)))
          << file << " includes \"" << name << "\", which is no file of a room";
      const fs::path included = name.substr(8);
      ASSERT_TRUE(allowed.contains(room_of(file))) << room_of(file) << " is no room of README.md";
      if (!allowed.at(room_of(file)).contains(room_of(included)))
        wrong.insert(file.string() + " -> " + included.string());
    }
  EXPECT_GT(seen, 500u);
  EXPECT_THAT(wrong, IsEmpty()) << "the README.md of the room does not allow this";
}

// A header has at most 200 lines, a source 300. What stands in kernels/impl/ is compiled once for each instruction set: sources.
TEST(House, FilesAreShort) {
  std::set<std::string> wrong;
  for (const fs::path& file : files()) {
    const bool source = file.extension() == ".cpp" || file.parent_path() == "framework/kernels/impl";
    if (lines_of(file).size() > (source ? 300u : 200u)) wrong.insert(file.string());
  }
  EXPECT_THAT(wrong, IsEmpty()) << "too long: a file is one idea";
}

}  // namespace
