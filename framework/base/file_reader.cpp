#include "xlayers/framework/base/file_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "xlayers/framework/base/errors.hpp"

namespace xl {

FileReader::FileReader(const std::string& path) : path_(path) {
  // Without O_NONBLOCK a pipe that nobody writes to would wait for ever.
  file_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file_ < 0) fail(errno);
  struct stat status {};
  const int error = fstat(file_, &status) != 0 ? errno : S_ISDIR(status.st_mode) ? EISDIR : 0;
  if (error != 0 || !S_ISREG(status.st_mode)) {
    close(file_);
    if (error != 0) fail(error);
    throw SerializationError("cannot read '" + path_ + "': it is no regular file");
  }
  size_ = end_ = static_cast<std::uint64_t>(status.st_size);
}

FileReader::FileReader(const std::string& path, std::string bytes) : path_(path), memory_(std::move(bytes)) {
  size_ = end_ = memory_.size();
}

FileReader::~FileReader() {
  if (file_ >= 0) close(file_);
}

void FileReader::fail(int error) const {
  throw SerializationError("cannot read '" + path_ + "': " + std::strerror(error));
}

void FileReader::check() const {
  if (error_ != 0) fail(error_);
}

std::uint64_t FileReader::position() const { return read_ - static_cast<std::uint64_t>(egptr() - gptr()); }

void FileReader::skip(std::uint64_t count) {
  const auto held = static_cast<std::uint64_t>(egptr() - gptr());
  if (count <= held) {
    gbump(static_cast<int>(count));
    return;
  }
  read_ += count - held;
  setg(nullptr, nullptr, nullptr);
  seek();
}

void FileReader::begin_part(std::uint64_t length) {
  read_ = position();
  end_ = length < size_ - std::min(size_, read_) ? read_ + length : size_;
  setg(nullptr, nullptr, nullptr);
  seek();
  hash_.reset();
}

std::uint64_t FileReader::checksum() {
  while (underflow() != traits_type::eof()) setg(nullptr, nullptr, nullptr);
  return hash_.value();
}

void FileReader::seek() {
  if (file_ >= 0 && lseek(file_, static_cast<off_t>(read_), SEEK_SET) < 0) error_ = errno;
}

std::ptrdiff_t FileReader::read_some(char* bytes, std::size_t count) {
  if (file_ >= 0) return ::read(file_, bytes, count);
  return static_cast<std::ptrdiff_t>(memory_.copy(bytes, count, static_cast<std::size_t>(read_)));
}

/// Up to `count` bytes of the part; fewer only at its end.
std::size_t FileReader::read(char* bytes, std::size_t count) {
  constexpr std::size_t at_once = 1 << 20;  // still in the cache when they are added up
  std::size_t done = 0;
  while (done < count && error_ == 0 && read_ < end_) {
    const std::size_t wanted = std::min({count - done, at_once, static_cast<std::size_t>(end_ - read_)});
    const std::ptrdiff_t got = read_some(bytes + done, wanted);
    if (got < 0 && errno != EINTR) error_ = errno;
    if (got == 0) break;  // somebody has cut it meanwhile
    if (got < 0) continue;
    hash_.add(bytes + done, static_cast<std::size_t>(got));
    done += static_cast<std::size_t>(got), read_ += static_cast<std::uint64_t>(got);
  }
  return done;
}

FileReader::int_type FileReader::underflow() {
  if (gptr() == egptr()) {
    const std::size_t got = read(buffer_.data(), buffer_.size());
    setg(buffer_.data(), buffer_.data(), buffer_.data() + got);
    if (got == 0) return traits_type::eof();
  }
  return traits_type::to_int_type(*gptr());
}

std::streamsize FileReader::xsgetn(char* bytes, std::streamsize count) {
  const std::streamsize held = std::min<std::streamsize>(count, egptr() - gptr());
  std::copy_n(gptr(), held, bytes);
  gbump(static_cast<int>(held));
  const std::streamsize left = count - held;
  if (left == 0) return count;
  if (left >= static_cast<std::streamsize>(buffer_.size()))
    return held + static_cast<std::streamsize>(read(bytes + held, static_cast<std::size_t>(left)));
  if (underflow() == traits_type::eof()) return held;
  return held + xsgetn(bytes + held, std::min<std::streamsize>(left, egptr() - gptr()));
}

std::string read_whole_file(const std::string& path) {
  FileReader file(path);
  std::string bytes(static_cast<std::size_t>(file.size()), '\0');
  file.sgetn(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.check();
  return bytes;
}

}  // namespace xl
