#include "readers.hpp"

#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "../files.hpp"
#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/graph/without_drawing.hpp"
#include "xlayers/models/keras/hdf5_file.hpp"
#include "xlayers/models/keras/zip_archive.hpp"
#include "xlayers/xlayers.hpp"

// What we allocate above 64 MiB is a fault: `new` gets nothing, and the program ends. HDF5's library, which believes any size in
// a file, gets nothing either, and takes that for an error; what it then does not give back is its own.
extern "C" {
const char* __asan_default_options();
const char* __asan_default_options() { return "allocator_may_return_null=1:max_allocation_size_mb=64"; }
const char* __lsan_default_suppressions();
const char* __lsan_default_suppressions() { return "leak:libhdf5"; }
}

namespace xl::fuzz {
namespace {

/// Runs `read` on a file of these bytes, and takes nothing ill but what is no xl::Error.
template <class Read>
void read_file(const char* ending, const std::string& bytes, Read read) {
  static const std::string folder = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : testing::TempDir();
  const std::string path = folder + "/xlayers_fuzz_" + std::to_string(::getpid()) + ending;
  testing_files::write(path, bytes);
  try {
    read(path);
  } catch (const Error&) {
  }
  std::remove(path.c_str());
}

/// A model for weights from elsewhere.
Sequential small_model() {
  return Sequential({Input({8}), Dense({.units = 16, .name = "hidden"}), Dense({.units = 1, .name = "out"})}, "small");
}

void load(const std::string& path) {
  const Model model = load_model(path, {.check_test_case = true});
  if (model.built()) model.save_weights(path);
}

void load_weights(const std::string& path) { small_model().load_weights(path); }

void load_weights_by_name(const std::string& path) {
  small_model().load_weights(path, {.by_name = true, .skip_mismatch = true});
}

void read_xl(const std::string& bytes) {
  read_file(".xl", bytes, load);
  read_file(".xl", bytes, load_weights);
}

/// The archive behind a header that fits, so that its checksum does not keep everything out.
template <const char* format>
void read_xl_archive(const std::string& archive) {
  const std::string bytes = testing_files::resealed("xlayers-model 1 " + std::string(format) + " 0 0\n" + archive);
  read_file(".xl", bytes, load);
  read_file(".xl", bytes, load_weights);
  read_file(".xl", bytes, load_weights_by_name);
}

constexpr char binary[] = "binary", text[] = "text", xml[] = "xml";

void read_json(const std::string& bytes) {
  try {
    const WithoutDrawing without(1 << 24);  // as load_model, which knows how many numbers the file has
    model_from_json(bytes);
  } catch (const Error&) {
  }
}

void read_keras(const std::string& bytes) {
  read_file(".keras", bytes, [](const std::string& path) { load_model(path); });
}

void read_weights_h5(const std::string& bytes) { read_file(".weights.h5", bytes, load_weights); }

void read_npy(const std::string& bytes) {
  read_file(".npy", bytes, [](const std::string& path) { load_npy(path); });
}

void read_npz(const std::string& bytes) {
  read_file(".npz", bytes, [](const std::string& path) { load_npz(path); });
}

void read_safetensors(const std::string& bytes) {
  read_file(".safetensors", bytes, [](const std::string& path) { load_safetensors(path); });
  read_file(".safetensors", bytes, load_weights);
}

void read_table(const std::string& bytes) {
  for (const char* missing : {"error", "previous"})
    read_file(".csv", bytes, [&](const std::string& path) { read_csv(path, {.missing = missing}); });
}

constexpr Reader all[] = {
    {"xl", read_xl},
    {"xl_binary", read_xl_archive<binary>},
    {"xl_text", read_xl_archive<text>},
    {"xl_xml", read_xl_archive<xml>},
    {"json", read_json},

    {"keras", read_keras},
    {"hdf5", read_weights_h5},
    {"npy", read_npy},
    {"npz", read_npz},
    {"safetensors", read_safetensors},
    {"csv", read_table},
};

}  // namespace

std::span<const Reader> readers() { return all; }

const Reader& reader_of(const std::string& name) {
  for (const Reader& reader : all)
    if (reader.name == name) return reader;
  throw ValueError("unknown reader '" + name + "'; known are " +
                   joined(readers(), [](const Reader& reader) { return reader.name; }));
}

}  // namespace xl::fuzz
