// .npy files against those of NumPy (tests/golden/npy.json).

#include "xlayers/models/data/npy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "files.hpp"
#include "golden.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/embedding.hpp"
#include "xlayers/models/model/sequential.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using namespace testing_files;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Npy, ReadsWhatNumPyWrites) {
  const FileFolder folder;
  for (const auto& [name, json] : golden("npy").at("cases").items()) {
    SCOPED_TRACE(name);
    write(folder / "x.npy", from_hex(json.at("bytes")));
    const Array array = load_npy(folder / "x.npy");
    const auto dims = json.at("shape").get<std::vector<Dim>>();
    EXPECT_EQ(array.shape(), Shape(dims.begin(), dims.end()));
    const bool floats = json.at("dtype").get<std::string>()[1] == 'f';
    EXPECT_EQ(array.dtype(), floats ? DType::float32 : DType::int32);
    const Tensor values = array;
    const auto truths = json.at("data").get<std::vector<double>>();
    ASSERT_EQ(values.size(), truths.size());
    for (std::size_t i = 0; i < truths.size(); ++i) {
      EXPECT_EQ(values.data()[i], static_cast<float>(truths[i])) << i;
      EXPECT_EQ(std::signbit(values.data()[i]), std::signbit(truths[i])) << i;
    }
    if (!floats && array.fits()) {
      const IntTensor integers = array;
      for (std::size_t i = 0; i < truths.size(); ++i) EXPECT_EQ(integers.data()[i], truths[i]) << i;
    }
  }
}

TEST(Npy, WritesWhatNumPyWrites) {
  const FileFolder folder;
  int compared = 0;
  for (const auto& [name, json] : golden("npy").at("cases").items()) {
    const std::string dtype = json.at("dtype"), bytes = from_hex(json.at("bytes"));
    if ((dtype != "<f4" && dtype != "<i4") || name.starts_with("fortran") || name.starts_with("version")) continue;
    SCOPED_TRACE(name);
    write(folder / "x.npy", bytes);
    save_npy(folder / "y.npy", load_npy(folder / "x.npy"));
    EXPECT_EQ(bytes_of(folder / "y.npy"), bytes);
    ++compared;
  }
  EXPECT_GE(compared, 9);
  // A header of more than 128 bytes.
  const Tensor x = drawn({1, 1, 1, 1, 1, 1, 1, 7}, 1);
  save_npy(folder / "x.npy", x);
  EXPECT_TRUE(same_bits(Tensor(load_npy(folder / "x.npy")), x));
}

TEST(Npy, GoesIntoAModel) {
  const FileFolder folder;
  const Sequential model{Input({3}, {.dtype = "int32"}), Embedding({.input_dim = 5, .output_dim = 2}),
                         Dense({.units = 1})};
  const IntTensor ids{{0, 1, 2}, {4, 3, 2}};
  save_npy(folder / "ids.npy", ids);
  EXPECT_TRUE(same_bits(model.predict(load_npy(folder / "ids.npy")), model.predict(ids)));
  write(folder / "wide.npy", from_hex(golden("npy").at("cases").at("wide").at("bytes")));
  EXPECT_THAT(error_of<ValueError>([&] { const IntTensor wide = load_npy(folder / "wide.npy"); }),
              HasSubstr("2147483648"));
}

TEST(Npy, SaysWhatItDoesNotRead) {
  const FileFolder folder;
  for (const auto& [name, json] : golden("npy").at("refused").items()) {
    SCOPED_TRACE(name);
    write(folder / "x.npy", from_hex(json.at("bytes")));
    EXPECT_THAT(error_of<Error>([&] { load_npy(folder / "x.npy"); }),
                testing::AllOf(StartsWith("cannot read '" + (folder / "x.npy") + "': it"),
                               testing::AnyOf(HasSubstr("of the type '"), HasSubstr("records"), HasSubstr("axes"))));
  }
  EXPECT_EQ(error_of<SerializationError>([&] { load_npy(folder / "none.npy"); }),
            "cannot read '" + (folder / "none.npy") + "': No such file or directory");
  EXPECT_THAT(error_of<ValueError>([&] { save_npy(folder / "x.npy", Array()); }), HasSubstr("expected an array"));
}

TEST(Npy, SaysWhatReadsArchives) {
  EXPECT_EQ(error_of<ValueError>([] { load_npz("x.npz"); }),
            "cannot load 'x.npz': .npz files are for the component keras of xlayers, to link as xlayers::keras");
}

// Cut anywhere, and changed anywhere: an error, or numbers.
TEST(Npy, DamagedFilesAreErrorsOrNumbers) {
  const FileFolder folder;
  std::mt19937 engine(1);
  for (const auto& [name, json] : golden("npy").at("cases").items()) {
    const std::string bytes = from_hex(json.at("bytes"));
    const bool has_numbers = !json.at("data").empty();
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      write(folder / "x.npy", bytes.substr(0, length));
      const std::string error = error_of<Error>([&] { load_npy(folder / "x.npy"); });
      EXPECT_THAT(error, StartsWith("cannot read '")) << name << " " << length << has_numbers;
    }
    for (int round = 0; round < 200; ++round) {
      std::string damaged = bytes;
      for (unsigned changes = 1 + engine() % 3; changes > 0; --changes)
        damaged[engine() % damaged.size()] =
            static_cast<char>(engine() % 3 == 0 ? engine() : "0123456789()',{}TF<>"[engine() % 20]);
      write(folder / "x.npy", damaged);
      try {
        load_npy(folder / "x.npy");
      } catch (const Error&) {
      }
    }
  }
  // What would be more than there is memory for.
  for (const char* shape : {"(99999999999, 99999999999)", "(4611686018427387904,)", "(9223372036854775807, 2)",
                            "(99999999999999999999999,)", "(-1,)", "(1000000000,)"}) {
    std::string header = std::string("{'descr': '<f4', 'fortran_order': False, 'shape': ") + shape + ", }\n";
    write(folder / "x.npy",
          std::string("\x93NUMPY\1\0", 8) + static_cast<char>(header.size()) + '\0' + header + "1234");
    EXPECT_NE(error_of<Error>([&] { load_npy(folder / "x.npy"); }), "no error") << shape;
  }
}

}  // namespace
}  // namespace xl
