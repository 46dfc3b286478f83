// The .npy format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
//
//     \x93NUMPY, version (two bytes), length of the header (2 bytes, from version 2 on 4, little endian),
//     {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } and spaces up to a multiple of 64, a line end,
//     the numbers
//
// xtensor's own reader takes lengths from 128 on for negative ones, allocates what a header says before it looks at the file,
// and knows one order of the keys. So the header is read here.

#include "xlayers/models/data/npy.hpp"

#include <charconv>
#include <limits>
#include <map>
#include <string_view>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/file_reader.hpp"
#include "xlayers/framework/base/whole_file.hpp"
#include "xlayers/framework/tensor/stored_numbers.hpp"
#include "xlayers/models/data/npz_impl.hpp"

namespace xl {
namespace {

constexpr std::string_view magic = "\x93NUMPY";

[[noreturn]] void fail(const std::string& path, const std::string& text) {
  throw SerializationError("cannot read '" + path + "': " + text);
}

struct Header {
  std::string descr;  // such as "<f4": byte order, kind, bytes of a number
  bool fortran_order = false;
  Shape shape;
};

// The dictionary, a literal of Python with these three keys, in any order.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& path) : text_(text), path_(path) {}

  Header parse() {
    Header header;
    bool descr = false, order = false, shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !descr) {
        descr = true;
        if (peek() != '\'' && peek() != '"') fail(path_, "it holds records, not numbers of one kind");
        header.descr = quoted();
      } else if (key == "fortran_order" && !order) {
        order = true;
        header.fortran_order = accept_word("True");
        if (!header.fortran_order && !accept_word("False")) damaged();
      } else if (key == "shape" && !shape) {
        shape = true;
        header.shape = tuple();
      } else {
        damaged();
      }
      if (!accept(',') && peek() != '}') damaged();
    }
    if (!descr || !order || !shape || peek() != '\0') damaged();
    return header;
  }

 private:
  [[noreturn]] void damaged() const { fail(path_, "its header is damaged: " + shortened(text_)); }

  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) damaged();
  }
  bool accept_word(std::string_view word) {
    peek();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  std::string quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') damaged();
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) damaged();
    const std::string inside(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return inside;
  }
  Shape tuple() {
    Shape shape;
    expect('(');
    while (!accept(')')) {
      peek();
      std::int64_t extent = 0;
      const auto [next, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), extent);
      if (error != std::errc() || extent < 0) damaged();
      at_ = static_cast<std::size_t>(next - text_.data());
      accept_word("L");  // Python 2
      if (shape.rank() == Shape::max_rank)
        throw ShapeError("cannot read '" + path_ + "': it has more than " + std::to_string(Shape::max_rank) + " axes");
      shape.push_back(extent);
      if (!accept(',') && peek() != ')') damaged();
    }
    return shape;
  }

  const std::string_view text_;
  const std::string& path_;
  std::size_t at_ = 0;
};

std::uint32_t little_endian(std::string_view bytes) {
  std::uint32_t number = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

std::string take(FileReader& file, std::size_t count) {
  if (count > file.size() - file.position()) fail(file.path(), "it is cut short");
  std::string bytes(count, '\0');
  file.sgetn(bytes.data(), static_cast<std::streamsize>(count));
  file.check();
  return bytes;
}

Header read_header(FileReader& file) {
  if (file.size() < magic.size() + 4 || take(file, magic.size()) != magic)
    fail(file.path(), "it does not begin as a .npy file");
  const std::string version = take(file, 2);
  if (version[0] < 1 || version[0] > 3)
    fail(file.path(), "it is of version " + std::to_string(version[0]) + ", expected 1 to 3");
  const std::uint32_t length = little_endian(take(file, version[0] == 1 ? 2 : 4));
  return HeaderParser(take(file, length), file.path()).parse();
}

// `most` is how many numbers there may be: those of a compressed member may be many more than its bytes.
Array read_npy(FileReader& file, std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
  const std::string& path = file.path();
  const Header header = read_header(file);
  const std::string& descr = header.descr;
  const std::string kind = descr.size() < 2 ? descr : descr.substr(1);
  if (descr.size() < 2 || std::string_view("<>|=").find(descr[0]) == std::string_view::npos)
    fail(path, "its numbers are of the unknown type '" + shortened(descr) + "'");

  using enum StoredType;
  static const std::map<std::string_view, StoredType> types = {
      {"f2", float16}, {"f4", float32}, {"f8", float64}, {"i1", int8},   {"i2", int16},  {"i4", int32},
      {"i8", int64},   {"u1", uint8},   {"u2", uint16},  {"u4", uint32}, {"u8", uint64}, {"b1", boolean}};
  const auto type = types.find(kind);
  if (type == types.end())
    fail(path,
         "its numbers are of the type '" + shortened(descr) +
             "', expected floats, whole numbers or bools: complex numbers, texts, dates and objects are not read");
  if (static_cast<std::uint64_t>(header.shape.elements()) > most)
    fail(path, "it takes more than 64 MiB and four times the file");
  return read_numbers(file, type->second, header.shape,
                      {.big_endian = descr[0] == '>', .fortran = header.fortran_order});
}

}  // namespace

Array load_npy(const Text& path) {
  FileReader file(path);
  return read_npy(file);
}

static ReadZip read_zip = nullptr;

void register_zip_reader(ReadZip read) { read_zip = read; }

std::map<std::string, Array> load_npz(const Text& path) {
  if (read_zip == nullptr)
    throw ValueError("cannot load '" + path +
                     "': .npz files are for the component keras of xlayers, to link as xlayers::keras");
  std::map<std::string, Array> arrays;
  const std::uint64_t most = ((std::uint64_t{64} << 20) + 4 * FileReader(path).size()) / sizeof(float);
  for (auto& [name, bytes] : read_zip(path)) {
    const std::string array = name.ends_with(".npy") ? name.substr(0, name.size() - 4) : name;
    FileReader file(path + ", " + array, std::move(bytes));
    arrays.emplace(array, read_npy(file, most));
  }
  return arrays;
}

void save_npy(const Text& path, const Array& array) {
  if (array.empty() && array.shape().elements() != 0) throw ValueError("save_npy: expected an array, got none");
  const void* const numbers = array.dtype() == DType::int32 ? static_cast<const void*>(array.integers()) : array.data();
  std::string shape;
  for (const Dim dim : array.shape()) shape += std::to_string(dim) + (array.shape().rank() == 1 ? "," : ", ");
  if (array.shape().rank() > 1) shape.resize(shape.size() - 2);
  std::string header = std::string("{'descr': '") + (array.dtype() == DType::int32 ? "<i4" : "<f4") +
                       "', 'fortran_order': False, 'shape': (" + shape + "), }";
  const std::size_t before = magic.size() + 4;
  header.append(63 - (before + header.size()) % 64, ' ');
  header += '\n';

  WholeFile file(path);
  std::string front(magic);
  front += {'\1', '\0', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  front += header;
  file.sputn(front.data(), static_cast<std::streamsize>(front.size()));
  file.sputn(static_cast<const char*>(numbers), static_cast<std::streamsize>(array.shape().elements() * 4));
  file.commit();
}

}  // namespace xl
