#include "xlayers/framework/base/whole_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "xlayers/framework/base/errors.hpp"

namespace xl {

namespace {

/// What a call gives once no signal interrupts it.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

/// Opens the file for one writer, empty; waits for another one to end. Gives -1, and errno, if that fails.
int open_alone(const std::string& path) {
  for (;;) {
    const int file = uninterrupted([&] { return open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666); });
    if (file < 0) return file;
    uninterrupted([&] { return flock(file, LOCK_EX); });  // where a file system has no locks, the last one wins
    struct stat mine {
    }, there{};
    const bool same = fstat(file, &mine) == 0 && stat(path.c_str(), &there) == 0 && mine.st_ino == there.st_ino &&
                      mine.st_dev == there.st_dev;
    if (same && ftruncate(file, 0) == 0) return file;
    const int error = errno;
    close(file);
    if (same) {
      errno = error;
      return -1;
    }  // else the other one has renamed it meanwhile
  }
}

}  // namespace

WholeFile::WholeFile(const std::string& path, std::size_t front) : path_(path), target_(path), front_(front) {
  if (path.empty()) throw SerializationError("cannot write a file: its path is empty");
  std::error_code ignored;
  if (std::filesystem::is_symlink(path, ignored)) {
    const std::filesystem::path behind = std::filesystem::weakly_canonical(path, ignored);
    if (!behind.empty()) target_ = behind.string();
  }
  struct stat old {};
  const bool exists = stat(target_.c_str(), &old) == 0;
  if (!exists && errno != ENOENT) fail(errno);
  if (exists && S_ISDIR(old.st_mode)) fail(EISDIR);
  if (exists && !S_ISREG(old.st_mode)) throw SerializationError("cannot write '" + path + "': it is no regular file");
  if (exists && access(target_.c_str(), W_OK) != 0) fail(errno);
  part_ = target_ + ".part";
  file_ = open_alone(part_);
  if (file_ < 0) fail(errno);
  if (exists) static_cast<void>(fchmod(file_, old.st_mode & 07777));  // on a file system without modes there is none
  if (lseek(file_, static_cast<off_t>(front), SEEK_SET) < 0) error_ = errno;
  setp(buffer_.data(), buffer_.data() + buffer_.size());
}

WholeFile::~WholeFile() {
  if (file_ < 0) return;
  unlink(part_.c_str());
  close(file_);
}

void WholeFile::fail(int error) const {
  throw SerializationError("cannot write '" + path_ + "': " + std::strerror(error));
}

void WholeFile::check() const {
  if (error_ != 0) fail(error_);
}

std::uint64_t WholeFile::size() {
  flush();
  return size_;
}

std::uint64_t WholeFile::checksum() {
  flush();
  return hash_.value();
}

bool WholeFile::write(const char* bytes, std::size_t count) {
  constexpr std::size_t at_once = 1 << 20;  // still in the cache when it is written
  while (count > 0 && error_ == 0) {
    const std::size_t piece = std::min(count, at_once);
    hash_.add(bytes, piece);
    for (std::size_t done = 0; done < piece && error_ == 0;) {
      const ssize_t put = uninterrupted([&] { return ::write(file_, bytes + done, piece - done); });
      if (put < 0)
        error_ = errno;
      else
        done += static_cast<std::size_t>(put);
    }
    bytes += piece, count -= piece, size_ += piece;
  }
  return error_ == 0;
}

bool WholeFile::flush() {
  const bool good = write(pbase(), static_cast<std::size_t>(pptr() - pbase()));
  setp(buffer_.data(), buffer_.data() + buffer_.size());
  return good;
}

std::streamsize WholeFile::xsputn(const char* bytes, std::streamsize count) {
  if (count <= epptr() - pptr()) {
    std::copy_n(bytes, count, pptr());
    pbump(static_cast<int>(count));
    return count;
  }
  if (!flush()) return 0;
  if (count > static_cast<std::streamsize>(buffer_.size()))
    return write(bytes, static_cast<std::size_t>(count)) ? count : 0;
  return xsputn(bytes, count);
}

WholeFile::int_type WholeFile::overflow(int_type byte) {
  if (!flush()) return traits_type::eof();
  if (!traits_type::eq_int_type(byte, traits_type::eof())) {
    *pptr() = traits_type::to_char_type(byte);
    pbump(1);
  }
  return traits_type::not_eof(byte);
}

int WholeFile::sync() { return flush() ? 0 : -1; }

void WholeFile::commit(std::string_view front) {
  if (front.size() != front_) throw SerializationError("cannot write '" + path_ + "': its front has another length");
  flush();
  check();
  for (std::size_t done = 0; done < front.size();) {
    const ssize_t put = uninterrupted(
        [&] { return pwrite(file_, front.data() + done, front.size() - done, static_cast<off_t>(done)); });
    if (put < 0) fail(errno);
    done += static_cast<std::size_t>(put);
  }
  if (uninterrupted([&] { return fsync(file_); }) != 0) fail(errno);
  if (rename(part_.c_str(), target_.c_str()) != 0) fail(errno);
  close(std::exchange(file_, -1));
  // The new name too is to outlive a power failure; a folder that cannot be flushed has it all the same.
  const std::filesystem::path folder = std::filesystem::path(target_).parent_path();
  const int in = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (in < 0) return;
  fsync(in);
  close(in);
}

void write_whole_file(const std::string& path, std::string_view bytes) {
  WholeFile file(path);
  file.sputn(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.commit();
}

}  // namespace xl
