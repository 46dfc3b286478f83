#pragma once

#include <map>
#include <string>

#include "xlayers/framework/base/text.hpp"
#include "xlayers/framework/tensor/data.hpp"

namespace xl {

/// Reads every tensor of a .safetensors file, the format of Hugging Face: F16, BF16, F32 and F64 as float32, whole numbers and
/// BOOL as int32, as load_npy does. Its "__metadata__" is left aside.
///
/// Throws SerializationError that names the path if the file cannot be read, is cut short or is none, and names the tensor for
/// a type that is not known and for places that overlap or leave holes; ShapeError for more than 8 axes.
std::map<std::string, Array> load_safetensors(const Text& path);

/// Writes float32 and int32 tensors. The file is there whole or not at all. Throws SerializationError that names the path if it
/// cannot be written, ValueError for a name that is "__metadata__" and for one without an array.
void save_safetensors(const Text& path, const std::map<std::string, Array>& tensors);

}  // namespace xl
