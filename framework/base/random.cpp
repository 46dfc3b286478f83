// Every number here is made of integer operations and of IEEE additions, multiplications, divisions
// and square roots in a fixed order. Compile this file with -ffp-contract=off: a fused a * b + c
// rounds otherwise.

#include "xlayers/framework/base/random.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>
#include <utility>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/base/mutex.hpp"

namespace xl {
namespace {

/// log x for a normal x > 0:  x = 2^e m with m in [sqrt(1/2), sqrt(2)),  s = (m - 1) / (m + 1),
/// log x = e log 2 + 2 (s + s^3/3 + s^5/5 + ...), where |s| < 0.172.
double logarithm(double x) {
  auto bits = std::bit_cast<std::uint64_t>(x);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  bits = (bits & 0x000fffffffffffff) | 0x3ff0000000000000;
  double m = std::bit_cast<double>(bits);
  if (m >= 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  const double s = (m - 1) / (m + 1);
  const double square = s * s;
  double sum = 0;
  for (int k = 21; k >= 1; k -= 2) sum = sum * square + 1.0 / k;
  return exponent * 0.6931471805599453 + 2 * s * sum;
}

template <std::size_t n>
double polynomial(const double (&coefficients)[n], double x) {
  double sum = coefficients[n - 1];
  for (std::size_t k = n - 1; k-- > 0;) sum = sum * x + coefficients[k];
  return sum;
}

/// The x below which a standard normal number lies with probability p, for 0 < p < 1: a rational
/// function in the middle and two in the tails. Wichura (1988), "Algorithm AS 241", PPND16:
/// relative error 1e-16.
double normal_quantile(double p) {
  constexpr double a[] = {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
                          1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
                          3.3430575583588128105e4, 2.5090809287301226727e3};
  constexpr double b[] = {1.0,
                          4.2313330701600911252e1,
                          6.8718700749205790830e2,
                          5.3941960214247511077e3,
                          2.1213794301586595867e4,
                          3.9307895800092710610e4,
                          2.8729085735721942674e4,
                          5.2264952788528545610e3};
  constexpr double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                          3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                          2.27238449892691845833e-2, 7.74545014278341407640e-4};
  constexpr double d[] = {1.0,
                          2.05319162663775882187e0,
                          1.67638483018380384940e0,
                          6.89767334985100004550e-1,
                          1.48103976427480074590e-1,
                          1.51986665636164571966e-2,
                          5.47593808499534494600e-4,
                          1.05075007164441684324e-9};
  constexpr double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                          2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                          2.71155556874348757815e-5, 2.01033439929228813265e-7};
  constexpr double f[] = {1.0,
                          5.99832206555887937690e-1,
                          1.36929880922735805310e-1,
                          1.48753612908506148525e-2,
                          7.86869131145613259100e-4,
                          1.84631831751005468180e-5,
                          1.42151175831644588870e-7,
                          2.04426310338993978564e-15};
  const double q = p - 0.5;
  if (std::abs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * polynomial(a, r) / polynomial(b, r);
  }
  const double r = std::sqrt(-logarithm(q < 0 ? p : 1 - p));
  const double x =
      r <= 5 ? polynomial(c, r - 1.6) / polynomial(d, r - 1.6) : polynomial(e, r - 5) / polynomial(f, r - 5);
  return q < 0 ? -x : x;
}

// From 32 random bits to a number of each distribution, in double.

double to_uniform(std::uint32_t bits) { return (bits >> 8) * 0x1p-24; }

/// In the middle of one of 2^32 equal parts of (0, 1): neither 0 nor 1.
double to_probability(std::uint32_t bits) { return (bits + 0.5) * 0x1p-32; }

double to_normal(std::uint32_t bits) { return normal_quantile(to_probability(bits)); }

/// Phi(-2) + u (Phi(2) - Phi(-2)) is a probability whose quantile lies in (-2, 2).
double to_truncated_normal(std::uint32_t bits) {
  constexpr double below = 0.022750131948179209;
  return std::clamp(normal_quantile(below + to_probability(bits) * (1 - 2 * below)), -2.0, 2.0);
}

/// floor(n * bits / 2^64): the upper half of the product of 64 x 64 bits, made of products of 32
/// x 32. No number is more likely than another by more than one part in 2^64 / n.
std::uint64_t scale(std::uint64_t n, std::uint64_t bits) {
  constexpr std::uint64_t mask = 0xffffffff;
  const std::uint64_t low = (n & mask) * (bits & mask);
  const std::uint64_t middle = (n >> 32) * (bits & mask) + (low >> 32);
  const std::uint64_t other = (n & mask) * (bits >> 32) + (middle & mask);
  return (n >> 32) * (bits >> 32) + (middle >> 32) + (other >> 32);
}

std::array<std::uint32_t, 4> block(std::uint64_t seed, std::uint64_t stream, std::uint64_t number) {
  const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  const auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
  return philox4x32({low(number), high(number), low(stream), high(stream)}, {low(seed), high(seed)});
}

/// out[i] = make(the 32 bits at position first + i), a block of four at a time.
template <class Make>
void fill(std::uint64_t seed, std::uint64_t stream, std::span<float> out, std::uint64_t first, Make make) {
  std::array<std::uint32_t, 4> words{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::uint64_t position = first + i;
    if (i == 0 || position % 4 == 0) words = block(seed, stream, position / 4);
    out[i] = make(words[position % 4]);
  }
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9;  // the golden ratio
    key[1] += 0xBB67AE85;  // the square root of 3, less 1
  }
  return counter;
}

std::uint32_t Random::bits32(std::uint64_t position) const { return block(seed_, stream_, position / 4)[position % 4]; }

std::uint64_t Random::bits64(std::uint64_t position) const {
  const auto words = block(seed_, stream_, position / 2);
  const std::size_t low = position % 2 * 2;
  return words[low] | std::uint64_t{words[low + 1]} << 32;
}

float Random::uniform(std::uint64_t position) const { return static_cast<float>(to_uniform(bits32(position))); }

float Random::normal(std::uint64_t position) const { return static_cast<float>(to_normal(bits32(position))); }

float Random::truncated_normal(std::uint64_t position) const {
  return static_cast<float>(to_truncated_normal(bits32(position)));
}

std::uint64_t Random::below(std::uint64_t n, std::uint64_t position) const {
  if (n == 0) throw ValueError("a random integer below 0 was asked for; there is none");
  return scale(n, bits64(position));
}

void Random::fill_uniform(std::span<float> out, float low, float high, std::uint64_t first) const {
  const double width = static_cast<double>(high) - low;
  const float below_high = std::nextafter(high, low);  // rounding to float may reach high
  fill(seed_, stream_, out, first, [&](std::uint32_t bits) {
    const auto value = static_cast<float>(low + width * to_uniform(bits));
    return value < high ? value : below_high;
  });
}

void Random::fill_normal(std::span<float> out, float mean, float stddev, std::uint64_t first) const {
  fill(seed_, stream_, out, first,
       [&](std::uint32_t bits) { return static_cast<float>(mean + stddev * to_normal(bits)); });
}

void Random::fill_truncated_normal(std::span<float> out, float mean, float stddev, std::uint64_t first) const {
  fill(seed_, stream_, out, first,
       [&](std::uint32_t bits) { return static_cast<float>(mean + stddev * to_truncated_normal(bits)); });
}

// Fisher and Yates: each place, from the last to the second, swaps with one that is not behind it.
void Random::permutation(std::span<std::int64_t> out) const {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::int64_t>(i);
  for (std::size_t i = out.size(); i-- > 1;) std::swap(out[i], out[below(i + 1, i)]);
}

// ---- the global sequence of seeds

namespace {

struct SeedSequence {
  Mutex mutex;
  std::uint64_t seed = std::uint64_t{std::random_device{}()} << 32 | std::random_device{}();
  std::uint64_t position = 0;
};

SeedSequence& seed_sequence() {
  static SeedSequence sequence;
  return sequence;
}

}  // namespace

void set_random_seed(std::uint64_t seed) {
  SeedSequence& sequence = seed_sequence();
  const std::lock_guard lock(sequence.mutex);
  sequence.seed = seed;
  sequence.position = 0;
}

std::uint64_t next_seed() {
  SeedSequence& sequence = seed_sequence();
  const std::lock_guard lock(sequence.mutex);
  return Random(sequence.seed).bits64(sequence.position++) >> 1;
}

}  // namespace xl
