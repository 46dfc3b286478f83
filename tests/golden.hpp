#pragma once

// What the tests share: golden data, tensors to draw and to compare, the text of an error.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/config.hpp"
#include "xlayers/framework/tensor/tensor.hpp"

namespace xl::testing_golden {

/// Keeps the order of keys.
using Json = nlohmann::ordered_json;

/// tests/golden/NAME.json, read once.
inline const Json& golden(const std::string& name) {
  static std::map<std::string, Json> files;
  const auto found = files.find(name);
  if (found != files.end()) return found->second;
  std::ifstream file(XLAYERS_GOLDEN_DIR "/" + name + ".json");
  return files[name] = Json::parse(file);
}

/// {"shape": [...], "data": [...]}
inline Tensor tensor(const Json& json) {
  const auto dims = json.at("shape").get<std::vector<Dim>>();
  Tensor result = empty(Shape(dims.begin(), dims.end()));
  const auto data = json.at("data").get<std::vector<double>>();
  for (std::size_t i = 0; i < data.size(); ++i) result.data()[i] = static_cast<float>(data[i]);
  return result;
}

inline std::vector<Tensor> tensors(const Json& list) {
  std::vector<Tensor> result;
  for (const Json& json : list) result.push_back(tensor(json));
  return result;
}

inline std::vector<double> numbers(const Json& tensor) { return tensor.at("data").get<std::vector<double>>(); }

/// The same numbers for the same seed, uniform in [-1, 1), with 24 bits each.
inline Tensor drawn(const Shape& shape, unsigned seed) {
  std::mt19937 engine(seed);
  Tensor result = empty(shape);
  for (std::size_t i = 0; i < result.size(); ++i)
    result.data()[i] = static_cast<float>(engine() >> 8) / 8388608.0f - 1.0f;
  return result;
}

inline double largest(const std::vector<double>& values) {
  double most = 0.0;
  for (double value : values) most = std::max(most, std::abs(value));
  return most;
}

/// The largest difference between two tensors; infinite if they do not have the same size, or hold a NaN.
inline double difference(const Tensor& values, const std::vector<double>& truth) {
  if (values.size() != truth.size()) return INFINITY;
  double most = 0.0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const double error = std::abs(static_cast<double>(values.data()[i]) - truth[i]);
    if (!(error <= most)) most = std::isnan(error) ? INFINITY : error;
  }
  return most;
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return shape(a) == shape(b) && (a.size() == 0 || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}
inline bool same_bits(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Tensor& x, const Tensor& y) { return same_bits(x, y); });
}

/// Samples `first` to `first + count` of a tensor.
inline Tensor samples(const Tensor& x, std::int64_t first, std::int64_t count) {
  Tensor part = empty(shape(x).sample().with_batch(count));
  const std::int64_t size = shape(x).sample().elements();
  std::copy_n(x.data() + first * size, count * size, part.data());
  return part;
}

/// The text of the error of a kind that a call throws; what else happens otherwise.
template <class Kind = Error, class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const Kind& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("an error of another kind: ") + error.what();
  }
  return "no error";
}

inline constexpr Format every_format[] = {Format::json, Format::text, Format::binary, Format::xml};

/// A config written in a format and read again.
inline Config round_trip(const Config& config, Format format) {
  std::stringstream stream;
  save_config(stream, config, format);
  return load_config(stream, format);
}

}  // namespace xl::testing_golden
