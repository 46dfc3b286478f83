#include "xlayers/models/keras/zip_archive.hpp"

#include <zip.h>

#include <algorithm>
#include <memory>
#include <set>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/file_reader.hpp"

namespace xl {
namespace {

std::string text_of(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

struct CloseMember {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

}  // namespace

ZipReader::ZipReader(const std::string& path) : path_(path) {
  const std::uint64_t file_size = FileReader(path).size();  // says what is wrong with the path
  int error = 0;
  archive_ = zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &error);
  if (archive_ == nullptr) fail(error == ZIP_ER_NOZIP ? "it is no zip archive" : text_of(error));
  try {
    constexpr std::int64_t most_members = 10'000;
    const std::uint64_t most = (std::uint64_t{64} << 20) + 4 * file_size;
    std::uint64_t all = 0;
    std::set<std::string> known;
    const zip_int64_t count = zip_get_num_entries(archive_, 0);
    if (count > most_members) fail("it has " + std::to_string(count) + " members, expected at most 10000");
    for (zip_int64_t i = 0; i < count; ++i) {
      zip_stat_t stat;
      constexpr zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
      if (zip_stat_index(archive_, static_cast<zip_uint64_t>(i), 0, &stat) != 0 || (stat.valid & needed) != needed)
        fail("its table is damaged");
      const std::string name = stat.name;
      const std::string label = "its member '" + shortened(name) + "' ";
      if (stat.encryption_method != ZIP_EM_NONE) fail(label + "is encrypted");
      if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE)
        fail(label + "is compressed by another method than deflate");
      if (!known.insert(name).second) fail(label + "is there twice");
      if (stat.size > most - all) fail("its members are larger than 64 MiB and four times the file");
      all += stat.size;
      names_.push_back(name);
      sizes_.push_back(stat.size);
    }
  } catch (...) {
    zip_discard(archive_);
    throw;
  }
}

ZipReader::~ZipReader() { zip_discard(archive_); }

void ZipReader::fail(const std::string& text) const {
  throw SerializationError("cannot read '" + path_ + "': " + text);
}

std::string ZipReader::read(const std::string& name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  if (found == names_.end()) fail("it has no member '" + name + "'; there are " + shortened(joined(names_), 500));
  const auto index = static_cast<zip_uint64_t>(found - names_.begin());
  const std::unique_ptr<zip_file_t, CloseMember> file(zip_fopen_index(archive_, index, 0));
  if (file == nullptr) fail("its member '" + name + "': " + zip_strerror(archive_));
  const std::uint64_t size = sizes_[index];
  std::string bytes(static_cast<std::size_t>(size), '\0');
  std::uint64_t done = 0;
  while (done < size) {
    const zip_int64_t got = zip_fread(file.get(), bytes.data() + done, size - done);
    if (got < 0) fail("its member '" + name + "': " + zip_file_strerror(file.get()));
    if (got == 0) fail("its member '" + name + "' is cut short");
    done += static_cast<std::uint64_t>(got);
  }
  char behind = 0;  // at the end the checksum is compared
  const zip_int64_t more = zip_fread(file.get(), &behind, 1);
  if (more < 0) fail("its member '" + name + "': " + zip_file_strerror(file.get()));
  if (more > 0) fail("its member '" + name + "' is longer than its table says");
  return bytes;
}

std::string make_zip(const std::vector<std::pair<std::string, std::string>>& members) {
  const auto fail = [](const std::string& text) { throw SerializationError("cannot make a zip archive: " + text); };
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(nullptr, 0, 0, &error);
  if (source == nullptr) fail(zip_error_strerror(&error));
  zip_source_keep(source);
  zip_t* archive = zip_open_from_source(source, ZIP_TRUNCATE, &error);
  if (archive == nullptr) {
    zip_source_free(source);
    zip_source_free(source);
    fail(zip_error_strerror(&error));
  }
  for (const auto& [name, bytes] : members) {
    zip_source_t* member = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
    const zip_int64_t index = member == nullptr ? -1 : zip_file_add(archive, name.c_str(), member, ZIP_FL_ENC_UTF_8);
    if (index < 0 || zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0) != 0) {
      if (index < 0 && member != nullptr) zip_source_free(member);
      const std::string text = zip_strerror(archive);
      zip_discard(archive);
      zip_source_free(source);
      fail(text);
    }
  }
  if (zip_close(archive) != 0) {
    const std::string text = zip_strerror(archive);
    zip_discard(archive);
    zip_source_free(source);
    fail(text);
  }
  zip_stat_t stat;
  std::string bytes;
  if (zip_source_stat(source, &stat) == 0 && zip_source_open(source) == 0) {
    bytes.resize(static_cast<std::size_t>(stat.size));
    if (zip_source_read(source, bytes.data(), bytes.size()) != static_cast<zip_int64_t>(bytes.size())) bytes.clear();
    zip_source_close(source);
  }
  zip_source_free(source);
  if (bytes.empty()) fail("it cannot be read back");
  return bytes;
}

}  // namespace xl
