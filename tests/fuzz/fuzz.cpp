// libFuzzer on one reader, which the environment names: XLAYERS_READER=npy. tests/fuzz.sh runs them all.

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "readers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count);

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  static const xl::fuzz::Reader& reader = [] {
    const char* name = std::getenv("XLAYERS_READER");
    return xl::fuzz::reader_of(name == nullptr ? "" : name);
  }();
  reader.read(std::string(reinterpret_cast<const char*>(bytes), count));
  return 0;
}
