// Files that are there whole or not at all: whenever the writer is killed, whatever the disk says, whoever else writes.

#include "xlayers/framework/base/whole_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <random>

#include "files.hpp"
#include "golden.hpp"
#include "xlayers/framework/base/file_reader.hpp"

namespace xl {
namespace {

namespace fs = std::filesystem;
using namespace testing_files;
using namespace testing_golden;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;

void write_whole(const std::string& path, std::string_view bytes, std::string_view front = "") {
  WholeFile file(path, front.size());
  file.sputn(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.commit(front);
}

std::vector<std::string> names_in(const FileFolder& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder.path())) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

/// Runs `work` in a process of its own.
pid_t in_child(const std::function<void()>& work) {
  const pid_t child = fork();
  if (child != 0) return child;
  try {
    work();
  } catch (...) {
    _exit(1);
  }
  _exit(0);
}

int status_of(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

TEST(WholeFile, HoldsWhatWasPutIn) {
  const FileFolder folder;
  std::mt19937 engine(1);
  for (const std::size_t size : {0u, 1u, 65535u, 65536u, 65537u, 3000000u}) {
    std::string bytes(size, ' ');
    for (char& byte : bytes) byte = static_cast<char>(engine());
    WholeFile file(folder / "f", 5);
    for (std::size_t at = 0; at < size;) {  // in pieces of every size
      const std::size_t piece = std::min<std::size_t>(size - at, engine() % (engine() % 3 == 0 ? 200000 : 9));
      if (piece == 1)
        file.sputc(bytes[at]);
      else
        file.sputn(bytes.data() + at, static_cast<std::streamsize>(piece));
      at += piece;
    }
    Checksum checksum;
    checksum.add(bytes.data(), size);
    EXPECT_EQ(file.size(), size);
    EXPECT_EQ(file.checksum(), checksum.value());
    file.commit("front");
    EXPECT_EQ(bytes_of(folder / "f"), "front" + bytes);

    FileReader reader(folder / "f");
    EXPECT_EQ(reader.size(), size + 5);
    std::string read(5, ' ');
    reader.sgetn(read.data(), 5);
    EXPECT_EQ(read, "front");
    reader.begin_part(size);
    for (std::size_t at = 0; at < size / 2;) {
      std::string piece(engine() % 2 == 0 ? 1 : engine() % 100000, ' ');
      piece.resize(static_cast<std::size_t>(reader.sgetn(piece.data(), static_cast<std::streamsize>(piece.size()))));
      EXPECT_EQ(piece, bytes.substr(at, piece.size()));
      at += piece.size();
      EXPECT_EQ(reader.position(), at + 5);
    }
    EXPECT_EQ(reader.checksum(), checksum.value());
  }
}

TEST(WholeFile, IsNotThereBeforeCommit) {
  const FileFolder folder;
  write_whole(folder / "f", "old");
  {
    WholeFile file(folder / "f");
    file.sputn("new", 3);
    EXPECT_EQ(bytes_of(folder / "f"), "old");
  }
  EXPECT_EQ(bytes_of(folder / "f"), "old");
  EXPECT_THAT(names_in(folder), ElementsAre("f"));
}

TEST(WholeFile, KeepsModesAndLinks) {
  const FileFolder folder;
  write_whole(folder / "f", "old");
  fs::permissions(folder / "f", fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("f", folder / "link");
  write_whole(folder / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(bytes_of(folder / "f"), "new");
  EXPECT_EQ(fs::status(folder / "f").permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_THAT(names_in(folder), ElementsAre("f", "link"));
}

TEST(WholeFile, OnlyReplacesFiles) {
  const FileFolder folder;
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  for (const std::string& path : {folder / "pipe", std::string("/dev/null")}) {
    EXPECT_EQ(error_of<SerializationError>([&] { WholeFile file(path); }),
              "cannot write '" + path + "': it is no regular file");
    EXPECT_EQ(error_of<SerializationError>([&] { FileReader file(path); }),
              "cannot read '" + path + "': it is no regular file");
  }
  EXPECT_EQ(error_of<SerializationError>([&] { WholeFile file(""); }), "cannot write a file: its path is empty");
  EXPECT_EQ(error_of<SerializationError>([&] { FileReader file(folder.path()); }),
            "cannot read '" + folder.path() + "': Is a directory");
}

// In a process that is not root, for which there are no permissions.
TEST(WholeFile, NeedsPermission) {
  const FileFolder folder;
  fs::permissions(folder.path(), fs::perms::all);
  write_whole(folder / "f", "old");
  fs::permissions(folder / "f", fs::perms::owner_read | fs::perms::others_read);
  fs::create_directory(folder / "closed");
  const auto errno_text = [&](const std::string& path) {
    return in_child([&] {
      if (getuid() == 0 && setuid(65534) != 0) _exit(2);
      const std::string error = error_of<SerializationError>([&] { write_whole(path, "new"); });
      if (error != "cannot write '" + path + "': Permission denied") _exit(3);
    });
  };
  EXPECT_EQ(status_of(errno_text(folder / "f")), 0);
  EXPECT_EQ(status_of(errno_text(folder / "closed/f")), 0);
  EXPECT_EQ(bytes_of(folder / "f"), "old");
  EXPECT_THAT(names_in(folder), ElementsAre("closed", "f"));
}

// As on a full disk: there is no more room behind some byte.
TEST(WholeFile, WithoutRoomLeavesTheOldOne) {
  const FileFolder folder;
  write_whole(folder / "f", "old");
  for (const rlim_t room : {0u, 1u, 70000u, 199999u}) {
    const pid_t child = in_child([&] {
      signal(SIGXFSZ, SIG_IGN);
      const rlimit limit{room, room};
      if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(2);
      const std::string error =
          error_of<SerializationError>([&] { write_whole(folder / "f", std::string(200000, 'n')); });
      if (error != "cannot write '" + (folder / "f") + "': File too large") _exit(3);
    });
    EXPECT_EQ(status_of(child), 0) << room;
    EXPECT_EQ(bytes_of(folder / "f"), "old");
    EXPECT_THAT(names_in(folder), ElementsAre("f"));
  }
}

// The writer is killed at any moment. What a dead one left behind does not pile up, nor stand in the way.
TEST(WholeFile, OfAKilledWriterIsTheOldOrTheNewOne) {
  const FileFolder folder;
  const std::string a(300000, 'a'), b(500000, 'b');
  write_whole(folder / "f", a);
  std::mt19937 engine(7);
  for (int round = 0; round < 200; ++round) {
    const pid_t writer = in_child([&] {
      for (;;)
        for (const std::string& bytes : {a, b}) write_whole(folder / "f", bytes);
    });
    usleep(engine() % 6000);
    kill(writer, SIGKILL);
    status_of(writer);
    const std::string there = bytes_of(folder / "f");
    ASSERT_TRUE(there == a || there == b) << round;
  }
  EXPECT_LE(names_in(folder).size(), 2u);
  write_whole(folder / "f", "last");
  EXPECT_EQ(bytes_of(folder / "f"), "last");
  EXPECT_THAT(names_in(folder), ElementsAre("f"));
}

TEST(WholeFile, OfTwoWritersIsOneOfTheTwo) {
  const FileFolder folder;
  const std::string texts[] = {std::string(100000, 'a'), std::string(200000, 'b')};
  pid_t writers[2];
  for (int i = 0; i < 2; ++i)
    writers[i] = in_child([&] {
      for (int round = 0; round < 60; ++round) write_whole(folder / "f", texts[i]);
    });
  for (int look = 0; look < 200; ++look) {
    const std::string there = bytes_of(folder / "f");
    EXPECT_TRUE(there.empty() || there == texts[0] || there == texts[1]);  // empty: not there yet
    usleep(200);
  }
  for (const pid_t writer : writers) EXPECT_EQ(status_of(writer), 0);
  EXPECT_THAT(bytes_of(folder / "f"), AnyOf(texts[0], texts[1]));
  EXPECT_THAT(names_in(folder), ElementsAre("f"));
}

}  // namespace
}  // namespace xl
