#include "xlayers/models/files/xl_file.hpp"

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/archive/text_iarchive.hpp>
#include <boost/archive/text_oarchive.hpp>
#include <istream>
#include <ostream>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/file_reader.hpp"
#include "xlayers/framework/base/whole_file.hpp"
#include "xlayers/framework/config/config_boost.hpp"
#include "xlayers/framework/config/envelope.hpp"
#include "xlayers/models/files/archive_numbers.hpp"

namespace xl {
namespace {

using namespace boost_archive;

constexpr Envelope envelope{
    .magic = "xlayers-model", .what = "a model", .from = "file", .version = 1, .length_digits = 16};

// ---- the table

template <class BoostArchive>
void write_entry(BoostArchive& archive, const TensorEntry& tensor) {
  write_text(archive, "name", tensor.name);
  const auto dtype = static_cast<std::uint8_t>(tensor.dtype);
  const std::uint64_t rank = tensor.shape.rank();
  archive << make_nvp("dtype", dtype) << make_nvp("rank", rank);
  for (const Dim dim : tensor.shape) {
    const std::int64_t extent = dim;
    archive << make_nvp("extent", extent);
  }
}

// `most` is how many numbers the rest of the file can hold at all.
template <class BoostArchive>
TensorEntry read_entry(BoostArchive& archive, std::uint64_t most) {
  TensorEntry tensor;
  read_text(archive, "name", tensor.name);
  std::uint8_t dtype = 0;
  std::uint64_t rank = 0;
  archive >> make_nvp("dtype", dtype) >> make_nvp("rank", rank);
  if (dtype > static_cast<std::uint8_t>(DType::int32) || rank > Shape::max_rank)
    throw SerializationError("its table of tensors is damaged");
  tensor.dtype = static_cast<DType>(dtype);
  for (std::uint64_t axis = 0; axis < rank; ++axis) {
    std::int64_t extent = 0;
    archive >> make_nvp("extent", extent);
    if (extent < 0) throw SerializationError("its table of tensors is damaged");
    tensor.shape.push_back(extent);
  }
  if (static_cast<std::uint64_t>(tensor.shape.elements()) > most)
    throw SerializationError("it is too short for a tensor of the shape that its table says");
  return tensor;
}

template <class BoostArchive, class Stream>
void write_archive(Stream& stream, const Config& config, std::span<const StoredTensor> tensors) {
  BoostArchive archive(stream, boost::archive::no_header);
  const std::uint64_t count = tensors.size();
  archive << make_nvp("config", config) << make_nvp("tensors", count);
  for (const StoredTensor& tensor : tensors) write_entry(archive, tensor);
  for (const StoredTensor& tensor : tensors)
    write_numbers(archive, tensor.dtype, tensor.numbers, tensor.shape.elements());
}

}  // namespace

StoredTensor stored(std::string name, const Array& array) {
  return {{std::move(name), array.dtype(), array.shape()},
          array.dtype() == DType::int32 ? static_cast<const void*>(array.integers()) : array.data()};
}

void write_xl_file(const std::string& path, Format format, const Config& config,
                   std::span<const StoredTensor> tensors) {
  if (format == Format::json)
    throw ValueError("cannot write '" + path + "': a model is stored as binary, text or xml, not as json");
  if (tensors.size() > most_tensors)
    throw ValueError("cannot write '" + path + "': it would have more than " + std::to_string(most_tensors) +
                     " tensors");
  Envelope::Header header{.version = envelope.version, .format = format};
  WholeFile file(path, envelope.write(header).size());
  try {
    std::ostream stream(&file);
    stream.imbue(std::locale::classic());
    if (format == Format::binary)
      write_archive<boost::archive::binary_oarchive>(static_cast<std::streambuf&>(file), config, tensors);
    else if (format == Format::text)
      write_archive<boost::archive::text_oarchive>(stream, config, tensors);
    else
      write_archive<boost::archive::xml_oarchive>(stream, config, tensors);
  } catch (const boost::archive::archive_exception& error) {
    file.check();  // the reason, if it is the disk
    throw SerializationError("cannot write '" + path + "': " + error.what());
  }
  header.length = file.size();
  header.checksum = file.checksum();
  file.commit(envelope.write(header));
}

// ---- reading

class XlFile::Reader {
 public:
  virtual ~Reader() = default;
  virtual void begin() = 0;
  virtual void read(const TensorEntry& tensor, void* numbers) = 0;

  std::unique_ptr<FileReader> file;
  Envelope::Header header;
  Config config;
  std::vector<TensorEntry> tensors;
  std::size_t next = 0;

  [[noreturn]] void fail(const std::string& text) const {
    throw SerializationError("cannot read '" + file->path() + "': " + text);
  }

  /// The errors of `use`, with the path; but if the file was changed, that is said.
  template <class Use>
  void attempt(Use use) {
    std::string error;
    try {
      use();
      return;
    } catch (const std::bad_alloc&) {
      error = "there is not enough memory for it";
    } catch (const std::exception& caught) {
      error = caught.what();
    }
    require_unchanged();
    fail(error);
  }

  void require_unchanged() {
    file->check();
    if (file->checksum() != header.checksum) fail("it was changed after it was written");
  }
};

template <class BoostArchive>
class XlFile::ReaderOf : public Reader {
 public:
  void begin() override {
    // Boost's check of closing tags reads behind the expected name if a hostile tag is longer.
    constexpr unsigned flags = boost::archive::no_header | boost::archive::no_xml_tag_checking;
    if constexpr (std::is_same_v<BoostArchive, boost::archive::binary_iarchive>) {
      archive_ = std::make_unique<BoostArchive>(static_cast<std::streambuf&>(*file), flags);
    } else {
      stream_ = std::make_unique<std::istream>(file.get());
      stream_->imbue(std::locale::classic());
      archive_ = std::make_unique<BoostArchive>(*stream_, flags);
    }
    std::uint64_t count = 0;
    *archive_ >> make_nvp("config", config) >> make_nvp("tensors", count);
    if (count > most_tensors) throw SerializationError("it has more than " + std::to_string(most_tensors) + " tensors");
    std::uint64_t left = header.length / (is_xml<BoostArchive> ? 2 : number_size);  // "0 " is the shortest decimal
    for (std::uint64_t i = 0; i < count; ++i) {
      tensors.push_back(read_entry(*archive_, left));
      left -= static_cast<std::uint64_t>(tensors.back().shape.elements());
    }
  }

  void read(const TensorEntry& tensor, void* numbers) override {
    read_numbers(*archive_, tensor.dtype, numbers, tensor.shape.elements());
  }

 private:
  std::unique_ptr<std::istream> stream_;
  std::unique_ptr<BoostArchive> archive_;
};

XlFile::XlFile(const std::string& path) {
  auto file = std::make_unique<FileReader>(path);
  const std::string quoted = "'" + path + "'";
  Envelope of_path = envelope;
  of_path.what = quoted;
  Envelope::Header header;
  try {
    header = of_path.read(*file);
    const std::uint64_t there = file->size() - file->position();
    if (there < header.length) of_path.cut_short(header, there);
    if (there > header.length) of_path.fail("there are bytes behind its end");
    if (header.format == Format::json) of_path.fail("its header is damaged");
  } catch (const SerializationError&) {
    file->check();  // the reason, if it is the disk
    throw;
  }
  if (header.format == Format::binary)
    reader_ = std::make_unique<ReaderOf<boost::archive::binary_iarchive>>();
  else if (header.format == Format::text)
    reader_ = std::make_unique<ReaderOf<boost::archive::text_iarchive>>();
  else
    reader_ = std::make_unique<ReaderOf<boost::archive::xml_iarchive>>();
  file->begin_part(header.length);
  reader_->file = std::move(file);
  reader_->header = header;
  reader_->attempt([&] { reader_->begin(); });
}

XlFile::~XlFile() = default;

const std::string& XlFile::path() const { return reader_->file->path(); }
const Config& XlFile::config() const { return reader_->config; }
const std::vector<TensorEntry>& XlFile::tensors() const { return reader_->tensors; }

void XlFile::read(void* numbers) {
  const TensorEntry& tensor = next();
  ++reader_->next;
  reader_->attempt([&] { reader_->read(tensor, numbers); });
}

const TensorEntry& XlFile::next() {
  if (reader_->next >= reader_->tensors.size())
    reader_->attempt([] { throw SerializationError("expected one more tensor"); });
  return reader_->tensors[reader_->next];
}

Array XlFile::read_array() {
  if (next().dtype == DType::float32) return read_tensor();
  IntTensor tensor = detail::uninitialized<IntTensor>(next().shape);
  read(tensor.data());
  return tensor;
}

Tensor XlFile::read_tensor() {
  if (next().dtype != DType::float32)
    reader_->attempt([] { throw SerializationError("expected one more float32 tensor"); });
  Tensor tensor = empty(next().shape);
  read(tensor.data());
  return tensor;
}

void XlFile::skip() {
  std::vector<float> numbers(static_cast<std::size_t>(next().shape.elements()));
  read(numbers.data());
}

void XlFile::skip_to_last(std::size_t count) {
  while (reader_->tensors.size() - reader_->next > count) skip();
}

void XlFile::finish() {
  while (reader_->next < reader_->tensors.size()) skip();
  reader_->require_unchanged();
}

void XlFile::require_unchanged() { reader_->require_unchanged(); }

}  // namespace xl
