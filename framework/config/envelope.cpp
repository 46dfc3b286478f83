#include "xlayers/framework/config/envelope.hpp"

#include <charconv>
#include <locale>
#include <sstream>

#include "xlayers/framework/base/errors.hpp"

namespace xl {
namespace {

constexpr Format formats[] = {Format::json, Format::text, Format::binary, Format::xml};

std::string padded(std::uint64_t number, int base, int digits) {
  char text[20];
  const char* end = std::to_chars(text, text + sizeof text, number, base).ptr;
  const std::string number_text(static_cast<const char*>(text), end);
  const auto width = static_cast<std::size_t>(digits);
  return std::string(width > number_text.size() ? width - number_text.size() : 0, '0') + number_text;
}

/// The line with its end; no more than a header can have.
std::string take_line(std::streambuf& in) {
  constexpr std::size_t longest = 80;
  std::string line;
  while (line.size() < longest && (line.empty() || line.back() != '\n')) {
    const int byte = in.sbumpc();
    if (byte == std::char_traits<char>::eof()) break;
    line += static_cast<char>(byte);
  }
  return line;
}

}  // namespace

const char* name_of(Format format) {
  switch (format) {
    case Format::json:
      return "json";
    case Format::text:
      return "text";
    case Format::binary:
      return "binary";
    case Format::xml:
      return "xml";
  }
  throw ValueError("expected a format of json, text, binary and xml, got number " +
                   std::to_string(static_cast<int>(format)));
}

std::string Envelope::write(const Header& header) const {
  return std::string(magic) + ' ' + std::to_string(header.version) + ' ' + name_of(header.format) + ' ' +
         padded(header.length, 10, length_digits) + ' ' + padded(header.checksum, 16, 16) + '\n';
}

Envelope::Header Envelope::read(std::streambuf& in, const Format* expected) const {
  const std::string line = take_line(in);
  if (line.empty()) fail("the " + std::string(from) + " is empty");
  if (!line.starts_with(std::string(magic) + ' '))
    fail("the " + std::string(from) + " does not begin with '" + std::string(magic) + "'");

  std::istringstream fields(line.substr(magic.size()));
  fields.imbue(std::locale::classic());
  Header header;
  fields >> header.version;
  if (fields && header.version > version)
    fail("it was written by a newer version of xlayers (format " + std::to_string(header.version) +
         ", this one reads " + std::to_string(version) + ")");
  std::string format, sum;
  fields >> format;
  bool known = false;
  for (const Format one : formats)
    if (format == name_of(one)) header.format = one, known = true;
  if (fields && known && expected != nullptr && header.format != *expected)
    fail("expected the format " + std::string(name_of(*expected)) + ", got " + format);
  fields >> header.length >> sum;
  const char* end = sum.data() + sum.size();
  // Every header has exactly one spelling, so this also finds a change of the header itself.
  if (!fields || !known || header.version < 1 || std::from_chars(sum.data(), end, header.checksum, 16).ptr != end ||
      line != write(header))
    fail("its header is damaged");
  return header;
}

void Envelope::fail(const std::string& text) const {
  throw SerializationError("cannot read " + std::string(what) + ": " + text);
}

void Envelope::cut_short(const Header& header, std::uint64_t there) const {
  fail("it is cut short, " + std::to_string(header.length) + " bytes were written and " + std::to_string(there) +
       " are there");
}

void Envelope::changed() const { fail("it was changed after it was written"); }

}  // namespace xl
