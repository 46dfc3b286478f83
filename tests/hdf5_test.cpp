// What HDF5 can do and a file of weights has no use for is refused in words: numbers that stand elsewhere, filters, links.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include <fstream>
#include <functional>
#include <iterator>

#include "files.hpp"
#include "golden.hpp"
#include "xlayers/models/keras/hdf5_file.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using namespace testing_files;
using testing::HasSubstr;

const std::vector<float> numbers = {1, 2, 3, 4, 5, 6};

/// A file that HDF5's own library makes.
class Hdf5File : public testing::Test {
 protected:
  /// Its bytes, after `fill(file)` has written to it.
  std::string bytes_of(const std::function<void(hid_t)>& fill) const {
    const std::string path = folder_ / "made.h5";
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    fill(file);
    EXPECT_GE(H5Fclose(file), 0);
    std::ifstream stream(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  }

  /// What is said of a dataset 'x' of 2 x 3 numbers when it is read, "" if nothing. `set` says how it is stored.
  std::string stored(const std::function<void(hid_t)>& set, hid_t type = H5T_NATIVE_FLOAT) const {
    const std::string bytes = bytes_of([&](hid_t file) {
      const hsize_t extents[] = {2, 3};
      const hid_t space = H5Screate_simple(2, extents, nullptr), creation = H5Pcreate(H5P_DATASET_CREATE);
      set(creation);
      const hid_t dataset = H5Dcreate2(file, "x", type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
      EXPECT_GE(dataset, 0);
      if (const H5T_class_t kind = H5Tget_class(type); kind == H5T_FLOAT || kind == H5T_INTEGER) {
        EXPECT_GE(H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers.data()), 0);
      }
      H5Dclose(dataset);
      H5Pclose(creation);
      H5Sclose(space);
    });
    return error_of<SerializationError>([&] {
      const Hdf5Reader reader(bytes, "[it] ");
      std::vector<float> found(6);
      EXPECT_EQ(reader.shape("x"), (Shape{2, 3}));
      reader.read("x", found.data());
      EXPECT_EQ(found, numbers);
    });
  }

  /// What is said of a file when it is opened.
  std::string opened(const std::function<void(hid_t)>& fill) const {
    return error_of<SerializationError>([&] { Hdf5Reader(bytes_of(fill), "[it] "); });
  }

  const FileFolder folder_;
};

void chunked(hid_t creation) {
  const hsize_t chunk[] = {2, 2};
  H5Pset_chunk(creation, 2, chunk);
}

TEST_F(Hdf5File, MayBeStoredInPartsAndCompressed) {
  EXPECT_EQ(stored([](hid_t) {}), "no error");
  EXPECT_EQ(stored(chunked), "no error");
  EXPECT_EQ(stored([](hid_t creation) { H5Pset_layout(creation, H5D_COMPACT); }), "no error");
  EXPECT_EQ(stored([](hid_t creation) {
              chunked(creation);
              H5Pset_deflate(creation, 6);
            }),
            "no error");
  for (const hid_t type : {H5T_NATIVE_DOUBLE, H5T_NATIVE_INT32, H5T_NATIVE_INT64, H5T_NATIVE_UINT8, H5T_IEEE_F32BE})
    EXPECT_EQ(stored([](hid_t) {}, type), "no error");
}

TEST_F(Hdf5File, DoesNotLeadToOtherFiles) {
  const std::string refused =
      "[it] its dataset 'x' is damaged, stored in another file, or by a filter that is not gzip";
  write(folder_ / "numbers", std::string(6 * sizeof(float), '\1'));
  const std::string path = folder_ / "numbers";
  EXPECT_EQ(stored([&](hid_t creation) { H5Pset_external(creation, path.c_str(), 0, 6 * sizeof(float)); }), refused);
  EXPECT_EQ(
      opened([&](hid_t file) { H5Lcreate_external("other.h5", "x", file, "elsewhere", H5P_DEFAULT, H5P_DEFAULT); }),
      "[it] 'elsewhere' leads elsewhere, which is not followed");
  EXPECT_EQ(opened([](hid_t file) { H5Lcreate_soft("/x", file, "elsewhere", H5P_DEFAULT, H5P_DEFAULT); }),
            "[it] 'elsewhere' leads elsewhere, which is not followed");
  // A dataset that is put together from those of other files.
  EXPECT_EQ(error_of<SerializationError>([&] {
              const hsize_t extents[] = {2, 3};
              const std::string bytes = bytes_of([&](hid_t file) {
                const hid_t space = H5Screate_simple(2, extents, nullptr), creation = H5Pcreate(H5P_DATASET_CREATE);
                H5Pset_virtual(creation, space, "other.h5", "x", space);
                H5Dclose(H5Dcreate2(file, "x", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, creation, H5P_DEFAULT));
                H5Pclose(creation);
                H5Sclose(space);
              });
              std::vector<float> found(6);
              Hdf5Reader(bytes, "[it] ").read("x", found.data());
            }),
            refused);
}

TEST_F(Hdf5File, HasNoFilterButGzip) {
  const std::string refused =
      "[it] its dataset 'x' is damaged, stored in another file, or by a filter that is not gzip";
  for (const auto& set :
       {+[](hid_t creation) { H5Pset_shuffle(creation); }, +[](hid_t creation) { H5Pset_fletcher32(creation); },
        +[](hid_t creation) {
          H5Pset_deflate(creation, 6);
          H5Pset_shuffle(creation);
        }})
    EXPECT_EQ(stored([&](hid_t creation) {
                chunked(creation);
                set(creation);
              }),
              refused);
}

TEST_F(Hdf5File, HoldsNumbers) {
  const hid_t text = H5Tcopy(H5T_C_S1), opaque = H5Tcreate(H5T_OPAQUE, 3);
  for (const hid_t type : {text, opaque}) {
    EXPECT_EQ(stored([](hid_t) {}, type), "[it] its dataset 'x' does not hold numbers");
    H5Tclose(type);
  }
  // Halves are numbers; what has its parts elsewhere is none.
  const hid_t half = H5Tcopy(H5T_IEEE_F32LE), odd = H5Tcopy(H5T_NATIVE_INT32), bent = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(half, 15, 10, 5, 0, 10);
  H5Tset_size(half, 2);
  H5Tset_ebias(half, 15);
  H5Tset_precision(odd, 20);
  H5Tset_fields(bent, 31, 24, 7, 0, 24);
  EXPECT_EQ(stored([](hid_t) {}, half), "no error");
  for (const hid_t type : {odd, bent})
    EXPECT_EQ(stored([](hid_t) {}, type), "[it] its dataset 'x' does not hold numbers");
  for (const hid_t type : {half, odd, bent}) H5Tclose(type);
  EXPECT_EQ(opened([](hid_t file) {
              const hid_t type = H5Tcopy(H5T_NATIVE_INT);
              H5Tcommit2(file, "type", type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
              H5Tclose(type);
            }),
            "[it] 'type' is neither a group nor a dataset");
}

// Keras' bfloat16: the upper halves of floats.
TEST_F(Hdf5File, HoldsBfloat16) {
  const std::string bytes = bytes_of([](hid_t file) {
    const std::uint16_t halves[] = {0x3f80, 0xc000, 0x7f80};  // 1, -2, infinity
    const hsize_t extent = 3;
    const hid_t space = H5Screate_simple(1, &extent, nullptr), type = H5Tcreate(H5T_OPAQUE, 2);
    const hid_t dataset = H5Dcreate2(file, "x", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, halves);
    H5Dclose(dataset);
    H5Tclose(type);
    H5Sclose(space);
  });
  std::vector<float> found(3);
  Hdf5Reader(bytes, "[it] ").read("x", found.data());
  EXPECT_EQ(found, (std::vector<float>{1, -2, INFINITY}));
}

TEST_F(Hdf5File, HasDatasetsOfUpToEightAxes) {
  const auto said = [&](hid_t space) {
    const std::string bytes = bytes_of([&](hid_t file) {
      H5Dclose(H5Dcreate2(file, "x", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
      H5Sclose(space);
    });
    return error_of<SerializationError>([&] { Hdf5Reader(bytes, "[it] ").shape("x"); });
  };
  const std::vector<hsize_t> ones(9, 1);
  EXPECT_EQ(said(H5Screate_simple(8, ones.data(), nullptr)), "no error");
  EXPECT_EQ(said(H5Screate(H5S_SCALAR)), "no error");
  const std::string refused = "[it] its dataset 'x' has no shape of up to 8 axes";
  EXPECT_EQ(said(H5Screate_simple(9, ones.data(), nullptr)), refused);
  EXPECT_EQ(said(H5Screate(H5S_NULL)), refused);
}

TEST_F(Hdf5File, HasGroupsOfUpToSixtyFourLevels) {
  const auto said = [&](int levels) {
    return opened([&](hid_t file) {
      std::string path;
      for (int level = 0; level < levels; ++level) {
        path += "/g";
        H5Gclose(H5Gcreate2(file, path.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
      }
    });
  };
  EXPECT_EQ(said(64), "no error");
  EXPECT_EQ(said(65), "[it] its groups stand more than 64 levels deep");
}

TEST_F(Hdf5File, HoldsAWholeNumber) {
  const auto said = [&](hid_t type, std::vector<hsize_t> extents) {
    const std::string bytes = bytes_of([&](hid_t file) {
      const hid_t space = H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr);
      const hid_t dataset = H5Dcreate2(file, "x", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
      const std::int64_t number = 1234567890123;
      if (extents == std::vector<hsize_t>{1}) {
        EXPECT_GE(H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, &number), 0);
      }
      H5Dclose(dataset);
      H5Sclose(space);
    });
    return error_of<SerializationError>([&] { EXPECT_EQ(Hdf5Reader(bytes, "[it] ").read_whole("x"), 1234567890123); });
  };
  EXPECT_EQ(said(H5T_NATIVE_INT64, {1}), "no error");
  EXPECT_EQ(said(H5T_NATIVE_FLOAT, {1}), "[it] its dataset 'x' does not hold a whole number");
  EXPECT_EQ(said(H5T_NATIVE_INT64, {2}), "[it] its dataset 'x' is not one number");
}

TEST_F(Hdf5File, SaysWhatItLacks) {
  const std::string bytes = bytes_of([](hid_t) {});
  const Hdf5Reader reader(bytes, "[it] ");
  EXPECT_FALSE(reader.contains("x"));
  EXPECT_EQ(error_of<SerializationError>([&] { reader.shape("x"); }), "[it] it has no dataset 'x'");
  EXPECT_THAT(error_of<SerializationError>([] { Hdf5Reader("no file", "[it] "); }), HasSubstr("it is no HDF5 file"));
}

}  // namespace
}  // namespace xl
