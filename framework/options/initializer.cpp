#include "xlayers/framework/options/initializer.hpp"

#include <algorithm>
#include <cmath>
#include <variant>

#include "xlayers/framework/base/checked.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/random.hpp"
#include "xlayers/framework/config/named.hpp"

namespace xl {

static void serialize(Archive&, Zeros&) {}
static void serialize(Archive&, Ones&) {}
static void serialize(Archive& archive, Constant& i) { archive("value", i.value); }
static void serialize(Archive& archive, RandomNormal& i) {
  archive("seed", i.seed)("mean", i.mean)("stddev", i.stddev);
}
static void serialize(Archive& archive, TruncatedNormal& i) {
  archive("seed", i.seed)("mean", i.mean)("stddev", i.stddev);
}
static void serialize(Archive& archive, RandomUniform& i) {
  archive("seed", i.seed)("minval", i.minval)("maxval", i.maxval);
}
static void serialize(Archive& archive, VarianceScaling& i) {
  archive("seed", i.seed)("scale", i.scale)("mode", i.mode)("distribution", i.distribution);
  archive.ignore("input_axes").ignore("output_axes");
}
template <class Scaled>  // Glorot, He and Lecun
static void serialize(Archive& archive, Scaled& i) {
  archive("seed", i.seed).ignore("input_axes").ignore("output_axes");
}

using detail::check_option;

namespace {

const Named<Initializer>& initializers() {
  using Known = Named<Initializer>;
  static const Known known({.what = "initializer", .module = "keras.initializers"},
                           {
                               Known::of<GlorotUniform>({"glorot_uniform"}),
                               Known::of<GlorotNormal>({"glorot_normal"}),
                               Known::of<HeUniform>({"he_uniform"}),
                               Known::of<HeNormal>({"he_normal"}),
                               Known::of<LecunUniform>({"lecun_uniform"}),
                               Known::of<LecunNormal>({"lecun_normal"}),
                               Known::of<VarianceScaling>({"variance_scaling"}),
                               Known::of<RandomNormal>({"random_normal", "normal"}),
                               Known::of<TruncatedNormal>({"truncated_normal"}),
                               Known::of<RandomUniform>({"random_uniform", "uniform"}),
                               Known::of<Zeros>({"zeros", "zero"}),
                               Known::of<Ones>({"ones", "one"}),
                               Known::of<Constant>({"constant"}),
                           });
  return known;
}

// ---- checks

template <class Normal>
void check_normal(const Normal& i) {
  check_option(i, "mean", i.mean, std::isfinite(i.mean), "a finite number");
  check_option(i, "stddev", i.stddev, std::isfinite(i.stddev) && i.stddev >= 0, "a finite number of 0 or more");
}

template <class Other>
void check(const Other&) {}
void check(const Constant& i) { check_option(i, "value", i.value, std::isfinite(i.value), "a finite number"); }
void check(const RandomNormal& i) { check_normal(i); }
void check(const TruncatedNormal& i) { check_normal(i); }
void check(const RandomUniform& i) {
  check_option(i, "minval", i.minval, std::isfinite(i.minval), "a finite number");
  check_option(i, "maxval", i.maxval, std::isfinite(i.maxval) && i.maxval >= i.minval,
               "a finite number of minval or more");
}
void check(const VarianceScaling& i) {
  const auto one_of = [](const std::string& text, std::initializer_list<const char*> known) {
    return std::find(known.begin(), known.end(), text) != known.end();
  };
  check_option(i, "scale", i.scale, std::isfinite(i.scale) && i.scale > 0, "a finite number above 0");
  check_option(i, "mode", i.mode, one_of(i.mode, {"fan_in", "fan_out", "fan_avg"}), "fan_in, fan_out or fan_avg");
  check_option(i, "distribution", i.distribution,
               one_of(i.distribution, {"truncated_normal", "normal", "untruncated_normal", "uniform"}),
               "truncated_normal, untruncated_normal or uniform");
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
  return {checked_mul(in, receptive), checked_mul(out, receptive)};
}

Initializer::Initializer(const char* name) : Initializer(initializers().text(name)) {}
Initializer::Initializer(const std::string& name) : Initializer(initializers().get(name)) {}
struct Initializer::Kind
    : std::variant<GlorotUniform, GlorotNormal, HeUniform, HeNormal, LecunUniform, LecunNormal, VarianceScaling,
                   RandomNormal, TruncatedNormal, RandomUniform, Zeros, Ones, Constant> {
  using variant::variant;
};
template <AnyInitializer T>
Initializer::Initializer(const T& initializer) : kind_(std::make_shared<Kind>(initializer)) {
  check(initializer);
}
template Initializer::Initializer(const Zeros&);
template Initializer::Initializer(const Ones&);
template Initializer::Initializer(const Constant&);
template Initializer::Initializer(const RandomNormal&);
template Initializer::Initializer(const TruncatedNormal&);
template Initializer::Initializer(const RandomUniform&);
template Initializer::Initializer(const VarianceScaling&);
template Initializer::Initializer(const GlorotUniform&);
template Initializer::Initializer(const GlorotNormal&);
template Initializer::Initializer(const HeUniform&);
template Initializer::Initializer(const HeNormal&);
template Initializer::Initializer(const LecunUniform&);
template Initializer::Initializer(const LecunNormal&);

const Initializer::Kind& Initializer::kind() const {
  static const Kind glorot_uniform;
  return kind_ ? *kind_ : glorot_uniform;
}

std::string Initializer::class_name() const {
  return std::visit([](const auto& held) { return held.class_name; }, kind());
}

void Initializer::fill(std::span<float> weight, const Shape& shape) const {
  if (static_cast<std::int64_t>(weight.size()) != shape.elements())
    throw ShapeError("an initializer expected a weight of shape " + to_string(shape) + ", got " +
                     std::to_string(weight.size()) + " elements");
  fill(weight, Fans::of(shape));
}

void Initializer::fill(std::span<float> weight, Fans fans) const { std::visit(Fill{weight, fans}, kind()); }

void Initializer::operator()(Tensor& weight) const { fill({weight.data(), weight.size()}, xl::shape(weight)); }

Value to_value(const Initializer& initializer) {
  return std::visit([](const auto& held) { return initializers().write(held); }, initializer.kind());
}
void from_value(const Value& value, Initializer& initializer) { initializer = initializers().read(value); }

}  // namespace xl
