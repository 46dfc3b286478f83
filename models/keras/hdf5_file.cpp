#include "xlayers/models/keras/hdf5_file.hpp"

#include <hdf5.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/half.hpp"
#include "xlayers/models/keras/hdf5_bytes.hpp"

namespace xl {
namespace {

static_assert(sizeof(hid_t) <= sizeof(std::int64_t));

// The library has one state for all, and need not be built for threads.
std::recursive_mutex& library() {
  static std::recursive_mutex mutex;
  [[maybe_unused]] static const bool quiet = [] {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // what fails throws here, and prints nothing
    H5PLset_loading_state(0);                     // no code from anywhere
    return true;
  }();
  return mutex;
}

/// What the library has opened, closed at the end.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  explicit operator bool() const { return id_ >= 0; }
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

// Whether a compact dataset, whose numbers stand in its header, has as many there as its shape says. The library believes it.
bool is_whole(hid_t dataset) {
  const Handle space(H5Dget_space(dataset), H5Sclose), type(H5Dget_type(dataset), H5Tclose);
  const hssize_t elements = H5Sget_simple_extent_npoints(space);
  const std::size_t size = H5Tget_size(type);
  return elements >= 0 && size > 0 && H5Dget_storage_size(dataset) / size == static_cast<hsize_t>(elements);
}

// Whether a type is that of whole numbers, or of floats, as machines have them, with each part where it belongs.
bool is_number(hid_t type) {
  const std::size_t size = H5Tget_size(type);
  if (size > 8 || H5Tget_offset(type) != 0 || H5Tget_precision(type) != 8 * size) return false;
  if (H5Tget_class(type) == H5T_INTEGER) return true;
  std::size_t sign = 0, exponent = 0, exponent_bits = 0, mantissa = 0, mantissa_bits = 0;
  if (H5Tget_class(type) != H5T_FLOAT ||
      H5Tget_fields(type, &sign, &exponent, &exponent_bits, &mantissa, &mantissa_bits) < 0)
    return false;
  return exponent_bits == (size == 2   ? 5
                           : size == 4 ? 8
                                       : 11) &&
         mantissa == 0 && mantissa_bits == exponent && exponent + exponent_bits == sign && sign + 1 == 8 * size;
}

// Whether a dataset's numbers stand in the file itself, as they are or compressed by gzip.
bool plainly_stored(hid_t dataset) {
  const Handle creation(H5Dget_create_plist(dataset), H5Pclose);
  if (!creation || H5Pget_external_count(creation) != 0) return false;
  const H5D_layout_t layout = H5Pget_layout(creation);
  if (layout == H5D_COMPACT && !is_whole(dataset)) return false;
  if (layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED) return false;
  const int filters = H5Pget_nfilters(creation);
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0;
    std::size_t count = 0;
    if (H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &count, nullptr, 0, nullptr, nullptr) !=
        H5Z_FILTER_DEFLATE)
      return false;
  }
  return filters >= 0;
}

}  // namespace

// ---- reading

Hdf5Reader::Hdf5Reader(std::string bytes, std::string label) : bytes_(std::move(bytes)), label_(std::move(label)) {
  const std::lock_guard lock(library());
  const Handle access(hdf5_access_to(bytes_), H5Pclose);
  file_ = H5Fopen("xlayers", H5F_ACC_RDONLY, access);
  if (file_ < 0) fail("it is no HDF5 file");
  try {
    list(file_, "", 0);
  } catch (...) {
    H5Fclose(file_);
    throw;
  }
  std::sort(datasets_.begin(), datasets_.end());
}

Hdf5Reader::~Hdf5Reader() {
  const std::lock_guard lock(library());
  H5Fclose(file_);
}

void Hdf5Reader::fail(const std::string& text) const { throw SerializationError(label_ + text); }

void Hdf5Reader::list(std::int64_t group, const std::string& path, int depth) {
  constexpr std::size_t most = 100'000;
  if (depth > 64) fail("its groups stand more than 64 levels deep");
  H5G_info_t info;
  if (H5Gget_info(group, &info) < 0) fail("its group '" + path + "' is damaged");
  if (info.nlinks > most) fail("it has more than 100000 groups and datasets");
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const ssize_t length = H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_NATIVE, i, nullptr, 0, H5P_DEFAULT);
    if (length < 0 || length > 1000) fail("its group '" + path + "' is damaged");
    std::string name(static_cast<std::size_t>(length) + 1, '\0');
    H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_NATIVE, i, name.data(), name.size(), H5P_DEFAULT);
    name.pop_back();
    const std::string full = path.empty() ? name : path + "/" + name;
    H5L_info_t link;
    if (H5Lget_info(group, name.c_str(), &link, H5P_DEFAULT) < 0) fail("its link '" + full + "' is damaged");
    if (link.type != H5L_TYPE_HARD) fail("'" + full + "' leads elsewhere, which is not followed");
    const Handle object(H5Oopen(group, name.c_str(), H5P_DEFAULT), H5Oclose);
    if (!object) fail("'" + full + "' is damaged");
    const H5I_type_t type = H5Iget_type(object);
    if (type == H5I_GROUP)
      list(object, full, depth + 1);
    else if (type == H5I_DATASET)
      datasets_.push_back(full);
    else
      fail("'" + full + "' is neither a group nor a dataset");
    if (datasets_.size() > most) fail("it has more than 100000 groups and datasets");
  }
}

bool Hdf5Reader::contains(const std::string& dataset) const {
  return std::binary_search(datasets_.begin(), datasets_.end(), dataset);
}

std::int64_t Hdf5Reader::open(const std::string& dataset) const {
  if (!contains(dataset)) fail("it has no dataset '" + dataset + "'");
  const hid_t opened = H5Dopen2(file_, dataset.c_str(), H5P_DEFAULT);
  if (opened < 0) fail("its dataset '" + dataset + "' is damaged");
  return opened;
}

Shape Hdf5Reader::shape(const std::string& dataset) const {
  const std::lock_guard lock(library());
  const Handle opened(open(dataset), H5Dclose);
  const Handle space(H5Dget_space(opened), H5Sclose);
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0 || rank > static_cast<int>(Shape::max_rank) || H5Sget_simple_extent_type(space) == H5S_NULL)
    fail("its dataset '" + dataset + "' has no shape of up to 8 axes");
  std::array<hsize_t, Shape::max_rank> extents{};
  H5Sget_simple_extent_dims(space, extents.data(), nullptr);
  Shape shape;
  for (int axis = 0; axis < rank; ++axis) {
    if (extents[axis] > std::uint64_t{1} << 48) fail("its dataset '" + dataset + "' is too large");
    shape.push_back(static_cast<Dim>(extents[axis]));
  }
  return shape;
}

void Hdf5Reader::read(const std::string& dataset, float* numbers) const {
  const std::lock_guard lock(library());
  const Shape shape = this->shape(dataset);
  const Handle opened(open(dataset), H5Dclose);
  if (!plainly_stored(opened))
    fail("its dataset '" + dataset + "' is damaged, stored in another file, or by a filter that is not gzip");
  const Handle type(H5Dget_type(opened), H5Tclose);
  herr_t status = -1;
  if (is_number(type)) {
    status = H5Dread(opened, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers);
  } else if (H5Tget_class(type) == H5T_OPAQUE && H5Tget_size(type) == 2) {  // Keras' bfloat16
    std::vector<std::uint16_t> halves(static_cast<std::size_t>(shape.elements()));
    status = H5Dread(opened, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, halves.data());
    std::transform(halves.begin(), halves.end(), numbers, from_bfloat16);
  } else {
    fail("its dataset '" + dataset + "' does not hold numbers");
  }
  if (status < 0) fail("its dataset '" + dataset + "' is damaged");
}

std::int64_t Hdf5Reader::read_whole(const std::string& dataset) const {
  const std::lock_guard lock(library());
  if (shape(dataset).elements() != 1) fail("its dataset '" + dataset + "' is not one number");
  const Handle opened(open(dataset), H5Dclose);
  const Handle type(H5Dget_type(opened), H5Tclose);
  std::int64_t number = 0;
  if (!plainly_stored(opened) || H5Tget_class(type) != H5T_INTEGER || !is_number(type) ||
      H5Dread(opened, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, &number) < 0)
    fail("its dataset '" + dataset + "' does not hold a whole number");
  return number;
}

// ---- writing

namespace {

void require(bool good, const char* what) {
  if (!good) throw SerializationError(std::string("cannot make an HDF5 file: ") + what);
}

void write_dataset(hid_t file, const std::string& path, const Shape& shape, hid_t stored, hid_t given,
                   const void* data) {
  std::array<hsize_t, Shape::max_rank> extents{};
  std::copy(shape.begin(), shape.end(), extents.begin());
  const Handle space(shape.rank() == 0 ? H5Screate(H5S_SCALAR)
                                       : H5Screate_simple(static_cast<int>(shape.rank()), extents.data(), nullptr),
                     H5Sclose);
  const Handle links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(links, 1);
  const Handle dataset(H5Dcreate2(file, path.c_str(), stored, space, links, H5P_DEFAULT, H5P_DEFAULT), H5Dclose);
  require(bool(dataset), "a dataset");
  require(shape.elements() == 0 || H5Dwrite(dataset, given, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0, "a dataset");
}

}  // namespace

Hdf5Writer::Hdf5Writer() {
  const std::lock_guard lock(library());
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fapl_core(access, 1 << 20, 0);  // nothing reaches a disk
  file_ = H5Fcreate("xlayers", H5F_ACC_TRUNC, H5P_DEFAULT, access);
  require(file_ >= 0, "the file");
}

Hdf5Writer::~Hdf5Writer() {
  const std::lock_guard lock(library());
  if (file_ >= 0) H5Fclose(file_);
}

void Hdf5Writer::group(const std::string& path, const std::string& name) {
  const std::lock_guard lock(library());
  const Handle links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(links, 1);
  const Handle group(H5Gcreate2(file_, path.c_str(), links, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
  require(bool(group), "a group");
  const Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  const Handle attribute(H5Acreate2(group, "name", type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  const char* text = name.c_str();
  require(attribute && H5Awrite(attribute, type, &text) >= 0, "an attribute");
}

void Hdf5Writer::write(const std::string& dataset, const Shape& shape, const float* numbers) {
  const std::lock_guard lock(library());
  write_dataset(file_, dataset, shape, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, numbers);
}

void Hdf5Writer::write_whole(const std::string& dataset, std::int32_t number) {
  const std::lock_guard lock(library());
  write_dataset(file_, dataset, {}, H5T_STD_I32LE, H5T_NATIVE_INT32, &number);
}

std::string Hdf5Writer::bytes() {
  const std::lock_guard lock(library());
  require(H5Fflush(file_, H5F_SCOPE_GLOBAL) >= 0, "the file");
  const ssize_t size = H5Fget_file_image(file_, nullptr, 0);
  require(size > 0, "the file");
  std::string bytes(static_cast<std::size_t>(size), '\0');
  require(H5Fget_file_image(file_, bytes.data(), bytes.size()) == size, "the file");
  return bytes;
}

}  // namespace xl
