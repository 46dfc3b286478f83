#pragma once

#include <map>
#include <string>

#include "xlayers/framework/base/text.hpp"
#include "xlayers/framework/tensor/data.hpp"

namespace xl {

/// Reads a NumPy file, `numpy.save("x.npy", x)`. The array goes wherever data goes, and is a tensor where one is asked for:
///
///     const xl::Tensor x = xl::load_npy("x.npy");
///     model.predict(xl::load_npy("x.npy"));
///
/// float16, float32 and float64 become float32, whole numbers and bools int32; int64 and uint32 numbers that do not fit there
/// go only as floats, as those of a program. In either byte order, and in Fortran's order of the axes too.
///
/// Throws SerializationError that names the path if the file cannot be read, is cut short or is no .npy, and for complex
/// numbers, texts, dates, records and objects; ShapeError for more than 8 axes.
Array load_npy(const Text& path);

/// Writes float32 or int32 numbers for `numpy.load`. The file is there whole or not at all. Throws SerializationError that
/// names the path if it cannot be written.
void save_npy(const Text& path, const Array& array);

/// Reads every array of a .npz file, `numpy.savez("x.npz", x=x, y=y)` or savez_compressed, by name: `load_npz("x.npz").at("x")`, or
/// all of them as the inputs of a model.
///
/// Needs the component xlayers::keras, for its zip archives. Throws ValueError without it, and as load_npy, naming the array.
std::map<std::string, Array> load_npz(const Text& path);

}  // namespace xl
