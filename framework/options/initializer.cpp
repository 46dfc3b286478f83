#include "xlayers/framework/options/initializer.hpp"

#include <algorithm>
#include <cmath>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/random.hpp"
#include "xlayers/framework/config/keras_object.hpp"

namespace xl {
namespace {

// ---- names and options

struct Name {
  const char* class_name;
  const char* snake_case;
  const char* alias;  // "" is none
};

/// In the order of Initializer::Kind.
constexpr Name names[] = {
    {"GlorotUniform", "glorot_uniform", ""},
    {"GlorotNormal", "glorot_normal", ""},
    {"HeUniform", "he_uniform", ""},
    {"HeNormal", "he_normal", ""},
    {"LecunUniform", "lecun_uniform", ""},
    {"LecunNormal", "lecun_normal", ""},
    {"VarianceScaling", "variance_scaling", ""},
    {"RandomNormal", "random_normal", "normal"},
    {"TruncatedNormal", "truncated_normal", ""},
    {"RandomUniform", "random_uniform", "uniform"},
    {"Zeros", "zeros", "zero"},
    {"Ones", "ones", "one"},
    {"Constant", "constant", ""},
};
static_assert(std::size(names) == std::variant_size_v<Initializer::Kind>);

template <std::size_t index = 0>
Initializer::Kind default_of(std::size_t wanted) {
  if constexpr (index + 1 < std::variant_size_v<Initializer::Kind>) {
    if (index != wanted) return default_of<index + 1>(wanted);
  }
  return Initializer::Kind(std::in_place_index<index>);
}

Initializer::Kind by_name(const std::string& name) {
  for (std::size_t i = 0; i < std::size(names); ++i)
    if (name == names[i].class_name || name == names[i].snake_case || (name == names[i].alias && !name.empty()))
      return default_of(i);
  throw ValueError("unknown initializer '" + name + "'; known are " +
                   joined(names, [](const Name& known) { return known.snake_case; }) + ", normal, uniform, zero, one");
}

void serialize(Archive&, Zeros&) {}
void serialize(Archive&, Ones&) {}
void serialize(Archive& archive, Constant& i) { archive("value", i.value); }
void serialize(Archive& archive, RandomNormal& i) { archive("seed", i.seed)("mean", i.mean)("stddev", i.stddev); }
void serialize(Archive& archive, TruncatedNormal& i) { archive("seed", i.seed)("mean", i.mean)("stddev", i.stddev); }
void serialize(Archive& archive, RandomUniform& i) { archive("seed", i.seed)("minval", i.minval)("maxval", i.maxval); }
void serialize(Archive& archive, VarianceScaling& i) {
  archive("seed", i.seed)("scale", i.scale)("mode", i.mode)("distribution", i.distribution);
  archive.ignore("input_axes").ignore("output_axes");
}
template <class Scaled>  // Glorot, He and Lecun
void serialize(Archive& archive, Scaled& i) {
  archive("seed", i.seed).ignore("input_axes").ignore("output_axes");
}

// ---- checks

void require(bool good, const char* owner, const char* option, const char* rule, const Value& got) {
  if (!good) throw ValueError("[" + std::string(owner) + "] " + option + " is " + rule + ", got " + got.to_text());
}

template <class Normal>
void check_normal(const char* owner, const Normal& i) {
  require(std::isfinite(i.mean), owner, "mean", "a finite number", i.mean);
  require(std::isfinite(i.stddev) && i.stddev >= 0, owner, "stddev", "a finite number of 0 or more", i.stddev);
}

template <class Other>
void check(const Other&) {}
void check(const Constant& i) { require(std::isfinite(i.value), "Constant", "value", "a finite number", i.value); }
void check(const RandomNormal& i) { check_normal("RandomNormal", i); }
void check(const TruncatedNormal& i) { check_normal("TruncatedNormal", i); }
void check(const RandomUniform& i) {
  require(std::isfinite(i.minval), "RandomUniform", "minval", "a finite number", i.minval);
  require(std::isfinite(i.maxval) && i.maxval >= i.minval, "RandomUniform", "maxval",
          "a finite number of minval or more", i.maxval);
}
void check(const VarianceScaling& i) {
  const auto one_of = [](const std::string& text, std::initializer_list<const char*> known) {
    return std::find(known.begin(), known.end(), text) != known.end();
  };
  require(std::isfinite(i.scale) && i.scale > 0, "VarianceScaling", "scale", "a finite number above 0", i.scale);
  require(one_of(i.mode, {"fan_in", "fan_out", "fan_avg"}), "VarianceScaling", "mode", "fan_in, fan_out or fan_avg",
          i.mode);
  require(one_of(i.distribution, {"truncated_normal", "normal", "untruncated_normal", "uniform"}), "VarianceScaling",
          "distribution", "truncated_normal, untruncated_normal or uniform", i.distribution);
}

// ---- values

struct Fill {
  std::span<float> weight;
  Fans fans;

  void operator()(const Zeros&) const { std::fill(weight.begin(), weight.end(), 0.0f); }
  void operator()(const Ones&) const { std::fill(weight.begin(), weight.end(), 1.0f); }
  void operator()(const Constant& i) const { std::fill(weight.begin(), weight.end(), i.value); }
  void operator()(const RandomNormal& i) const { numbers(i.seed).fill_normal(weight, i.mean, i.stddev); }
  void operator()(const TruncatedNormal& i) const { numbers(i.seed).fill_truncated_normal(weight, i.mean, i.stddev); }
  void operator()(const RandomUniform& i) const { numbers(i.seed).fill_uniform(weight, i.minval, i.maxval); }

  // variance = scale / max(1, n); the uniform distribution on [-a, a) has variance a^2 / 3, and the
  // normal one without its tails beyond 2 sigma has sigma * 0.8796... as its standard deviation.
  void operator()(const VarianceScaling& i) const {
    const double in = static_cast<double>(fans.in), out = static_cast<double>(fans.out);
    const double n = i.mode == "fan_in" ? in : i.mode == "fan_out" ? out : (in + out) / 2;
    const double variance = i.scale / std::max(1.0, n);
    if (i.distribution == "uniform") {
      const auto limit = static_cast<float>(std::sqrt(3 * variance));
      numbers(i.seed).fill_uniform(weight, -limit, limit);
    } else if (i.distribution == "untruncated_normal") {
      numbers(i.seed).fill_normal(weight, 0, static_cast<float>(std::sqrt(variance)));
    } else {
      const double sigma = std::sqrt(variance) / 0.87962566103423978;
      numbers(i.seed).fill_truncated_normal(weight, 0, static_cast<float>(sigma));
    }
  }

  void operator()(const GlorotUniform& i) const { scaled(1, "fan_avg", "uniform", i.seed); }
  void operator()(const GlorotNormal& i) const { scaled(1, "fan_avg", "truncated_normal", i.seed); }
  void operator()(const HeUniform& i) const { scaled(2, "fan_in", "uniform", i.seed); }
  void operator()(const HeNormal& i) const { scaled(2, "fan_in", "truncated_normal", i.seed); }
  void operator()(const LecunUniform& i) const { scaled(1, "fan_in", "uniform", i.seed); }
  void operator()(const LecunNormal& i) const { scaled(1, "fan_in", "truncated_normal", i.seed); }

  using Seed = std::optional<std::int64_t>;
  void scaled(float scale, const char* mode, const char* distribution, Seed seed) const {
    (*this)(VarianceScaling{scale, mode, distribution, seed});
  }
  static Random numbers(Seed seed) {
    return {seed ? static_cast<std::uint64_t>(*seed) : next_seed(), Purpose::initialization};
  }
};

}  // namespace

Fans Fans::of(const Shape& shape) {
  if (shape.rank() == 0) return {1, 1};
  if (shape.rank() == 1) return {shape[0], shape[0]};
  const std::int64_t in = shape[shape.rank() - 2], out = shape.back();
  const std::int64_t receptive = Shape(shape.begin(), shape.end() - 2).elements();
  return {in * receptive, out * receptive};
}

Initializer::Initializer(const char* name) : Initializer(std::string(name)) {}
Initializer::Initializer(const std::string& name) : kind_(by_name(name)) {}
Initializer::Initializer(Kind kind) : kind_(std::move(kind)) {
  std::visit([](const auto& held) { check(held); }, kind_);
}

std::string Initializer::class_name() const { return names[kind_.index()].class_name; }

void Initializer::fill(std::span<float> weight, const Shape& shape) const {
  if (static_cast<std::int64_t>(weight.size()) != shape.elements())
    throw ShapeError("an initializer expected a weight of shape " + to_string(shape) + ", got " +
                     std::to_string(weight.size()) + " elements");
  fill(weight, Fans::of(shape));
}

void Initializer::fill(std::span<float> weight, Fans fans) const { std::visit(Fill{weight, fans}, kind_); }

void Initializer::operator()(Tensor& weight) const { fill({weight.data(), weight.size()}, xl::shape(weight)); }

// ---- config

Value to_value(const Initializer& initializer) {
  Config config;
  Archive archive = Archive::writer(config);
  Initializer::Kind kind = initializer.kind();
  std::visit([&](auto& held) { serialize(archive, held); }, kind);
  return to_keras_object("keras.initializers", initializer.class_name(), std::move(config));
}

void from_value(const Value& value, Initializer& initializer) {
  const KerasObject object = from_keras_object(value, "an initializer");
  const Initializer defaults(object.class_name);
  Initializer::Kind kind = defaults.kind();
  Archive archive = Archive::reader(object.config, defaults.class_name());
  std::visit([&](auto& held) { serialize(archive, held); }, kind);
  archive.finish();
  initializer = Initializer(std::move(kind));
}

}  // namespace xl
