#include "xlayers/models/files/safetensors.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/whole_file.hpp"
#include "xlayers/models/files/safetensors_file.hpp"

namespace xl {
namespace {

constexpr std::uint64_t longest_header = 100'000'000;  // as the reference implementation
constexpr const char* metadata = "__metadata__";

const std::map<std::string, StoredType>& types() {
  using enum StoredType;
  static const std::map<std::string, StoredType> known = {
      {"F16", float16}, {"BF16", bfloat16}, {"F32", float32}, {"F64", float64}, {"I8", int8},
      {"I16", int16},   {"I32", int32},     {"I64", int64},   {"U8", uint8},    {"U16", uint16},
      {"U32", uint32},  {"U64", uint64},    {"BOOL", boolean}};
  return known;
}

std::uint64_t offset(const Value& value) {
  if (value.as_int() < 0) throw ValueError("expected an offset from 0 on, got " + value.to_text());
  return static_cast<std::uint64_t>(value.as_int());
}

static_assert(std::endian::native == std::endian::little);

}  // namespace

void SafetensorsFile::fail(const std::string& text) const {
  throw SerializationError("cannot read '" + file_.path() + "': " + text);
}

SafetensorsFile::Entry SafetensorsFile::read_entry(const std::string& name, const Config& config) const {
  Entry entry;
  entry.name = name;
  const std::string& dtype = config.at("dtype").as_string();
  const auto type = types().find(dtype);
  if (type == types().end())
    throw ValueError("expected numbers of a type " + joined(types(), [](const auto& known) { return known.first; }) +
                     ", got " + shortened(dtype));
  entry.type = type->second;
  entry.type_name = dtype;
  for (const Value& extent : config.at("shape").as_list()) {
    if (extent.as_int() < 0) throw ValueError("expected extents from 0 on, got " + extent.to_text());
    entry.shape.push_back(extent.as_int());
  }
  const Value::List& offsets = config.at("data_offsets").as_list();
  if (offsets.size() != 2) throw ValueError("expected two data_offsets, got " + std::to_string(offsets.size()));
  entry.begin = offset(offsets[0]);
  entry.end = offset(offsets[1]);
  const auto bytes = static_cast<std::uint64_t>(entry.shape.elements()) * size_of(entry.type);
  if (entry.end < entry.begin || entry.end - entry.begin != bytes)
    throw ValueError("expected data_offsets of " + std::to_string(bytes) + " bytes, as " + to_string(entry.shape) +
                     " of " + dtype + " takes, got " + config.at("data_offsets").to_text());
  return entry;
}

SafetensorsFile::SafetensorsFile(const std::string& path) : file_(path) {
  std::uint64_t length = 0;
  const std::uint64_t front = sizeof length;
  if (file_.size() < front) fail("it is cut short");
  file_.sgetn(reinterpret_cast<char*>(&length), sizeof length);
  file_.check();
  if (length > longest_header) fail("it does not begin as a .safetensors file");
  if (length > file_.size() - front) fail("it is cut short");
  std::string header(static_cast<std::size_t>(length), '\0');
  file_.sgetn(header.data(), static_cast<std::streamsize>(length));
  file_.check();

  std::string name;
  try {
    const Config table = Config::from_json(header);
    for (const auto& [key, value] : table.entries()) {
      if (key == metadata) continue;
      name = key;
      tensors_.push_back(read_entry(key, value.as_config()));
    }
  } catch (const Error& error) {
    fail((name.empty() ? "" : "tensor '" + shortened(name) + "': ") + error.what());
  }
  std::sort(tensors_.begin(), tensors_.end(),
            [](const Entry& a, const Entry& b) { return a.begin != b.begin ? a.begin < b.begin : a.end < b.end; });
  std::uint64_t next = 0;
  for (const Entry& entry : tensors_) {
    if (entry.begin != next)
      fail("tensor '" + shortened(entry.name) + "': expected numbers from byte " + std::to_string(next) +
           " on, behind those before it, got " + std::to_string(entry.begin));
    next = entry.end;
  }
  const std::uint64_t there = file_.size() - front - length;
  if (next > there) fail("it is cut short");
  if (next < there) fail("there are bytes behind its end");
}

Array SafetensorsFile::read() {
  const Entry& entry = tensors_.at(next_++);
  return read_numbers(file_, entry.type, entry.shape);
}

void SafetensorsFile::skip() {
  const Entry& entry = tensors_.at(next_++);
  file_.skip(entry.end - entry.begin);
}

std::map<std::string, Array> load_safetensors(const Text& path) {
  SafetensorsFile file(path);
  std::map<std::string, Array> arrays;
  for (const SafetensorsFile::Entry& entry : file.tensors()) arrays.emplace(entry.name, file.read());
  return arrays;
}

void write_safetensors_file(const std::string& path, std::span<const StoredTensor> tensors) {
  Config table;
  std::int64_t next = 0;
  for (const StoredTensor& tensor : tensors) {
    if (tensor.name == metadata || table.contains(tensor.name))
      throw ValueError("cannot write '" + path + "': a tensor cannot have the name '" + tensor.name + "'");
    Value::List shape;
    for (const Dim extent : tensor.shape) shape.emplace_back(extent);
    const std::int64_t end = next + tensor.shape.elements() * 4;
    table.set(tensor.name, Config{{"dtype", tensor.dtype == DType::int32 ? "I32" : "F32"},
                                  {"shape", std::move(shape)},
                                  {"data_offsets", Value::List{next, end}}});
    next = end;
  }
  std::string header = table.to_json();
  header.append((8 - header.size() % 8) % 8, ' ');
  const std::uint64_t length = header.size();
  WholeFile file(path);
  file.sputn(reinterpret_cast<const char*>(&length), sizeof length);
  file.sputn(header.data(), static_cast<std::streamsize>(header.size()));
  for (const StoredTensor& tensor : tensors)
    file.sputn(static_cast<const char*>(tensor.numbers), static_cast<std::streamsize>(tensor.shape.elements() * 4));
  file.commit();
}

void save_safetensors(const Text& path, const std::map<std::string, Array>& arrays) {
  std::vector<StoredTensor> tensors;
  for (const auto& [name, array] : arrays) {
    if (array.empty() && array.shape().elements() != 0)
      throw ValueError("cannot write '" + path + "': there is no array for '" + name + "'");
    tensors.push_back(stored(name, array));
  }
  write_safetensors_file(path, tensors);
}

}  // namespace xl
